-- The carrier's own code for a refusal or a failure: nobody can talk to a
-- carrier's support without it.
ALTER TABLE message_segments ADD COLUMN carrier_code TEXT;
ALTER TABLE messages ADD COLUMN carrier_code TEXT;

-- Whether the sandbox has the message: then no phone is involved, and no credits.
-- A message stays rehearsed after a carrier is set.
ALTER TABLE messages ADD COLUMN rehearsed BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE messages SET rehearsed = TRUE WHERE mode = 'test' OR EXISTS (
    SELECT 1 FROM message_segments
    WHERE message_segments.message_id = messages.id AND message_segments.carrier_id LIKE 'sandbox-%'
);

-- The queue of the carrier is apart from the one of the sandbox.
DROP INDEX messages_due;
CREATE INDEX messages_due ON messages (rehearsed, status, due_at) WHERE due_at IS NOT NULL;
