//! Links that show a key once.

use diesel::table;

table! {
    key_handovers (api_key_id) {
        api_key_id -> Text,
        token_digest -> Binary,
        sealed -> Nullable<Binary>,
        created_at -> BigInt,
        ends_at -> BigInt,
        opened_at -> Nullable<BigInt>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
    }
}
