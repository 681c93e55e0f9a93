-- Links that show a key once to whoever opens them first: at most one for each key.
CREATE TABLE key_handovers (
    api_key_id   TEXT   NOT NULL PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    token_digest BLOB   NOT NULL,
    sealed       BLOB,            -- the key, encrypted with the token of the link; empty once it was shown
    created_at   BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL,
    opened_at    BIGINT,
    address      TEXT,            -- the client that opened it
    user_agent   TEXT
);
CREATE UNIQUE INDEX key_handovers_by_token ON key_handovers (token_digest);
CREATE INDEX key_handovers_by_end ON key_handovers (ends_at);
