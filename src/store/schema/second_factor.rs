//! Authenticator apps and recovery codes.

use diesel::table;

table! {
    second_factors (operator_id) {
        operator_id -> Text,
        secret -> Binary,
        created_at -> BigInt,
        confirmed_at -> Nullable<BigInt>,
        last_step -> BigInt,
    }
}

table! {
    recovery_codes (operator_id, digest) {
        operator_id -> Text,
        digest -> Binary,
    }
}
