ALTER TABLE api_keys DROP COLUMN default_sender;
