DROP INDEX ledger_entries_by_reason;
DROP TABLE message_count_changes;
DROP TABLE credit_spending;
DROP TABLE message_counts;
