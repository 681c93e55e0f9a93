//! Counted messages and the credits that they cost.

use diesel::table;

table! {
    message_counts (account_id, hour, status_group, error) {
        account_id -> Text,
        hour -> BigInt,
        status_group -> Text,
        error -> Text,
        messages -> BigInt,
    }
}

table! {
    credit_spending (account_id, day, api_key_id) {
        account_id -> Text,
        day -> BigInt,
        api_key_id -> Text,
        credits -> BigInt,
    }
}

table! {
    carrier_counts (carrier, day, status_group) {
        carrier -> Text,
        day -> BigInt,
        status_group -> Text,
        messages -> BigInt,
    }
}

table! {
    message_count_changes (id) {
        id -> Text,
        account_id -> Text,
        api_key_id -> Text,
        hour -> BigInt,
        old_group -> Text,
        old_error -> Text,
        status_group -> Text,
        error -> Text,
        messages -> BigInt,
        credits -> BigInt,
        carrier -> Text,
    }
}
