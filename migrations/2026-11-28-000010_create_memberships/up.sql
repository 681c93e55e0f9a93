-- Which operators work for which account, and as what. Every operator so far
-- may do everything.
CREATE TABLE memberships (
    operator_id TEXT   NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    account_id  TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (operator_id, account_id)
);
CREATE INDEX memberships_by_account ON memberships (account_id);
INSERT INTO memberships (operator_id, account_id, role, created_at)
    SELECT id, account_id, 'owner', created_at FROM operators;

-- Apart from the operators, since one may have no password, and since a query
-- about people then never reads one.
CREATE TABLE operator_passwords (
    operator_id TEXT   NOT NULL PRIMARY KEY REFERENCES operators (id) ON DELETE CASCADE,
    hash        TEXT   NOT NULL, -- Argon2id, PHC string
    changed_at  BIGINT NOT NULL
);
INSERT INTO operator_passwords (operator_id, hash, changed_at)
    SELECT id, password_hash, created_at FROM operators;

DROP INDEX operators_by_account;
ALTER TABLE operators DROP COLUMN account_id;
ALTER TABLE operators DROP COLUMN password_hash;
