-- Messages by the carrier that has them, the day of their acceptance and what became of them.
CREATE TABLE carrier_counts (
    carrier      TEXT   NOT NULL,
    day          BIGINT NOT NULL, -- its beginning
    status_group TEXT   NOT NULL,
    messages     BIGINT NOT NULL,
    PRIMARY KEY (carrier, day, status_group)
-- Only SQLite:
) WITHOUT ROWID;
-- Only PostgreSQL:
);
-- Both:

-- Changes from before this are in the counts that follow: they name no carrier.
ALTER TABLE message_count_changes ADD COLUMN carrier TEXT NOT NULL DEFAULT '';

INSERT INTO carrier_counts (carrier, day, status_group, messages)
SELECT carrier, created_at / 86400000000 * 86400000000,
    CASE WHEN status IN ('queued', 'sending') THEN 'waiting'
         WHEN status IN ('sent', 'delivered') THEN status
         ELSE 'not_delivered' END,
    COUNT(*)
FROM messages
WHERE created_at >= (SELECT MAX(created_at) FROM messages) - 3024000000000 -- 35 days
GROUP BY 1, 2, 3;
