-- The causes of failure with their counts, and the messages of each.
CREATE INDEX messages_by_error ON messages (account_id, error, id) WHERE error IS NOT NULL;
-- The messages of a range of time.
CREATE INDEX messages_by_age ON messages (account_id, created_at);
