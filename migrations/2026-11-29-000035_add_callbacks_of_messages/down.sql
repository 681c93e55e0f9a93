DROP INDEX callback_deliveries_due;
-- Without their address they would go to the key's.
DELETE FROM callback_deliveries WHERE url IS NOT NULL;
DELETE FROM api_key_callbacks WHERE url = '';
ALTER TABLE callback_deliveries DROP COLUMN host;
ALTER TABLE callback_deliveries DROP COLUMN format;
ALTER TABLE callback_deliveries DROP COLUMN url;
CREATE INDEX callback_deliveries_due ON callback_deliveries (api_key_id, due_at) WHERE due_at IS NOT NULL;
DROP INDEX messages_deleted;
DROP INDEX messages_by_sender;
DROP INDEX messages_by_reference;
ALTER TABLE messages DROP COLUMN deleted_at;
ALTER TABLE messages DROP COLUMN callback_format;
ALTER TABLE messages DROP COLUMN callback_url;
