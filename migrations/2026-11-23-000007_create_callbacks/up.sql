-- Where an application is told what became of the messages of a key.
CREATE TABLE api_key_callbacks (
    api_key_id TEXT   NOT NULL PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    url        TEXT   NOT NULL,
    secret     TEXT   NOT NULL, -- as it is: requests are signed with it
    created_at BIGINT NOT NULL
);

-- A telling: queued when a message comes to its end, and kept for the message's
-- page. It outlives the key and the callback, but is not sent without them.
CREATE TABLE callback_deliveries (
    id          TEXT   NOT NULL PRIMARY KEY, -- the webhook-id, the same at each try
    message_id  TEXT   NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    api_key_id  TEXT   NOT NULL,
    payload     TEXT   NOT NULL, -- JSON, sent as it is
    status      TEXT   NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
    tries       BIGINT NOT NULL,
    due_at      BIGINT,          -- waiting: the next try, or the end of the lease
    error       TEXT,            -- a code: what kept the last try from being answered
    http_status BIGINT,          -- the answer to the last try
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX callback_deliveries_by_message ON callback_deliveries (message_id);
-- The queue, key by key, so that one with much to send keeps no other back.
CREATE INDEX callback_deliveries_due ON callback_deliveries (api_key_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX callback_deliveries_by_age ON callback_deliveries (created_at) WHERE due_at IS NOT NULL;
