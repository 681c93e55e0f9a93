DROP INDEX messages_due;
UPDATE message_segments SET carrier = 'default' WHERE carrier = 'sandbox';
UPDATE waiting_receipts SET carrier = 'default' WHERE carrier = 'sandbox';
ALTER TABLE messages DROP COLUMN carrier;
CREATE INDEX messages_due ON messages (rehearsed, status, due_at) WHERE due_at IS NOT NULL;
