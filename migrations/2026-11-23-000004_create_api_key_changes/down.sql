ALTER TABLE api_keys DROP COLUMN version;
DROP TABLE api_key_usages;
DROP TABLE api_key_changes;
DROP TABLE revisions;
