//! The keys that an operator has seen whole, and could still use.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::record::OperatorId;
use crate::domain::account::AccountId;
use crate::domain::api_key::{ApiKeyId, KeyStatus};
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::schema::{api_keys, audit_events, key_secrets};
use crate::store::{Conn, UtcTime};

/// Those who know more keys than this rotate the first ones first.
const MAX_KNOWN_KEYS: i64 = 200;

/// A key that an operator has seen.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its name.
    pub name: String,
    /// Until when the secret works that they saw; `None` when it was not replaced.
    pub ends_at: Option<UtcTime>,
}

/// The keys of an account that an operator created, rotated or handed over, as far as the
/// secret that they saw still works; newest first, at most 200.
///
/// # Errors
/// When the database fails.
pub fn known_keys(conn: &mut Conn, account: &AccountId, id: &OperatorId, now: UtcTime) -> Result<Vec<KnownKey>> {
    let shown = [Action::ApiKeyCreated, Action::ApiKeyRotated, Action::ApiKeyHandedOver].map(Action::as_str);
    let seen = audit_events::table
        .filter(audit_events::account_id.eq(account.as_str()))
        .filter(audit_events::actor_id.eq(id.as_str()))
        .filter(audit_events::action.eq_any(shown))
        .filter(audit_events::target_id.eq(api_keys::id))
        // A later secret was shown to somebody else.
        .filter(audit_events::at.ge(key_secrets::created_at));
    let rows: Vec<(ApiKeyId, String, Option<UtcTime>)> = key_secrets::table
        .inner_join(api_keys::table)
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::deleted_at.is_null())
        .filter(api_keys::status.eq(KeyStatus::Enabled))
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .filter(key_secrets::ends_at.is_null().or(key_secrets::ends_at.gt(now)))
        .filter(exists(seen))
        .order((api_keys::created_at.desc(), api_keys::id, key_secrets::ends_at.is_null().desc()))
        .select((api_keys::id, api_keys::name, key_secrets::ends_at))
        .limit(MAX_KNOWN_KEYS)
        .load(conn)?;
    let mut keys: Vec<KnownKey> = rows.into_iter().map(|(id, name, ends_at)| KnownKey { id, name, ends_at }).collect();
    // Of a key whose two secrets they both saw, the current one is rotated.
    keys.dedup_by(|later, kept| later.id == kept.id);
    Ok(keys)
}
