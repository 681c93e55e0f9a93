-- How much an account, or one of its keys, may send. An empty limit is none.
CREATE TABLE guards (
    holder               TEXT    NOT NULL PRIMARY KEY, -- the id of the account or of the key
    account_id           TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    api_key_id           TEXT    REFERENCES api_keys (id) ON DELETE CASCADE, -- empty for the account's own
    recipient_10_minutes BIGINT,           -- messages to one recipient in 10 minutes
    recipient_day        BIGINT,           -- messages to one recipient in 24 hours
    messages_minute      BIGINT,
    credits_day          BIGINT,           -- in a day of UTC
    destinations         TEXT    NOT NULL, -- any, except, only
    prefixes             TEXT    NOT NULL, -- of numbers, such as '+881 +979'
    senders              TEXT    NOT NULL, -- one in each line; '' allows any
    is_offered           BOOLEAN NOT NULL  -- whether pages offer the usual limits
);
CREATE INDEX guards_by_account ON guards (account_id);
CREATE INDEX guards_by_api_key ON guards (api_key_id) WHERE api_key_id IS NOT NULL;

-- What was used of a limit, changed together with the balance only.
CREATE TABLE guard_counts (
    holder    TEXT    NOT NULL REFERENCES guards (holder) ON DELETE CASCADE,
    kind      TEXT    NOT NULL, -- messages (by a few seconds), credits (by day)
    rehearsed BOOLEAN NOT NULL,
    begins    BIGINT  NOT NULL,
    used      BIGINT  NOT NULL,
    warned    BIGINT  NOT NULL, -- the highest percentage that was warned of
    PRIMARY KEY (holder, kind, rehearsed, begins)
);

-- The latest messages to one recipient. Test messages are counted by no limit.
CREATE INDEX messages_guarded ON messages (account_id, recipient, rehearsed, created_at) WHERE mode = 'live';

-- Nothing changes for accounts that exist: the limits are offered to them.
INSERT INTO guards (holder, account_id, destinations, prefixes, senders, is_offered)
    SELECT id, id, 'any', '', '', TRUE FROM accounts;
