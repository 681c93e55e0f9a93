-- A key's secrets: one, or two while one takes the other's place. Never the
-- secret itself, only its SHA-256 and what can be shown of it.
CREATE TABLE key_secrets (
    id         TEXT   NOT NULL PRIMARY KEY,
    api_key_id TEXT   NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    digest     BLOB  NOT NULL UNIQUE,
    mask       TEXT   NOT NULL,
    tail       TEXT   NOT NULL, -- the last four characters
    created_at BIGINT NOT NULL,
    ends_at    BIGINT,          -- empty for the current secret
    origin     TEXT   NOT NULL
);
CREATE INDEX key_secrets_by_api_key ON key_secrets (api_key_id);
-- A key has one current secret, whoever replaces it at the same moment.
CREATE UNIQUE INDEX key_secrets_current ON key_secrets (api_key_id) WHERE ends_at IS NULL;
INSERT INTO key_secrets (id, api_key_id, digest, mask, tail, created_at, ends_at, origin)
    SELECT 'ksec_' || substr(id, 5), id, digest, mask, substr(mask, length(mask) - 3), created_at, NULL, 'minted'
    FROM api_keys;

-- When and how a secret was last used. Apart from the secret itself, since it is
-- written about once a second while the secret is in use.
CREATE TABLE key_secret_usages (
    key_secret_id TEXT   NOT NULL PRIMARY KEY REFERENCES key_secrets (id) ON DELETE CASCADE,
    uses          BIGINT NOT NULL,
    last_used_at  BIGINT NOT NULL,
    address       TEXT   NOT NULL,
    user_agent    TEXT   NOT NULL
);
INSERT INTO key_secret_usages (key_secret_id, uses, last_used_at, address, user_agent)
    SELECT 'ksec_' || substr(api_key_id, 5), uses, last_used_at, address, user_agent
    FROM api_key_usages;
DROP TABLE api_key_usages;

-- The key itself is the record: what belongs to all of its secrets.

-- Only PostgreSQL:

ALTER TABLE api_keys DROP COLUMN digest;
ALTER TABLE api_keys DROP COLUMN mask;
ALTER TABLE api_keys ADD COLUMN status_reason TEXT; -- why it is disabled, where somebody said

-- Only SQLite:
-- a unique column is not dropped in place, so the table is made anew.

CREATE TABLE new_api_keys (
    id            TEXT   NOT NULL PRIMARY KEY,
    account_id    TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    service       TEXT   NOT NULL REFERENCES services (slug),
    mode          TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    description   TEXT   NOT NULL,
    status        TEXT   NOT NULL,
    created_by    TEXT   REFERENCES operators (id) ON DELETE SET NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT,
    version       BIGINT NOT NULL DEFAULT 1, -- raised with every edit
    status_reason TEXT             -- why it is disabled, where somebody said
);
INSERT INTO new_api_keys
    SELECT id, account_id, service, mode, name, description, status, created_by, created_at, expires_at, version, NULL
    FROM api_keys;
DROP TABLE api_keys;
ALTER TABLE new_api_keys RENAME TO api_keys;
-- The list, newest first: of all services, and of one.
CREATE INDEX api_keys_by_age ON api_keys (account_id, created_at DESC, id DESC);
CREATE INDEX api_keys_by_service_and_age ON api_keys (account_id, service, created_at DESC, id DESC);
