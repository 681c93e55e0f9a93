-- How other instances learn of a change: a revision that is raised in the same
-- transaction as the change. A row and not a sequence, since the row's lock
-- makes revisions appear in the order in which they are committed.
CREATE TABLE revisions (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO revisions (name, value) VALUES ('api_keys', 0);

-- Which key each revision was about; the last few thousand are kept.
CREATE TABLE api_key_changes (
    revision BIGINT NOT NULL PRIMARY KEY,
    digest   BYTEA  NOT NULL
);

-- When and how a key was last used. Apart from the key itself, since it is
-- written about once a second while the key is in use.
CREATE TABLE api_key_usages (
    api_key_id   TEXT   NOT NULL PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    uses         BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    address      TEXT   NOT NULL,
    user_agent   TEXT   NOT NULL
);

-- Raised with every edit, so that of two edits at once neither is lost unseen.
ALTER TABLE api_keys ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
