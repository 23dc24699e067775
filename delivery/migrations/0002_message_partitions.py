"""The message ledger: range partitions by month, no default partition, room for HOT updates."""

from django.db import migrations

TABLE = """
CREATE SEQUENCE delivery_message_id_seq;
CREATE TABLE delivery_message (
    month date NOT NULL,
    id bigint NOT NULL DEFAULT nextval('delivery_message_id_seq'),
    dispatch_id bigint NOT NULL,
    variant varchar(1) NOT NULL,
    dedupe_key uuid NOT NULL,
    tier varchar(16) NOT NULL,
    template_version_id bigint,
    params jsonb NOT NULL,
    member_id bigint,
    phone_hash uuid NOT NULL,
    phone_cipher bytea NOT NULL,
    phone_tail varchar(4) NOT NULL,
    is_demo boolean NOT NULL,
    state varchar(12) NOT NULL,
    reason varchar(32) NOT NULL DEFAULT '',
    not_before timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    fingerprint uuid NOT NULL,
    sender_ref bigint,
    channel_id bigint,
    parts smallint NOT NULL DEFAULT 0,
    cost integer NOT NULL DEFAULT 0,
    tries smallint NOT NULL DEFAULT 0,
    submitted_at timestamptz,
    done_at timestamptz,
    PRIMARY KEY (month, id),
    CONSTRAINT message_state CHECK (state IN ('PLANNED', 'CLAIMED', 'UNSURE', 'ACCEPTED', 'DELIVERED', 'UNDELIVERED',
        'UNREPORTED', 'REFUSED', 'EXCLUDED', 'EXPIRED', 'CANCELLED')),
    CONSTRAINT message_month CHECK (extract(day FROM month) = 1)
) PARTITION BY RANGE (month);
ALTER SEQUENCE delivery_message_id_seq OWNED BY delivery_message.id;
-- One message per person and dispatch, whatever runs twice.
CREATE UNIQUE INDEX message_dedupe ON delivery_message (month, dispatch_id, dedupe_key);
-- The timeline of one phone.
CREATE INDEX message_phone ON delivery_message (phone_hash, id);
"""

ENSURE = """
CREATE FUNCTION delivery_ensure_partition(wanted date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first_day date := date_trunc('month', wanted)::date;
    part text := 'delivery_message_' || to_char(first_day, 'YYYY_MM');
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Two callers at once: the second waits here and then finds the partition.
    PERFORM pg_advisory_xact_lock(hashtext('delivery_ensure_partition'));
    IF to_regclass(part) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF delivery_message FOR VALUES FROM (%L) TO (%L) '
                       'WITH (fillfactor = 50)', part, first_day, (first_day + interval '1 month')::date);
    END IF;
END $$;
"""


# A queue empties from the front: without an eager vacuum every look at it walks over the dead entries.
QUEUE = """
ALTER TABLE delivery_ready SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                                autovacuum_vacuum_cost_delay = 0);
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial")]

    operations = [
        migrations.RunSQL(TABLE, "DROP TABLE delivery_message"),
        migrations.RunSQL(QUEUE, migrations.RunSQL.noop),
        migrations.RunSQL(ENSURE, "DROP FUNCTION delivery_ensure_partition(date)"),
    ]
