-- Up to %(limit)s receipts that were not merged yet and whose message is known; receipts that came before the
-- accept was recorded wait here until their reference exists.
-- Locks: the receipts, skipping another worker's. Indexes: receipt_open, vendor_ref_once.
SELECT r.id, f.month, f.message_id, r.is_delivered, r.vendor_code, r.reported_at
FROM delivery_receipt r
JOIN delivery_vendorref f ON f.channel_id = r.channel_id AND f.vendor_id = r.vendor_id
WHERE r.merged_at IS NULL
ORDER BY r.id
LIMIT %(limit)s
FOR UPDATE OF r SKIP LOCKED
