-- Keys keep their current secret; one that was being replaced is gone.

-- Only PostgreSQL:

ALTER TABLE api_keys ADD COLUMN digest BYTEA;
ALTER TABLE api_keys ADD COLUMN mask TEXT;
UPDATE api_keys SET digest = s.digest, mask = s.mask
    FROM key_secrets s WHERE s.api_key_id = api_keys.id AND s.ends_at IS NULL;
ALTER TABLE api_keys ALTER COLUMN digest SET NOT NULL;
ALTER TABLE api_keys ALTER COLUMN mask SET NOT NULL;
ALTER TABLE api_keys ADD UNIQUE (digest);
ALTER TABLE api_keys DROP COLUMN status_reason;

-- Only SQLite:

CREATE TABLE old_api_keys (
    id          TEXT   NOT NULL PRIMARY KEY,
    account_id  TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    service     TEXT   NOT NULL REFERENCES services (slug),
    mode        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    description TEXT   NOT NULL,
    digest      BLOB   NOT NULL UNIQUE,
    mask        TEXT   NOT NULL,
    status      TEXT   NOT NULL,
    created_by  TEXT   REFERENCES operators (id) ON DELETE SET NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT,
    version     BIGINT NOT NULL DEFAULT 1
);
INSERT INTO old_api_keys
    SELECT k.id, k.account_id, k.service, k.mode, k.name, k.description, s.digest, s.mask, k.status, k.created_by,
           k.created_at, k.expires_at, k.version
    FROM api_keys k JOIN key_secrets s ON s.api_key_id = k.id AND s.ends_at IS NULL;
DROP TABLE api_keys;
ALTER TABLE old_api_keys RENAME TO api_keys;
CREATE INDEX api_keys_by_age ON api_keys (account_id, created_at DESC, id DESC);
CREATE INDEX api_keys_by_service_and_age ON api_keys (account_id, service, created_at DESC, id DESC);

-- Both:

CREATE TABLE api_key_usages (
    api_key_id   TEXT   NOT NULL PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    uses         BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    address      TEXT   NOT NULL,
    user_agent   TEXT   NOT NULL
);
INSERT INTO api_key_usages (api_key_id, uses, last_used_at, address, user_agent)
    SELECT s.api_key_id, u.uses, u.last_used_at, u.address, u.user_agent
    FROM key_secret_usages u JOIN key_secrets s ON s.id = u.key_secret_id WHERE s.ends_at IS NULL;
DROP TABLE key_secret_usages;
DROP TABLE key_secrets;
