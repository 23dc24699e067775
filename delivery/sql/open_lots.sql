-- Open dispatches of some tiers that have due messages, once per carrier; one look into the queue each.
-- Reads only. Indexes: dispatch_open, ready_take_lot.
SELECT d.id, c.carrier
FROM delivery_dispatch d
CROSS JOIN (VALUES ('MOBILE'), ('UNICOM'), ('TELECOM'), ('BROADNET'), ('VIRTUAL'), ('UNKNOWN'), ('')) AS c(carrier)
WHERE d.state = 'OPEN' AND d.tier = ANY(%(tiers)s) AND d.not_before <= %(now)s AND d.expires_at > %(now)s
  AND EXISTS (SELECT 1 FROM delivery_ready r
              WHERE r.dispatch_id = d.id AND r.carrier = c.carrier AND r.priority = d.priority
                AND r.not_before <= %(now)s)
