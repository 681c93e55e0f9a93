DROP TABLE key_last_uses;
DELETE FROM api_keys WHERE deleted_at IS NOT NULL;
ALTER TABLE api_keys DROP COLUMN search;
ALTER TABLE api_keys DROP COLUMN sort_name;
ALTER TABLE api_keys DROP COLUMN deleted_at;
