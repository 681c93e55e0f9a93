-- The list of an account's events, newest first, by what was done, by whom and to what.
DROP INDEX audit_events_by_account;
DROP INDEX audit_events_by_target;
CREATE INDEX audit_events_by_account ON audit_events (account_id, at, id);
CREATE INDEX audit_events_by_action ON audit_events (account_id, action, at, id);
CREATE INDEX audit_events_by_actor ON audit_events (account_id, actor_id, at, id);
CREATE INDEX audit_events_by_target ON audit_events (account_id, target_id, at, id);
