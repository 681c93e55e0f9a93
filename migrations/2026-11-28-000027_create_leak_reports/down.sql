ALTER TABLE services DROP COLUMN self_revocation;
DROP TABLE leak_reports;
