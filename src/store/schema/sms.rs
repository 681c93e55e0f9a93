//! Credits, messages and callbacks.

use diesel::table;

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
        carrier -> Text,
        callback_url -> Nullable<Text>,
        callback_format -> Text,
        deleted_at -> Nullable<BigInt>,
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
        url -> Nullable<Text>,
        format -> Text,
        host -> Text,
    }
}
