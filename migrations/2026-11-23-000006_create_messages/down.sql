DROP TABLE idempotency_records;
DROP TABLE waiting_receipts;
DROP TABLE message_events;
DROP TABLE message_segments;
DROP TABLE messages;
DROP TABLE ledger_entries;
DROP TABLE credit_balances;
