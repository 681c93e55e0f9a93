-- The keys of an account that end soon or ended lately.
CREATE INDEX api_keys_by_end ON api_keys (account_id, expires_at) WHERE expires_at IS NOT NULL;
