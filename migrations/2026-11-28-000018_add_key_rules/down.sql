DROP TABLE service_scopes;
ALTER TABLE key_secrets DROP COLUMN uses_at_rotation;
ALTER TABLE api_keys DROP COLUMN allowed_ips;
ALTER TABLE api_keys DROP COLUMN scopes;
