ALTER TABLE operators DROP COLUMN last_seen_at;
ALTER TABLE operators DROP COLUMN disabled_at;
