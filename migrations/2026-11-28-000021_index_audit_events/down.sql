DROP INDEX audit_events_by_account;
DROP INDEX audit_events_by_action;
DROP INDEX audit_events_by_actor;
DROP INDEX audit_events_by_target;
CREATE INDEX audit_events_by_account ON audit_events (account_id, id);
CREATE INDEX audit_events_by_target ON audit_events (target_id, id);
