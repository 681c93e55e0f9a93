-- The version of a key counts every change of what it is and may do. This is the version that its name and
-- description got last, so that a form with these two meets only changes of them.
ALTER TABLE api_keys ADD COLUMN label_version BIGINT NOT NULL DEFAULT 1;
UPDATE api_keys SET label_version = version WHERE version > 1;
