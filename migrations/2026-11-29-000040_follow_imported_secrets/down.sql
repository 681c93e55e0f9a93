ALTER TABLE api_key_changes DROP COLUMN is_imported;
