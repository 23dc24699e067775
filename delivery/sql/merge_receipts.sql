-- Up to %(limit)s receipts whose time to be merged has come, with their message where it is known. Receipts that came
-- before the accept was recorded have none yet and are put off by the caller.
-- Locks: the receipts, skipping another worker's. Indexes: receipt_due, vendor_ref_once.
WITH due AS (
    SELECT id, channel_id, vendor_id, reference, is_delivered, vendor_code, reported_at, received_at
    FROM delivery_receipt
    WHERE merged_at IS NULL AND merge_after <= %(now)s
    ORDER BY merge_after, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
SELECT d.id, d.channel_id, d.vendor_id, d.reference, d.is_delivered, d.vendor_code, d.reported_at, d.received_at,
       f.month, f.message_id
FROM due d LEFT JOIN delivery_vendorref f ON f.channel_id = d.channel_id AND f.vendor_id = d.vendor_id
