ALTER TABLE message_count_changes DROP COLUMN carrier;
DROP TABLE carrier_counts;
