-- Operators without a membership or a password are gone: they could not log in before.

-- Only PostgreSQL:

ALTER TABLE operators ADD COLUMN account_id TEXT REFERENCES accounts (id) ON DELETE CASCADE;
ALTER TABLE operators ADD COLUMN password_hash TEXT;
UPDATE operators SET
    account_id = (SELECT min(m.account_id) FROM memberships m WHERE m.operator_id = operators.id),
    password_hash = (SELECT p.hash FROM operator_passwords p WHERE p.operator_id = operators.id);
DELETE FROM operators WHERE account_id IS NULL OR password_hash IS NULL;
ALTER TABLE operators ALTER COLUMN account_id SET NOT NULL;
ALTER TABLE operators ALTER COLUMN password_hash SET NOT NULL;
CREATE INDEX operators_by_account ON operators (account_id);

-- Only SQLite:

CREATE TABLE old_operators (
    id            TEXT   NOT NULL PRIMARY KEY,
    account_id    TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email         TEXT   NOT NULL UNIQUE,
    name          TEXT   NOT NULL,
    password_hash TEXT   NOT NULL,
    created_at    BIGINT NOT NULL
);
INSERT INTO old_operators
    SELECT o.id, min(m.account_id), o.email, o.name, p.hash, o.created_at
    FROM operators o JOIN memberships m ON m.operator_id = o.id JOIN operator_passwords p ON p.operator_id = o.id
    GROUP BY o.id, o.email, o.name, p.hash, o.created_at;
DROP TABLE operators;
ALTER TABLE old_operators RENAME TO operators;
CREATE INDEX operators_by_account ON operators (account_id);

-- Both:

DROP TABLE operator_passwords;
DROP TABLE memberships;
