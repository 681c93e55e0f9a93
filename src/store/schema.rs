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
        email -> Text,
        name -> Text,
        created_at -> BigInt,
    }
}

table! {
    operator_passwords (operator_id) {
        operator_id -> Text,
        hash -> Text,
        changed_at -> BigInt,
    }
}

table! {
    memberships (operator_id, account_id) {
        operator_id -> Text,
        account_id -> Text,
        role -> Text,
        created_at -> BigInt,
    }
}

table! {
    audit_events (id) {
        id -> Text,
        account_id -> Nullable<Text>,
        at -> BigInt,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        actor_name -> Text,
        via -> Text,
        action -> Text,
        target_kind -> Text,
        target_id -> Text,
        target_name -> Text,
        changes -> Text,
        reason -> Nullable<Text>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        request_id -> Nullable<Text>,
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
        status -> Text,
        created_by -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        version -> BigInt,
        status_reason -> Nullable<Text>,
    }
}

table! {
    key_secrets (id) {
        id -> Text,
        api_key_id -> Text,
        digest -> Binary,
        mask -> Text,
        tail -> Text,
        created_at -> BigInt,
        ends_at -> Nullable<BigInt>,
        origin -> Text,
    }
}

table! {
    key_secret_usages (key_secret_id) {
        key_secret_id -> Text,
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
        nonce -> BigInt,
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
        latest -> BigInt,
        nonce -> BigInt,
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

table! {
    credit_balances (account_id) {
        account_id -> Text,
        credits -> BigInt,
    }
}

table! {
    ledger_entries (id) {
        id -> Text,
        account_id -> Text,
        amount -> BigInt,
        reason -> Text,
        message_id -> Nullable<Text>,
        note -> Text,
        created_by -> Nullable<Text>,
        created_at -> BigInt,
    }
}

table! {
    messages (id) {
        id -> Text,
        account_id -> Text,
        api_key_id -> Nullable<Text>,
        mode -> Text,
        recipient -> Text,
        sender -> Nullable<Text>,
        text -> Text,
        reference -> Text,
        encoding -> Text,
        segments -> BigInt,
        credits -> BigInt,
        status -> Text,
        error -> Nullable<Text>,
        tries -> BigInt,
        due_at -> Nullable<BigInt>,
        valid_until -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        carrier_code -> Nullable<Text>,
        rehearsed -> Bool,
    }
}

table! {
    message_segments (message_id, number) {
        message_id -> Text,
        number -> BigInt,
        status -> Text,
        carrier_id -> Nullable<Text>,
        carrier_key -> Nullable<Text>,
        error -> Nullable<Text>,
        updated_at -> BigInt,
        carrier -> Nullable<Text>,
        carrier_code -> Nullable<Text>,
    }
}

table! {
    message_events (id) {
        id -> Text,
        message_id -> Text,
        status -> Text,
        detail -> Text,
        created_at -> BigInt,
    }
}

table! {
    waiting_receipts (id) {
        id -> Text,
        carrier_id -> Text,
        carrier_key -> Text,
        state -> Text,
        error -> Nullable<Text>,
        recipient -> Nullable<Text>,
        created_at -> BigInt,
        carrier -> Text,
    }
}

table! {
    idempotency_records (account_id, mode, endpoint, key) {
        account_id -> Text,
        mode -> Text,
        endpoint -> Text,
        key -> Text,
        request_digest -> Binary,
        answer -> Text,
        created_at -> BigInt,
    }
}

table! {
    api_key_callbacks (api_key_id) {
        api_key_id -> Text,
        url -> Text,
        secret -> Text,
        created_at -> BigInt,
    }
}

table! {
    previous_callback_secrets (secret) {
        secret -> Text,
        api_key_id -> Text,
        ends_at -> BigInt,
    }
}

table! {
    callback_deliveries (id) {
        id -> Text,
        message_id -> Text,
        api_key_id -> Text,
        payload -> Text,
        status -> Text,
        tries -> BigInt,
        due_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        http_status -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

joinable!(operator_passwords -> operators (operator_id));
joinable!(memberships -> operators (operator_id));
joinable!(memberships -> accounts (account_id));
joinable!(api_keys -> accounts (account_id));
joinable!(api_keys -> services (service));
joinable!(key_secrets -> api_keys (api_key_id));
joinable!(key_secret_usages -> key_secrets (key_secret_id));
joinable!(sessions -> operators (operator_id));
joinable!(ledger_entries -> operators (created_by));
joinable!(messages -> api_keys (api_key_id));
joinable!(message_segments -> messages (message_id));
allow_tables_to_appear_in_same_query! {
    accounts, operators, operator_passwords, memberships, services,
    api_keys, key_secrets, key_secret_usages, revisions, sessions,
    credit_balances, ledger_entries, messages, message_segments,
}
