-- Who is writing to some tables now: table and transaction. Locks nothing. Whoever adds a row holds the table's lock
-- from before it draws the id until after its commit can be seen.
SELECT relation::regclass::text, virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND relation = ANY(%(tables)s::regclass[]) AND pid IS DISTINCT FROM pg_backend_pid()
