DROP INDEX messages_due;
CREATE INDEX messages_due ON messages (mode, status, due_at) WHERE due_at IS NOT NULL;
ALTER TABLE messages DROP COLUMN rehearsed;
ALTER TABLE messages DROP COLUMN carrier_code;
ALTER TABLE message_segments DROP COLUMN carrier_code;
