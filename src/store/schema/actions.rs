//! What was done to keys, one or many at once.

use diesel::table;

table! {
    key_actions (id) {
        id -> Text,
        account_id -> Text,
        actor_id -> Nullable<Text>,
        actor_name -> Text,
        kind -> Text,
        reason -> Nullable<Text>,
        ends_at -> Nullable<BigInt>,
        total -> BigInt,
        state -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

table! {
    key_action_items (action_id, position) {
        action_id -> Text,
        position -> BigInt,
        api_key_id -> Text,
        outcome -> Text,
        changed_at -> Nullable<BigInt>,
        status -> Nullable<Text>,
        status_reason -> Nullable<Text>,
        expires_at -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
    }
}
