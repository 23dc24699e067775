-- Partitions of the ledger and the month each holds, oldest first.
-- Reads the catalogue only.
SELECT c.relname, to_date(right(c.relname, 7), 'YYYY_MM') AS month
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'delivery_message'::regclass AND c.relname ~ '^delivery_message_[0-9]{4}_[0-9]{2}$'
ORDER BY 2
