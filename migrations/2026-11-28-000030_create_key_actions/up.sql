-- What people did to keys, one or many at once, for progress and undo. Kept for a day.
CREATE TABLE key_actions (
    id          TEXT   NOT NULL PRIMARY KEY,
    account_id  TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    actor_id    TEXT, -- the operator; NULL for others
    actor_name  TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    reason      TEXT, -- why keys are disabled
    ends_at     BIGINT, -- the end that keys get
    total       BIGINT NOT NULL,
    state       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL, -- the last progress
    finished_at BIGINT
);
CREATE INDEX key_actions_by_age ON key_actions (created_at);

-- The keys of an action, and what they were before it.
CREATE TABLE key_action_items (
    action_id     TEXT   NOT NULL REFERENCES key_actions (id) ON DELETE CASCADE,
    position      BIGINT NOT NULL,
    api_key_id    TEXT   NOT NULL, -- also after the key is gone
    outcome       TEXT   NOT NULL,
    changed_at    BIGINT,
    status        TEXT,
    status_reason TEXT,
    expires_at    BIGINT,
    deleted_at    BIGINT,
    PRIMARY KEY (action_id, position)
);
CREATE INDEX key_action_items_by_key ON key_action_items (api_key_id);
