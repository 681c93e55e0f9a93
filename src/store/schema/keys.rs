//! Services, keys and what the gate follows.

use diesel::table;

table! {
    services (slug) {
        slug -> Text,
        name -> Text,
        key_prefix -> Text,
        created_at -> BigInt,
        self_revocation -> Text,
        status -> Text,
    }
}

table! {
    service_scopes (service, name) {
        service -> Text,
        name -> Text,
        description -> Text,
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
        default_sender -> Nullable<Text>,
        scopes -> Text,
        allowed_ips -> Text,
        deleted_at -> Nullable<BigInt>,
        sort_name -> Text,
        search -> Text,
        external_id -> Nullable<Text>,
        metadata -> Text,
        label_version -> BigInt,
    }
}

table! {
    management_bounds (api_key_id) {
        api_key_id -> Text,
        services -> Text,
        grantable_scopes -> Text,
        max_lifetime_days -> Nullable<BigInt>,
    }
}

table! {
    key_last_uses (api_key_id) {
        api_key_id -> Text,
        account_id -> Text,
        created_at -> BigInt,
        last_used_at -> BigInt,
    }
}

table! {
    key_uses_by_hour (api_key_id, hour) {
        api_key_id -> Text,
        hour -> BigInt,
        uses -> BigInt,
    }
}

table! {
    key_use_counting (since) {
        since -> BigInt,
    }
}

table! {
    key_uses_by_day (api_key_id, day) {
        api_key_id -> Text,
        day -> BigInt,
        uses -> BigInt,
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
        uses_at_rotation -> Nullable<BigInt>,
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
        is_imported -> Bool,
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
