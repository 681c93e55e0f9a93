//! Refused requests.

use diesel::table;

table! {
    key_refusals (id) {
        id -> Text,
        account_id -> Text,
        api_key_id -> Text,
        hour -> BigInt,
        code -> Text,
        source -> Text,
        requests -> BigInt,
        first_at -> BigInt,
        last_at -> BigInt,
        address -> Text,
        user_agent -> Text,
    }
}

table! {
    unknown_keys (tail, address) {
        tail -> Text,
        address -> Text,
        requests -> BigInt,
        first_at -> BigInt,
        last_at -> BigInt,
        user_agent -> Text,
    }
}

table! {
    refusal_counts (day, kind) {
        day -> BigInt,
        kind -> Text,
        requests -> BigInt,
    }
}
