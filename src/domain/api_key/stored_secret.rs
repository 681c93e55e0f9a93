//! A key's secret as the database has it: a digest, and what can be shown. A
//! key has one secret, or two while one takes the other's place.

use diesel::prelude::*;

use super::record::ApiKeyId;
use super::secret::KeySecret;
use crate::domain::id::id;
use crate::error::Result;
use crate::store::schema::key_secrets;
use crate::store::types::text_enum;
use crate::store::{Conn, Digest, UtcTime};

id! {
    /// Names a key's secret.
    KeySecretId = "ksec_"
}

text_enum! {
    /// Where a secret comes from.
    Origin {
        /// Keyfob made it.
        Minted = "minted",
        /// Another system made it.
        Imported = "imported",
    }
}

/// A secret as it is kept. The one without an end is the key's current secret,
/// of which a unique index allows one for each key.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = key_secrets)]
pub struct StoredSecret {
    /// Its id.
    pub id: KeySecretId,
    /// The key that it belongs to.
    pub api_key_id: ApiKeyId,
    /// SHA-256 of the whole secret.
    pub digest: Digest,
    /// What can be shown of it, such as `sms_live_••••••R5jT`.
    pub mask: String,
    /// Its last four characters, by which people look for it.
    pub tail: String,
    /// When it was made.
    pub created_at: UtcTime,
    /// From when on it opens nothing; `None` for the current secret.
    pub ends_at: Option<UtcTime>,
    /// Made here or elsewhere.
    pub origin: Origin,
}

impl StoredSecret {
    /// What is kept of a new secret.
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
            origin: Origin::Minted,
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
