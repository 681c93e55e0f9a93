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
        version -> BigInt,
    }
}

table! {
    api_key_usages (api_key_id) {
        api_key_id -> Text,
        uses -> BigInt,
        last_used_at -> BigInt,
        address -> Text,
        user_agent -> Text,
    }
}

table! {
    api_key_changes (revision) {
        revision -> BigInt,
        digest -> Binary,
    }
}

table! {
    api_key_deletions (api_key_id) {
        api_key_id -> Text,
        account_id -> Text,
        deleted_at -> BigInt,
    }
}

table! {
    revisions (name) {
        name -> Text,
        value -> BigInt,
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
joinable!(api_key_usages -> api_keys (api_key_id));
joinable!(sessions -> operators (operator_id));
allow_tables_to_appear_in_same_query!(accounts, operators, services, api_keys, api_key_usages, sessions);
