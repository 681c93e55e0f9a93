DELETE FROM revisions WHERE name = 'key_imports';
ALTER TABLE api_key_changes DROP COLUMN is_imported;
