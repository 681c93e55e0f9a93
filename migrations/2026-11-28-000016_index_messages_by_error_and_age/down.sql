DROP INDEX messages_by_error;
DROP INDEX messages_by_age;
