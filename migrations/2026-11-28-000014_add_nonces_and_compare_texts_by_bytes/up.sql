-- A revision alone does not say which changes led to it: after a failover or a
-- restore that lost some, other changes get the same numbers. So each change has
-- a random nonce, and the latest one stands beside the latest revision.
ALTER TABLE revisions ADD COLUMN nonce BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_key_changes ADD COLUMN nonce BIGINT NOT NULL DEFAULT 0;

-- Only PostgreSQL:
-- Ids and cursors are compared by their bytes, as SQLite does, whatever language
-- the database was made for. Columns of later migrations get this collation with
-- their type.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS NULL
          AND table_name IN (
            'settings', 'accounts', 'operators', 'operator_passwords', 'memberships', 'services', 'api_keys',
            'key_secrets', 'key_secret_usages', 'sessions', 'revisions', 'api_key_deletions', 'credit_balances',
            'ledger_entries', 'messages', 'message_segments', 'message_events', 'waiting_receipts',
            'idempotency_records', 'api_key_callbacks', 'callback_deliveries', 'audit_events')
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE text COLLATE "C"', found.table_name, found.column_name);
    END LOOP;
END $$;
