-- The same text runs on SQLite and PostgreSQL. Ids and times come from the
-- program: ids are text, times are microseconds since 1970 in UTC.

-- What belongs to this installation as a whole: the key that signs cookies,
-- the digest of the setup code until it is used.
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Who owns keys.
CREATE TABLE accounts (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

-- A person who logs in to the dashboard.
CREATE TABLE operators (
    id            TEXT   NOT NULL PRIMARY KEY,
    account_id    TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email         TEXT   NOT NULL UNIQUE, -- lower case
    name          TEXT   NOT NULL,
    password_hash TEXT   NOT NULL,        -- Argon2id, PHC string
    created_at    BIGINT NOT NULL
);
CREATE INDEX operators_by_account ON operators (account_id);

-- What a key is for. Belongs to the installation, not to an account.
CREATE TABLE services (
    slug       TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    key_prefix TEXT   NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);
