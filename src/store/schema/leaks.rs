//! Keys that were found where they should not be.

use diesel::table;

table! {
    leak_reports (api_key_id) {
        api_key_id -> Text,
        key_secret_id -> Text,
        reports -> BigInt,
        first_at -> BigInt,
        last_at -> BigInt,
        source -> Text,
        url -> Text,
        address -> Text,
        dismissed_at -> Nullable<BigInt>,
    }
}
