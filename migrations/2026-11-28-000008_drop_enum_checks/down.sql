ALTER TABLE revisions RENAME COLUMN latest TO value;

-- Only PostgreSQL:

ALTER TABLE api_keys ADD CONSTRAINT api_keys_mode_check CHECK (mode IN ('live', 'test'));
ALTER TABLE api_keys ADD CONSTRAINT api_keys_status_check CHECK (status IN ('enabled', 'disabled'));
ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_reason_check CHECK (reason IN ('opening', 'top_up', 'message', 'refund'));
ALTER TABLE messages ADD CONSTRAINT messages_mode_check CHECK (mode IN ('live', 'test'));
ALTER TABLE messages ADD CONSTRAINT messages_encoding_check CHECK (encoding IN ('gsm7', 'ucs2'));
ALTER TABLE messages ADD CONSTRAINT messages_status_check CHECK (status IN ('queued', 'sending', 'sent', 'delivered', 'undelivered', 'expired', 'failed'));
ALTER TABLE message_segments ADD CONSTRAINT message_segments_status_check CHECK (status IN ('waiting', 'accepted', 'refused', 'unknown', 'delivered', 'undelivered', 'expired'));
ALTER TABLE callback_deliveries ADD CONSTRAINT callback_deliveries_status_check CHECK (status IN ('waiting', 'delivered', 'failed'));

-- Only SQLite:

CREATE TABLE new_api_keys (
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
    expires_at  BIGINT,
    version     BIGINT NOT NULL DEFAULT 1
);
INSERT INTO new_api_keys SELECT * FROM api_keys;
DROP TABLE api_keys;
ALTER TABLE new_api_keys RENAME TO api_keys;
CREATE INDEX api_keys_by_age ON api_keys (account_id, created_at DESC, id DESC);
CREATE INDEX api_keys_by_service_and_age ON api_keys (account_id, service, created_at DESC, id DESC);

CREATE TABLE new_sessions (
    digest      BYTEA  NOT NULL PRIMARY KEY,
    operator_id TEXT   REFERENCES operators (id) ON DELETE CASCADE,
    state       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL
);
INSERT INTO new_sessions SELECT * FROM sessions;
DROP TABLE sessions;
ALTER TABLE new_sessions RENAME TO sessions;
CREATE INDEX sessions_by_operator ON sessions (operator_id);
CREATE INDEX sessions_by_seen ON sessions (seen_at);

CREATE TABLE new_api_key_changes (
    revision BIGINT NOT NULL PRIMARY KEY,
    digest   BYTEA  NOT NULL
);
INSERT INTO new_api_key_changes SELECT * FROM api_key_changes;
DROP TABLE api_key_changes;
ALTER TABLE new_api_key_changes RENAME TO api_key_changes;

CREATE TABLE new_ledger_entries (
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
INSERT INTO new_ledger_entries SELECT * FROM ledger_entries;
DROP TABLE ledger_entries;
ALTER TABLE new_ledger_entries RENAME TO ledger_entries;
CREATE INDEX ledger_entries_by_age ON ledger_entries (account_id, created_at, id);

CREATE TABLE new_messages (
    id          TEXT   NOT NULL PRIMARY KEY,
    account_id  TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    api_key_id  TEXT,
    mode        TEXT   NOT NULL CHECK (mode IN ('live', 'test')),
    recipient   TEXT   NOT NULL,
    sender      TEXT,
    text        TEXT   NOT NULL,
    reference   TEXT   NOT NULL,
    encoding    TEXT   NOT NULL CHECK (encoding IN ('gsm7', 'ucs2')),
    segments    BIGINT NOT NULL CHECK (segments BETWEEN 1 AND 255),
    credits     BIGINT NOT NULL CHECK (credits >= 0),
    status      TEXT   NOT NULL CHECK (status IN ('queued', 'sending', 'sent', 'delivered', 'undelivered', 'expired', 'failed')),
    error       TEXT,
    tries       BIGINT NOT NULL,
    due_at      BIGINT,
    valid_until BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
INSERT INTO new_messages SELECT * FROM messages;
DROP TABLE messages;
ALTER TABLE new_messages RENAME TO messages;
CREATE INDEX messages_by_mode ON messages (account_id, mode, id);
CREATE INDEX messages_by_status ON messages (account_id, status, id);
CREATE INDEX messages_by_recipient ON messages (account_id, recipient, id);
CREATE INDEX messages_by_api_key ON messages (api_key_id, id);
CREATE INDEX messages_due ON messages (mode, status, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE new_message_segments (
    message_id  TEXT   NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL,
    status      TEXT   NOT NULL CHECK (status IN ('waiting', 'accepted', 'refused', 'unknown', 'delivered', 'undelivered', 'expired')),
    carrier_id  TEXT,
    carrier_key TEXT,
    error       TEXT,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (message_id, number)
);
INSERT INTO new_message_segments SELECT * FROM message_segments;
DROP TABLE message_segments;
ALTER TABLE new_message_segments RENAME TO message_segments;
CREATE INDEX message_segments_by_carrier_key ON message_segments (carrier_key) WHERE carrier_key IS NOT NULL;

CREATE TABLE new_callback_deliveries (
    id          TEXT   NOT NULL PRIMARY KEY,
    message_id  TEXT   NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    api_key_id  TEXT   NOT NULL,
    payload     TEXT   NOT NULL,
    status      TEXT   NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
    tries       BIGINT NOT NULL,
    due_at      BIGINT,
    error       TEXT,
    http_status BIGINT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
INSERT INTO new_callback_deliveries SELECT * FROM callback_deliveries;
DROP TABLE callback_deliveries;
ALTER TABLE new_callback_deliveries RENAME TO callback_deliveries;
CREATE INDEX callback_deliveries_by_message ON callback_deliveries (message_id);
CREATE INDEX callback_deliveries_due ON callback_deliveries (api_key_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX callback_deliveries_by_age ON callback_deliveries (created_at) WHERE due_at IS NOT NULL;

CREATE TABLE new_idempotency_records (
    account_id     TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mode           TEXT   NOT NULL,
    endpoint       TEXT   NOT NULL,
    key            TEXT   NOT NULL,
    request_digest BYTEA  NOT NULL,
    answer         TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (account_id, mode, endpoint, key)
);
INSERT INTO new_idempotency_records SELECT * FROM idempotency_records;
DROP TABLE idempotency_records;
ALTER TABLE new_idempotency_records RENAME TO idempotency_records;
CREATE INDEX idempotency_records_by_age ON idempotency_records (created_at);
