-- Keys that somebody found where they should not be. A key has one row, which counts.
CREATE TABLE leak_reports (
    api_key_id    TEXT   NOT NULL PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    key_secret_id TEXT   NOT NULL, -- the secret that was reported last
    reports       BIGINT NOT NULL,
    first_at      BIGINT NOT NULL,
    last_at       BIGINT NOT NULL,
    source        TEXT   NOT NULL, -- in the reporter's words; '' when not told
    url           TEXT   NOT NULL, -- where it was found; '' when not told
    address       TEXT   NOT NULL, -- the reporter's
    dismissed_at  BIGINT           -- when an operator said that it is settled
);

-- Whether the holder of a key may switch it off.
ALTER TABLE services ADD COLUMN self_revocation TEXT NOT NULL DEFAULT 'allowed';
