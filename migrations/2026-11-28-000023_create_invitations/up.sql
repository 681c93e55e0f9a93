-- Links by which people join an account.
CREATE TABLE invitations (
    id         TEXT   NOT NULL PRIMARY KEY,
    digest     BLOB   NOT NULL, -- SHA-256 of the token in the link
    account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role       TEXT   NOT NULL,
    email      TEXT,            -- the only address that may join; empty for anybody with the link
    created_by TEXT   REFERENCES operators (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE UNIQUE INDEX invitations_by_digest ON invitations (digest);
CREATE INDEX invitations_by_account ON invitations (account_id, expires_at);

-- Links by which an operator sets a new password: at most one for each.
CREATE TABLE password_links (
    operator_id TEXT   NOT NULL PRIMARY KEY REFERENCES operators (id) ON DELETE CASCADE,
    digest      BLOB   NOT NULL, -- SHA-256 of the token in the link
    created_by  TEXT   REFERENCES operators (id) ON DELETE SET NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT
);
CREATE UNIQUE INDEX password_links_by_digest ON password_links (digest);
