DROP TABLE management_bounds;
DROP INDEX api_keys_by_external_id;
ALTER TABLE api_keys DROP COLUMN metadata;
ALTER TABLE api_keys DROP COLUMN external_id;
