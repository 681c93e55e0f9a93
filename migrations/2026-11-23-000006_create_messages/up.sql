-- What an account can still spend. Changed together with the ledger only.
CREATE TABLE credit_balances (
    account_id TEXT   NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    credits    BIGINT NOT NULL CHECK (credits >= 0)
);

-- The ledger: rows are added and never changed; their sum is the balance.
-- A message is charged once and refunded once.
CREATE TABLE ledger_entries (
    id         TEXT   NOT NULL PRIMARY KEY,
    account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    amount     BIGINT NOT NULL CHECK (amount <> 0),
    reason     TEXT   NOT NULL CHECK (reason IN ('opening', 'top_up', 'message', 'refund')),
    message_id TEXT,
    note       TEXT   NOT NULL,
    created_by TEXT   REFERENCES operators (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (message_id, reason)
);
CREATE INDEX ledger_entries_by_age ON ledger_entries (account_id, created_at, id);

-- A message to one recipient; also the queue, so that no message is in one
-- and not in the other. It outlives the key that it was sent with.
CREATE TABLE messages (
    id          TEXT   NOT NULL PRIMARY KEY,
    account_id  TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    api_key_id  TEXT,            -- empty when an operator sent it
    mode        TEXT   NOT NULL CHECK (mode IN ('live', 'test')),
    recipient   TEXT   NOT NULL, -- E.164
    sender      TEXT,
    text        TEXT   NOT NULL, -- NFC
    reference   TEXT   NOT NULL, -- the application's own word for it
    encoding    TEXT   NOT NULL CHECK (encoding IN ('gsm7', 'ucs2')),
    segments    BIGINT NOT NULL CHECK (segments BETWEEN 1 AND 255),
    credits     BIGINT NOT NULL CHECK (credits >= 0),
    status      TEXT   NOT NULL CHECK (status IN ('queued', 'sending', 'sent', 'delivered', 'undelivered', 'expired', 'failed')),
    error       TEXT,            -- a code
    tries       BIGINT NOT NULL,
    due_at      BIGINT,          -- queued: the next try; sending: the end of the lease; sent: the end of its validity
    valid_until BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
-- The lists, newest first: ids sort by age.
CREATE INDEX messages_by_mode ON messages (account_id, mode, id);
CREATE INDEX messages_by_status ON messages (account_id, status, id);
CREATE INDEX messages_by_recipient ON messages (account_id, recipient, id);
CREATE INDEX messages_by_api_key ON messages (api_key_id, id);
-- The queue.
CREATE INDEX messages_due ON messages (mode, status, due_at) WHERE due_at IS NOT NULL;

-- A part of a message that a carrier was asked to take.
CREATE TABLE message_segments (
    message_id  TEXT   NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL, -- from 1
    status      TEXT   NOT NULL CHECK (status IN ('waiting', 'accepted', 'refused', 'unknown', 'delivered', 'undelivered', 'expired')),
    carrier_id  TEXT,            -- the carrier's own id for it
    carrier_key TEXT,            -- the same in the form in which ids are compared
    error       TEXT,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (message_id, number)
);
CREATE INDEX message_segments_by_carrier_key ON message_segments (carrier_key) WHERE carrier_key IS NOT NULL;

-- What happened to a message, in words of the program.
CREATE TABLE message_events (
    id         TEXT   NOT NULL PRIMARY KEY,
    message_id TEXT   NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    status     TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX message_events_by_message ON message_events (message_id, id);

-- Delivery receipts that came before the answer that says whose they are.
CREATE TABLE waiting_receipts (
    id          TEXT   NOT NULL PRIMARY KEY,
    carrier_id  TEXT   NOT NULL,
    carrier_key TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    error       TEXT,
    recipient   TEXT,
    created_at  BIGINT NOT NULL
);
CREATE INDEX waiting_receipts_by_carrier_key ON waiting_receipts (carrier_key);
CREATE INDEX waiting_receipts_by_age ON waiting_receipts (created_at);

-- Answers that are given again when a request is repeated.
CREATE TABLE idempotency_records (
    account_id     TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mode           TEXT   NOT NULL,
    endpoint       TEXT   NOT NULL,
    key            TEXT   NOT NULL,
    request_digest BYTEA  NOT NULL, -- SHA-256 of what was asked for
    answer         TEXT   NOT NULL, -- JSON
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (account_id, mode, endpoint, key)
);
CREATE INDEX idempotency_records_by_age ON idempotency_records (created_at);
