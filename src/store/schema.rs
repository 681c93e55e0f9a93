//! The tables as Diesel sees them, the same on both databases.

#![expect(missing_docs, reason = "the macro writes the items")]

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    settings (name) {
        name -> Text,
        value -> Text,
    }
}

table! {
    accounts (id) {
        id -> Text,
        name -> Text,
        created_at -> BigInt,
    }
}

table! {
    operators (id) {
        id -> Text,
        account_id -> Text,
        email -> Text,
        name -> Text,
        password_hash -> Text,
        created_at -> BigInt,
    }
}

table! {
    services (slug) {
        slug -> Text,
        name -> Text,
        key_prefix -> Text,
        created_at -> BigInt,
    }
}

table! {
    api_keys (id) {
        id -> Text,
        account_id -> Text,
        service -> Text,
        mode -> Text,
        name -> Text,
        description -> Text,
        digest -> Binary,
        mask -> Text,
        status -> Text,
        created_by -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

table! {
    sessions (digest) {
        digest -> Binary,
        operator_id -> Nullable<Text>,
        state -> Text,
        created_at -> BigInt,
        seen_at -> BigInt,
    }
}

joinable!(operators -> accounts (account_id));
joinable!(api_keys -> accounts (account_id));
joinable!(api_keys -> services (service));
joinable!(sessions -> operators (operator_id));
allow_tables_to_appear_in_same_query!(accounts, operators, services, api_keys, sessions);
