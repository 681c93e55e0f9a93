-- The sender of messages of a key that name none.
ALTER TABLE api_keys ADD COLUMN default_sender TEXT;
