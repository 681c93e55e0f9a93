-- Who did what to what, written in the transaction of the change itself. Points to
-- nothing: an event outlives its actor, its target and its account.
CREATE TABLE audit_events (
    id          TEXT   NOT NULL PRIMARY KEY,
    account_id  TEXT,            -- empty for the installation as a whole
    at          BIGINT NOT NULL,
    actor_kind  TEXT   NOT NULL,
    actor_id    TEXT,
    actor_name  TEXT   NOT NULL, -- as it was
    via         TEXT   NOT NULL, -- dashboard, api, command_line, system
    action      TEXT   NOT NULL, -- noun.past
    target_kind TEXT   NOT NULL,
    target_id   TEXT   NOT NULL,
    target_name TEXT   NOT NULL, -- as it was
    changes     TEXT   NOT NULL, -- JSON: {"field": [before, after]}
    reason      TEXT,
    address     TEXT,
    user_agent  TEXT,
    request_id  TEXT
);
CREATE INDEX audit_events_by_account ON audit_events (account_id, id);
CREATE INDEX audit_events_by_target ON audit_events (target_id, id);
