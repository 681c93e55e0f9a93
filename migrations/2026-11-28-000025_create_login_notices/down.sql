DROP INDEX audit_events_of_logins;
DROP TABLE login_notices;
