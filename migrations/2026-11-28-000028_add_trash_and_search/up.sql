-- A deleted key waits in the trash, from which operators can restore it for some days.
ALTER TABLE api_keys ADD COLUMN deleted_at BIGINT;

-- Names and descriptions without case and accents: the name to sort by, and all of it to
-- search in. Keyfob writes them, since the databases fold letters differently.
ALTER TABLE api_keys ADD COLUMN sort_name TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN search TEXT NOT NULL DEFAULT '';

-- The last use of each key, to the minute, with any of its secrets. Apart from the keys,
-- since it is written all the time.
CREATE TABLE key_last_uses (
    api_key_id   TEXT   NOT NULL PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    account_id   TEXT   NOT NULL,
    created_at   BIGINT NOT NULL, -- the key's
    last_used_at BIGINT NOT NULL  -- 0 before the first use
);
INSERT INTO key_last_uses (api_key_id, account_id, created_at, last_used_at)
SELECT id, account_id, created_at, COALESCE(
    (SELECT MAX(last_used_at) FROM key_secret_usages JOIN key_secrets ON key_secrets.id = key_secret_id
     WHERE api_key_id = api_keys.id), 0)
FROM api_keys;
