-- Only SQLite:
DROP INDEX api_keys_by_text;
-- Both:
DROP INDEX key_secrets_imported;
DROP INDEX key_secrets_by_end;
DROP INDEX key_secrets_by_tail;
DROP INDEX api_keys_in_trash;
DROP INDEX api_keys_unlimited;
DROP INDEX api_keys_by_maker;
DROP INDEX api_keys_by_mode;
DROP INDEX api_keys_by_status;
DROP INDEX key_last_uses_by_time;
DROP INDEX api_keys_by_end;
CREATE INDEX api_keys_by_end ON api_keys (account_id, expires_at) WHERE expires_at IS NOT NULL;
DROP INDEX api_keys_by_name;
