DROP INDEX messages_guarded;
DROP TABLE guard_counts;
DROP TABLE guards;
