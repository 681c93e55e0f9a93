-- A login from an address that was new to the operator, until a page has told them: one row
-- for their sessions elsewhere, and one for their sessions at that address.
CREATE TABLE login_notices (
    id          TEXT   NOT NULL PRIMARY KEY,
    operator_id TEXT   NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    audience    TEXT   NOT NULL, -- 'elsewhere' or 'here'
    new_address TEXT   NOT NULL,
    address     TEXT,            -- of the login that is told of: the new one, or the one before
    user_agent  TEXT,
    at          BIGINT NOT NULL
);
CREATE INDEX login_notices_by_operator ON login_notices (operator_id, at);
-- Where an operator has logged in from; the setup and an invitation log in too.
CREATE INDEX audit_events_of_logins ON audit_events (actor_id, at, address)
    WHERE action IN ('operator.logged_in', 'operator.joined');
