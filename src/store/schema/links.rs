//! Links by which people join, or set a new password.

use diesel::table;

table! {
    invitations (id) {
        id -> Text,
        digest -> Binary,
        account_id -> Text,
        role -> Text,
        email -> Nullable<Text>,
        created_by -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

table! {
    password_links (operator_id) {
        operator_id -> Text,
        digest -> Binary,
        created_by -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}
