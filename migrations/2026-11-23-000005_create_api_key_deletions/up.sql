-- Ids of keys that were deleted. Ids come from forms, and a form that is sent
-- again after its key was deleted must not make another one.
CREATE TABLE api_key_deletions (
    api_key_id TEXT   NOT NULL PRIMARY KEY,
    account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    deleted_at BIGINT NOT NULL
);
