-- Each message waits for one carrier; the sandbox counts as one. Carriers have names: until
-- now there was one, called default.
ALTER TABLE messages ADD COLUMN carrier TEXT NOT NULL DEFAULT 'default';
UPDATE messages SET carrier = 'sandbox' WHERE rehearsed;
UPDATE message_segments SET carrier = 'sandbox' WHERE carrier_id LIKE 'sandbox-%';
UPDATE waiting_receipts SET carrier = 'sandbox' WHERE carrier_id LIKE 'sandbox-%';
DROP INDEX messages_due;
CREATE INDEX messages_due ON messages (carrier, status, due_at) WHERE due_at IS NOT NULL;
