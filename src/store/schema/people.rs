//! The installation, its accounts and the people who log in.

use diesel::table;

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
        disabled_at -> Nullable<BigInt>,
        last_seen_at -> Nullable<BigInt>,
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
    sessions (digest) {
        digest -> Binary,
        operator_id -> Nullable<Text>,
        state -> Text,
        created_at -> BigInt,
        seen_at -> BigInt,
    }
}
