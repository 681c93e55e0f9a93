ALTER TABLE api_keys DROP COLUMN label_version;
