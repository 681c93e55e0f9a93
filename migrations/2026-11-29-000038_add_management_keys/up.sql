-- What ties a key to something of the program that created it: a customer, an order.
ALTER TABLE api_keys ADD COLUMN external_id TEXT;
ALTER TABLE api_keys ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}'; -- a JSON object of strings
CREATE INDEX api_keys_by_external_id ON api_keys (account_id, external_id, created_at) WHERE external_id IS NOT NULL;

-- What a management key may do beyond its scopes. A key of the service keyfob without a row here may do nothing.
CREATE TABLE management_bounds (
    api_key_id        TEXT   NOT NULL PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    services          TEXT   NOT NULL, -- slugs with a space between two, or '*'
    grantable_scopes  TEXT   NOT NULL, -- the scopes that it may give to keys, or '*'
    max_lifetime_days BIGINT           -- the longest life of a key that it creates; empty is no limit
);
