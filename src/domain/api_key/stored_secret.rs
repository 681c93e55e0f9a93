//! Secrets as the database stores them: a digest, and a mask to show. A key has
//! one secret, or two during a rotation.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::record::ApiKeyId;
use super::secret::KeySecret;
use crate::domain::id::id;
use crate::error::Result;
use crate::store::schema::key_secrets;
use crate::store::types::text_enum;
use crate::store::{Conn, Digest, UtcTime};

id! {
    /// The id of a key's secret.
    KeySecretId = "ksec_"
}

text_enum! {
    /// The system that generated a secret.
    SecretOrigin {
        /// Keyfob.
        Minted = "minted",
        /// Another system.
        Imported = "imported",
    }
}

/// A row of `key_secrets`. The one without an end is its key's current secret; a
/// unique index allows one of these for each key.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = key_secrets)]
pub struct StoredSecret {
    /// Its id.
    pub id: KeySecretId,
    /// The key that it belongs to.
    pub api_key_id: ApiKeyId,
    /// SHA-256 of the whole secret.
    pub digest: Digest,
    /// Its masked form for the screen, such as `sms_live_••••••R5jT`.
    pub mask: String,
    /// Its last four characters, for searching.
    pub tail: String,
    /// When it was created.
    pub created_at: UtcTime,
    /// From when on it is refused; `None` for the current secret.
    pub ends_at: Option<UtcTime>,
    /// The system that generated it.
    pub origin: SecretOrigin,
}

impl StoredSecret {
    /// The row of a new secret.
    #[must_use]
    pub fn of(secret: &KeySecret, key: &ApiKeyId, now: UtcTime) -> Self {
        Self {
            id: KeySecretId::mint(),
            api_key_id: key.clone(),
            digest: secret.digest(),
            mask: secret.mask(),
            tail: secret.tail().to_owned(),
            created_at: now,
            ends_at: None,
            origin: SecretOrigin::Minted,
        }
    }
}

/// The digests of all secrets of a key.
///
/// # Errors
/// When the database fails.
pub fn digests(conn: &mut Conn, key: &ApiKeyId) -> Result<Vec<Digest>> {
    Ok(key_secrets::table.filter(key_secrets::api_key_id.eq(key)).select(key_secrets::digest).load(conn)?)
}

/// Imported secrets and their keys, also of those in the trash, by the ids of the keys: at most
/// `limit` of those after `after`. A key has one that was imported; each later one is generated.
///
/// # Errors
/// When the database fails.
pub fn imported_digests(conn: &mut Conn, after: Option<&ApiKeyId>, limit: usize) -> Result<Vec<(ApiKeyId, Digest)>> {
    // A literal, since the index is of the rows that have it.
    let imported = key_secrets::table.filter(sql::<Bool>("key_secrets.origin = 'imported'"));
    let mut rows = imported
        .order(key_secrets::api_key_id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((key_secrets::api_key_id, key_secrets::digest))
        .into_boxed();
    if let Some(after) = after {
        rows = rows.filter(key_secrets::api_key_id.gt(after));
    }
    Ok(rows.load(conn)?)
}
