-- Whether a change made a key known whose secret another system generated, which the gate looks up
-- although it has not the shape of ours.
ALTER TABLE api_key_changes ADD COLUMN is_imported BOOLEAN NOT NULL DEFAULT FALSE;
