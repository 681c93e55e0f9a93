-- A message may name its own address for callbacks, and the format that it is called in. One
-- that its application deleted keeps its row, since limits count it and its credits are spent.
ALTER TABLE messages ADD COLUMN callback_url TEXT;
ALTER TABLE messages ADD COLUMN callback_format TEXT NOT NULL DEFAULT 'json';
ALTER TABLE messages ADD COLUMN deleted_at BIGINT;
CREATE INDEX messages_by_reference ON messages (account_id, reference, id) WHERE reference <> '';
CREATE INDEX messages_by_sender ON messages (account_id, sender, id) WHERE sender IS NOT NULL;
CREATE INDEX messages_deleted ON messages (deleted_at) WHERE deleted_at IS NOT NULL;
-- The host is that of the address, and empty where the key's address is called.
ALTER TABLE callback_deliveries ADD COLUMN url TEXT;
ALTER TABLE callback_deliveries ADD COLUMN format TEXT NOT NULL DEFAULT 'json';
ALTER TABLE callback_deliveries ADD COLUMN host TEXT NOT NULL DEFAULT '';
DROP INDEX callback_deliveries_due;
CREATE INDEX callback_deliveries_due ON callback_deliveries (api_key_id, host, due_at) WHERE due_at IS NOT NULL;
