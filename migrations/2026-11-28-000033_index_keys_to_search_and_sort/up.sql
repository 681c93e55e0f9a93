-- Before this, Keyfob has written the names and descriptions to search in of all keys.

-- The orders of the list. Newest and oldest first have an index already.
CREATE INDEX api_keys_by_name ON api_keys (account_id, sort_name, created_at DESC, id DESC) WHERE deleted_at IS NULL;
-- A key that never ends comes last.
DROP INDEX api_keys_by_end;
CREATE INDEX api_keys_by_end ON api_keys (account_id, coalesce(expires_at, 9223372036854775807), created_at DESC, id DESC);
-- A key that was never used comes last.
CREATE INDEX key_last_uses_by_time ON key_last_uses (account_id, last_used_at DESC, created_at DESC, api_key_id DESC);

-- What the list is filtered by.
CREATE INDEX api_keys_by_status ON api_keys (account_id, status, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX api_keys_by_mode ON api_keys (account_id, mode, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX api_keys_by_maker ON api_keys (account_id, created_by, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX api_keys_unlimited ON api_keys (account_id, created_at DESC, id DESC) WHERE allowed_ips = '' AND scopes = '*' AND deleted_at IS NULL;
CREATE INDEX api_keys_in_trash ON api_keys (account_id, created_at DESC, id DESC) WHERE deleted_at IS NOT NULL;
CREATE INDEX key_secrets_by_tail ON key_secrets (tail);
CREATE INDEX key_secrets_by_end ON key_secrets (ends_at) WHERE ends_at IS NOT NULL;
CREATE INDEX key_secrets_imported ON key_secrets (api_key_id) WHERE origin = 'imported';

-- Only SQLite:
-- A search reads the texts of all keys of an account, from this index instead of the whole rows.
CREATE INDEX api_keys_by_text ON api_keys (account_id, created_at DESC, id DESC, search) WHERE deleted_at IS NULL;
