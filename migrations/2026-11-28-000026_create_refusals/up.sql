-- Refused requests with a key, counted by hour and reason, so that its page can say why.
CREATE TABLE key_refusals (
    id         TEXT   NOT NULL PRIMARY KEY,
    account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    api_key_id TEXT   NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    hour       BIGINT NOT NULL, -- its beginning
    code       TEXT   NOT NULL,
    source     TEXT   NOT NULL, -- the address that it is counted by; '*' for all addresses together
    requests   BIGINT NOT NULL,
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    address    TEXT   NOT NULL, -- of the last one
    user_agent TEXT   NOT NULL
);
CREATE UNIQUE INDEX key_refusals_by_reason ON key_refusals (api_key_id, hour, code, source);
CREATE INDEX key_refusals_by_key ON key_refusals (api_key_id, last_at, id);
CREATE INDEX key_refusals_by_account ON key_refusals (account_id, last_at, id);
CREATE INDEX key_refusals_by_code ON key_refusals (account_id, code, last_at, id);
CREATE INDEX key_refusals_by_hour ON key_refusals (hour);

-- Keys that Keyfob does not know: never the key, only its last four characters.
CREATE TABLE unknown_keys (
    tail       TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    requests   BIGINT NOT NULL,
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    user_agent TEXT   NOT NULL,
    PRIMARY KEY (tail, address)
);
CREATE INDEX unknown_keys_by_time ON unknown_keys (last_at);

-- Refused requests of which nothing but their number is kept, by day.
CREATE TABLE refusal_counts (
    day      BIGINT NOT NULL, -- its beginning
    kind     TEXT   NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (day, kind)
);
