-- Gives the ledgers an owner that is not the console's own role, here called app. Run as a superuser; may be repeated.
-- Afterwards app can add rows, read them and undo a redemption, and neither change a trigger nor pass by it.

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_owner') THEN
        CREATE ROLE ledger_owner NOLOGIN;
    END IF;
END $$;

-- Whoever owns the schema may drop what is in it.
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO ledger_owner', current_database()); END $$;
ALTER SCHEMA public OWNER TO ledger_owner;
GRANT USAGE, CREATE ON SCHEMA public TO app;

ALTER TABLE foundation_auditentry OWNER TO ledger_owner;
ALTER TABLE foundation_ledgerseal OWNER TO ledger_owner;
ALTER TABLE members_consentevent OWNER TO ledger_owner;
ALTER TABLE coupons_redemption OWNER TO ledger_owner;
ALTER TABLE coupons_reversal OWNER TO ledger_owner;

-- Whoever owns the function of a trigger may replace it by one that lets everything pass.
DO $$
DECLARE guard regprocedure;
BEGIN
    FOR guard IN
        SELECT DISTINCT tgfoid::regprocedure FROM pg_trigger
        WHERE NOT tgisinternal AND tgrelid IN (
            'foundation_auditentry'::regclass, 'foundation_ledgerseal'::regclass, 'members_consentevent'::regclass,
            'coupons_redemption'::regclass, 'coupons_reversal'::regclass)
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO ledger_owner', guard);
    END LOOP;
END $$;

REVOKE ALL ON foundation_auditentry, foundation_ledgerseal, members_consentevent, coupons_redemption, coupons_reversal
    FROM app, PUBLIC;
GRANT SELECT, INSERT ON foundation_auditentry, foundation_ledgerseal, members_consentevent, coupons_redemption,
    coupons_reversal TO app;
GRANT UPDATE (state) ON coupons_redemption TO app;
