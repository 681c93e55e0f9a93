-- Ids of message parts are a carrier's own, so they are looked up together with
-- the carrier that gave them. So far there was one.
ALTER TABLE message_segments ADD COLUMN carrier TEXT;
UPDATE message_segments SET carrier = 'default' WHERE carrier_id IS NOT NULL;
ALTER TABLE waiting_receipts ADD COLUMN carrier TEXT NOT NULL DEFAULT 'default';

DROP INDEX message_segments_by_carrier_key;
CREATE INDEX message_segments_by_carrier_key ON message_segments (carrier, carrier_key) WHERE carrier_key IS NOT NULL;
DROP INDEX waiting_receipts_by_carrier_key;
CREATE INDEX waiting_receipts_by_carrier_key ON waiting_receipts (carrier, carrier_key);
