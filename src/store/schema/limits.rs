//! How much accounts and keys may send, and what they used of it.

use diesel::table;

table! {
    guards (holder) {
        holder -> Text,
        account_id -> Text,
        api_key_id -> Nullable<Text>,
        recipient_10_minutes -> Nullable<BigInt>,
        recipient_day -> Nullable<BigInt>,
        messages_minute -> Nullable<BigInt>,
        credits_day -> Nullable<BigInt>,
        destinations -> Text,
        prefixes -> Text,
        senders -> Text,
        is_offered -> Bool,
    }
}

table! {
    guard_counts (holder, kind, rehearsed, begins) {
        holder -> Text,
        kind -> Text,
        rehearsed -> Bool,
        begins -> BigInt,
        used -> BigInt,
        warned -> BigInt,
    }
}
