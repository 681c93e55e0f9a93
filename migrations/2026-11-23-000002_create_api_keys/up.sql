-- An API key: never the secret itself, only its SHA-256 and a mask.
CREATE TABLE api_keys (
    id          TEXT   NOT NULL PRIMARY KEY,
    account_id  TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    service     TEXT   NOT NULL REFERENCES services (slug),
    mode        TEXT   NOT NULL CHECK (mode IN ('live', 'test')),
    name        TEXT   NOT NULL,
    description TEXT   NOT NULL,
    digest      BYTEA  NOT NULL UNIQUE,
    mask        TEXT   NOT NULL,
    status      TEXT   NOT NULL CHECK (status IN ('enabled', 'disabled')),
    created_by  TEXT   REFERENCES operators (id) ON DELETE SET NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT
);
-- The list, newest first: of all services, and of one.
CREATE INDEX api_keys_by_age ON api_keys (account_id, created_at DESC, id DESC);
CREATE INDEX api_keys_by_service_and_age ON api_keys (account_id, service, created_at DESC, id DESC);
