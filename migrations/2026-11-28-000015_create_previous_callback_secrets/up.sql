-- Secrets of callbacks that were replaced: requests are signed with them too until
-- they end, so that an application can change to the new one in its own time.
CREATE TABLE previous_callback_secrets (
    secret     TEXT   NOT NULL PRIMARY KEY, -- as it is: requests are signed with it
    api_key_id TEXT   NOT NULL REFERENCES api_key_callbacks (api_key_id) ON DELETE CASCADE,
    ends_at    BIGINT NOT NULL
);
CREATE INDEX previous_callback_secrets_by_key ON previous_callback_secrets (api_key_id);
