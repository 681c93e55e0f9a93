-- A browser's session. The id in the cookie is a secret, so only its SHA-256
-- is here: a copy of the database logs nobody in.
CREATE TABLE sessions (
    digest      BYTEA  NOT NULL PRIMARY KEY,
    operator_id TEXT   REFERENCES operators (id) ON DELETE CASCADE, -- empty before login
    state       TEXT   NOT NULL, -- JSON object
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL
);
CREATE INDEX sessions_by_operator ON sessions (operator_id);
CREATE INDEX sessions_by_seen ON sessions (seen_at);
