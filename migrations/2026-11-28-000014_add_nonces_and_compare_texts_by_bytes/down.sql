ALTER TABLE revisions DROP COLUMN nonce;
ALTER TABLE api_key_changes DROP COLUMN nonce;
