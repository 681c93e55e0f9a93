-- The authenticator app of an operator (TOTP, RFC 6238): at most one for each.
CREATE TABLE second_factors (
    operator_id  TEXT   NOT NULL PRIMARY KEY REFERENCES operators (id) ON DELETE CASCADE,
    secret       BLOB   NOT NULL, -- 160 random bits that the app has too
    created_at   BIGINT NOT NULL,
    confirmed_at BIGINT,          -- empty until the app's first code was typed; a login asks for none before
    last_step    BIGINT NOT NULL  -- the time step of the newest code that was accepted: none works twice
);

-- Codes for when the app is lost; a used one is deleted.
CREATE TABLE recovery_codes (
    operator_id TEXT NOT NULL REFERENCES second_factors (operator_id) ON DELETE CASCADE,
    digest      BLOB NOT NULL,
    PRIMARY KEY (operator_id, digest)
);
