-- An operator who is disabled can't log in and keeps everything else.
ALTER TABLE operators ADD COLUMN disabled_at BIGINT;
ALTER TABLE operators ADD COLUMN last_seen_at BIGINT; -- accurate to a minute; empty before the first use
