-- Messages by the hour of their acceptance and what became of them.
CREATE TABLE message_counts (
    account_id   TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hour         BIGINT NOT NULL, -- its beginning
    status_group TEXT   NOT NULL,
    error        TEXT   NOT NULL, -- '' without one
    messages     BIGINT NOT NULL,
    PRIMARY KEY (account_id, hour, status_group, error)
-- Only SQLite:
) WITHOUT ROWID;
-- Only PostgreSQL:
);
-- Both:

-- The price of messages by the day of their acceptance, less what was refunded.
CREATE TABLE credit_spending (
    account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    day        BIGINT NOT NULL, -- its beginning
    api_key_id TEXT   NOT NULL, -- '' when an operator sent the message
    credits    BIGINT NOT NULL,
    PRIMARY KEY (account_id, day, api_key_id)
-- Only SQLite:
) WITHOUT ROWID;
-- Only PostgreSQL:
);
-- Both:

-- Changes that are not in these counts yet. They are only added here, in the
-- transaction that makes them, so that no two transactions wait for the same count.
CREATE TABLE message_count_changes (
    id           TEXT   NOT NULL PRIMARY KEY,
    account_id   TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    api_key_id   TEXT   NOT NULL,
    hour         BIGINT NOT NULL,
    old_group    TEXT   NOT NULL, -- '' for new messages
    old_error    TEXT   NOT NULL,
    status_group TEXT   NOT NULL,
    error        TEXT   NOT NULL,
    messages     BIGINT NOT NULL,
    credits      BIGINT NOT NULL  -- spent, or less than 0 when refunded
);

INSERT INTO message_counts (account_id, hour, status_group, error, messages)
SELECT account_id, created_at / 3600000000 * 3600000000,
    CASE WHEN status IN ('queued', 'sending') THEN 'waiting'
         WHEN status IN ('sent', 'delivered') THEN status
         ELSE 'not_delivered' END,
    COALESCE(error, ''), COUNT(*)
FROM messages
WHERE created_at >= (SELECT MAX(created_at) FROM messages) - 3024000000000 -- 35 days
GROUP BY 1, 2, 3, 4;

INSERT INTO credit_spending (account_id, day, api_key_id, credits)
SELECT messages.account_id, messages.created_at / 86400000000 * 86400000000, COALESCE(messages.api_key_id, ''),
    CAST(SUM(messages.credits - COALESCE(ledger_entries.amount, 0)) AS BIGINT)
FROM messages LEFT JOIN ledger_entries ON ledger_entries.message_id = messages.id AND ledger_entries.reason = 'refund'
WHERE messages.credits > 0 AND messages.created_at >= (SELECT MAX(created_at) FROM messages) - 3024000000000
GROUP BY 1, 2, 3;

-- The ledger by reason, newest first.
CREATE INDEX ledger_entries_by_reason ON ledger_entries (account_id, reason, created_at, id);
