DROP TABLE api_key_deletions;
