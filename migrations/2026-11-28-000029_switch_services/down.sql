DROP INDEX api_keys_by_deletion;
DROP INDEX api_keys_in_trash;
ALTER TABLE services DROP COLUMN status;
