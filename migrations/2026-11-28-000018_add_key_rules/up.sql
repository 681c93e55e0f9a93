-- What a key may do and from where. Keys that existed before may do everything of
-- their service from anywhere.
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '*'; -- sorted, with a space between two; '*' is full access
ALTER TABLE api_keys ADD COLUMN allowed_ips TEXT NOT NULL DEFAULT ''; -- addresses and ranges, with a space between two; '' is anywhere
-- The uses of a secret when another one took its place, so that those since then can be told.
ALTER TABLE key_secrets ADD COLUMN uses_at_rotation BIGINT;

-- The scopes that keys of a service can have.
CREATE TABLE service_scopes (
    service     TEXT NOT NULL REFERENCES services (slug),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (service, name)
);
INSERT INTO service_scopes (service, name, description)
    SELECT slug, 'messages.send', 'Send messages and estimate what they cost' FROM services WHERE slug = 'sms';
INSERT INTO service_scopes (service, name, description)
    SELECT slug, 'messages.read', 'List messages and read what became of them' FROM services WHERE slug = 'sms';
INSERT INTO service_scopes (service, name, description)
    SELECT slug, 'balance.read', 'Read how many credits are left' FROM services WHERE slug = 'sms';
