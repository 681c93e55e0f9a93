-- How often each key was used in each hour and on each day, in UTC, so that its page can
-- show it. The primary key keeps the rows of a key together; the index serves the removal
-- of old ones. The table of one row says since when that is counted.
CREATE TABLE key_use_counting (
    since BIGINT NOT NULL PRIMARY KEY
);
-- Only SQLite:
CREATE TABLE key_uses_by_hour (
    api_key_id TEXT   NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    hour       BIGINT NOT NULL, -- its beginning
    uses       BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, hour)
) WITHOUT ROWID;
CREATE TABLE key_uses_by_day (
    api_key_id TEXT   NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    day        BIGINT NOT NULL, -- its beginning
    uses       BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, day)
) WITHOUT ROWID;
INSERT INTO key_use_counting (since) VALUES (CAST(strftime('%s', 'now') AS INTEGER) * 1000000);
-- Only PostgreSQL:
CREATE TABLE key_uses_by_hour (
    api_key_id TEXT   NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    hour       BIGINT NOT NULL, -- its beginning
    uses       BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, hour)
);
CREATE TABLE key_uses_by_day (
    api_key_id TEXT   NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    day        BIGINT NOT NULL, -- its beginning
    uses       BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, day)
);
INSERT INTO key_use_counting (since) VALUES (CAST(EXTRACT(EPOCH FROM now()) AS BIGINT) * 1000000);
-- Both:
CREATE INDEX key_uses_by_hour_by_age ON key_uses_by_hour (hour);
CREATE INDEX key_uses_by_day_by_age ON key_uses_by_day (day);
