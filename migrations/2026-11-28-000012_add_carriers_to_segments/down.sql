DROP INDEX message_segments_by_carrier_key;
DROP INDEX waiting_receipts_by_carrier_key;
ALTER TABLE message_segments DROP COLUMN carrier;
ALTER TABLE waiting_receipts DROP COLUMN carrier;
CREATE INDEX message_segments_by_carrier_key ON message_segments (carrier_key) WHERE carrier_key IS NOT NULL;
CREATE INDEX waiting_receipts_by_carrier_key ON waiting_receipts (carrier_key);
