-- A service that is switched off: none of its keys opens anything, whatever its own switch says.
ALTER TABLE services ADD COLUMN status TEXT NOT NULL DEFAULT 'enabled';

-- The trash of an account, and what of all trash is kept no longer. They hold only keys in it.
CREATE INDEX api_keys_in_trash ON api_keys (account_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX api_keys_by_deletion ON api_keys (deleted_at) WHERE deleted_at IS NOT NULL;
