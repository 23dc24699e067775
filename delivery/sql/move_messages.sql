-- Move messages of one month from state to state: the only statement that changes a state after the claim.
-- A pair that is not in %(allowed)s leaves its row alone. The tally deltas are written with the change they count,
-- messages that go back to PLANNED return to the queue, and those that become or cease to be UNSURE are listed or struck.
-- The array of ids is named again at each scan: without it the planner expects thousands of rows and reads the month.
-- Locks: the messages, in order of id. Index: delivery_message's primary key.
WITH wanted AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(parts)s::int[],
                         %(costs)s::int[], %(not_befores)s::timestamptz[], %(tries)s::smallint[])
        AS w(id, state, reason, parts, cost, not_before, tries)
), old AS MATERIALIZED (
    SELECT m.id, m.state, m.reason, m.channel_id, m.parts, m.cost, m.variant, m.dispatch_id
    FROM delivery_message m JOIN wanted w ON w.id = m.id
    WHERE m.month = %(month)s AND m.id = ANY(%(ids)s::bigint[]) AND m.state || '>' || w.state = ANY(%(allowed)s)
    ORDER BY m.id
    FOR UPDATE OF m
), moved AS (
    UPDATE delivery_message m
    SET state = w.state,
        reason = w.reason,
        channel_id = CASE WHEN w.state IN ('PLANNED', 'EXCLUDED', 'EXPIRED', 'CANCELLED') THEN NULL
                          ELSE m.channel_id END,
        parts = COALESCE(w.parts, m.parts),
        cost = COALESCE(w.cost, m.cost),
        not_before = COALESCE(w.not_before, m.not_before),
        tries = COALESCE(w.tries, m.tries),
        submitted_at = CASE WHEN w.state IN ('ACCEPTED', 'UNSURE', 'REFUSED') AND m.submitted_at IS NULL
                            THEN %(now)s ELSE m.submitted_at END,
        done_at = CASE WHEN w.state IN ('PLANNED', 'ACCEPTED', 'UNSURE') THEN NULL ELSE %(now)s END
    FROM old o JOIN wanted w ON w.id = o.id
    WHERE m.month = %(month)s AND m.id = ANY(%(ids)s::bigint[]) AND m.id = o.id
    RETURNING m.id, m.state, m.reason, m.channel_id, m.parts, m.cost, m.variant, m.dispatch_id, m.not_before,
              m.carrier, m.sender_ref, m.phone_hash, m.submitted_at, o.state AS old_state
), requeued AS (
    INSERT INTO delivery_ready (message_id, month, dispatch_id, carrier, priority, not_before)
    SELECT v.id, %(month)s, v.dispatch_id, v.carrier, d.priority, v.not_before
    FROM moved v JOIN delivery_dispatch d ON d.id = v.dispatch_id
    WHERE v.state = 'PLANNED'
), unsure AS (
    INSERT INTO delivery_unsuremessage (message_id, month, dispatch_id, channel_id, since, next_check_at)
    SELECT v.id, %(month)s, v.dispatch_id, COALESCE(v.channel_id, 0), %(now)s, %(first_check)s
    FROM moved v WHERE v.state = 'UNSURE'
    ON CONFLICT (message_id) DO NOTHING
), settled AS (
    DELETE FROM delivery_unsuremessage u USING moved v WHERE v.old_state = 'UNSURE' AND u.message_id = v.id
), counted AS (
    INSERT INTO delivery_tallydelta
        (dispatch_id, variant, channel_id, hour, state, reason, message_count, part_count, cost)
    SELECT c.dispatch_id, c.variant, c.channel_id, date_trunc('hour', d.not_before), c.state, c.reason,
           sum(c.n), sum(c.n * c.parts), sum(c.n * c.cost)
    FROM (
        SELECT dispatch_id, variant, -1 AS n,
               CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN 'PLANNED' ELSE state END AS state,
               CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN '' ELSE reason END AS reason,
               CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN 0 ELSE COALESCE(channel_id, 0) END AS channel_id,
               CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN 0 ELSE parts END AS parts,
               CASE WHEN state IN ('PLANNED', 'CLAIMED') THEN 0 ELSE cost END AS cost
        FROM old
        UNION ALL
        SELECT dispatch_id, variant, 1, state,
               CASE WHEN state = 'PLANNED' THEN '' ELSE reason END,
               CASE WHEN state = 'PLANNED' THEN 0 ELSE COALESCE(channel_id, 0) END,
               CASE WHEN state = 'PLANNED' THEN 0 ELSE parts END,
               CASE WHEN state = 'PLANNED' THEN 0 ELSE cost END
        FROM moved
    ) c
    JOIN delivery_dispatch d ON d.id = c.dispatch_id
    GROUP BY c.dispatch_id, c.variant, c.channel_id, d.not_before, c.state, c.reason
    HAVING sum(c.n) <> 0 OR sum(c.n * c.parts) <> 0 OR sum(c.n * c.cost) <> 0
)
SELECT id, old_state, state, reason, dispatch_id, channel_id, sender_ref, phone_hash, submitted_at
FROM moved ORDER BY id
