//! Notices of logins from new addresses.

use diesel::table;

table! {
    login_notices (id) {
        id -> Text,
        operator_id -> Text,
        audience -> Text,
        new_address -> Text,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        at -> BigInt,
    }
}
