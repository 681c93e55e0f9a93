//! Secrets that another one took the place of. The latest of a key may still be
//! accepted, until its end; all earlier ones have ended.

use std::collections::HashMap;

use diesel::prelude::*;

use super::record::ApiKeyId;
use super::stored_secret::StoredSecret;
use super::usage::SecretUsage;
use crate::error::Result;
use crate::store::schema::{key_secret_usages, key_secrets};
use crate::store::{Conn, UtcTime};

/// The secret that a key's current one took the place of.
#[derive(Debug, Clone)]
pub struct ReplacedSecret {
    /// The secret itself.
    pub secret: StoredSecret,
    /// From when on it is refused.
    pub ends_at: UtcTime,
    /// When the current secret took its place.
    pub replaced_at: UtcTime,
    /// Its uses, those before the rotation included.
    pub usage: Option<SecretUsage>,
    uses_at_rotation: i64,
}

impl ReplacedSecret {
    /// Whether it is still accepted.
    #[must_use]
    pub fn is_live(&self, now: UtcTime) -> bool {
        self.ends_at > now
    }

    /// Its uses, if there were any since the rotation.
    #[must_use]
    pub fn used_since(&self) -> Option<&SecretUsage> {
        // Another instance may write uses after the rotation that it counted before.
        let is_since =
            |usage: &&SecretUsage| usage.uses > self.uses_at_rotation && usage.last_used_at >= self.replaced_at;
        self.usage.as_ref().filter(is_since)
    }

    /// How often it was used since the rotation.
    #[must_use]
    pub fn uses_since(&self) -> i64 {
        self.used_since().map_or(0, |usage| usage.uses.saturating_sub(self.uses_at_rotation))
    }
}

/// The replaced secrets of one key.
#[derive(Debug, Clone, Default)]
pub(super) struct ReplacedSecrets {
    /// The latest.
    pub(super) previous: Option<ReplacedSecret>,
    /// The uses of all of them.
    pub(super) uses: i64,
}

/// The replaced secrets of these keys, whose current secrets are given; a key that
/// was never rotated has none.
///
/// # Errors
/// When the database fails.
pub(super) fn of_keys(conn: &mut Conn, current: &[&StoredSecret]) -> Result<HashMap<ApiKeyId, ReplacedSecrets>> {
    let keys: Vec<&ApiKeyId> = current.iter().map(|secret| &secret.api_key_id).collect();
    let rows: Vec<(StoredSecret, Option<i64>, Option<SecretUsage>)> = key_secrets::table
        .left_join(key_secret_usages::table)
        .filter(key_secrets::api_key_id.eq_any(keys))
        .filter(key_secrets::ends_at.is_not_null())
        .order((key_secrets::created_at.asc(), key_secrets::id.asc()))
        .select((StoredSecret::as_select(), key_secrets::uses_at_rotation, Option::<SecretUsage>::as_select()))
        .load(conn)?;
    let replaced_at: HashMap<_, _> = current.iter().map(|secret| (&secret.api_key_id, secret.created_at)).collect();
    let mut found: HashMap<ApiKeyId, ReplacedSecrets> = HashMap::new();
    for (secret, uses_at_rotation, usage) in rows {
        let (Some(ends_at), Some(replaced_at)) = (secret.ends_at, replaced_at.get(&secret.api_key_id)) else {
            continue;
        };
        let replaced = found.entry(secret.api_key_id.clone()).or_default();
        replaced.uses += usage.as_ref().map_or(0, |usage| usage.uses);
        let uses_at_rotation = uses_at_rotation.unwrap_or_default();
        replaced.previous =
            Some(ReplacedSecret { secret, ends_at, replaced_at: *replaced_at, usage, uses_at_rotation });
    }
    Ok(found)
}
