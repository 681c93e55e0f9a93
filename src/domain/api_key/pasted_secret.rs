//! The key whose secret somebody pasted to find it.

use diesel::prelude::*;

use super::record::{ApiKey, ApiKeyId};
use super::stored_secret::KeySecretId;
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::schema::{api_keys, key_secrets};
use crate::store::{Conn, Digest, Tx, UtcTime};

/// A key that was found by its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOfSecret {
    /// The key.
    pub id: ApiKeyId,
    /// Whether it is its present secret, rather than one that was replaced.
    pub is_current: bool,
    /// Whether the key is in the trash.
    pub is_in_trash: bool,
}

/// The key of an account that has a secret of one of these digests, or had it: the newest of them.
/// Writes an audit event; counts no use.
///
/// # Errors
/// When the database fails.
pub fn find_by_secret(tx: &mut Tx<'_>, account: &AccountId, secrets: &[Digest]) -> Result<Option<KeyOfSecret>> {
    let found: Option<(ApiKey, Option<UtcTime>, Option<UtcTime>)> = key_secrets::table
        .inner_join(api_keys::table)
        .filter(api_keys::account_id.eq(account))
        .filter(key_secrets::digest.eq_any(secrets))
        .order((key_secrets::created_at.desc(), key_secrets::id.desc()))
        .select((ApiKey::as_select(), key_secrets::ends_at, api_keys::deleted_at))
        .first(tx.conn())
        .optional()?;
    let Some((key, ends_at, deleted_at)) = found else { return Ok(None) };
    tx.audit(key.event(Action::ApiKeyLookedUp).done())?;
    Ok(Some(KeyOfSecret { id: key.id, is_current: ends_at.is_none(), is_in_trash: deleted_at.is_some() }))
}

/// Whether a key of an account has or had the secret of this digest: what is pasted alone may be
/// anything, and only for a secret there is a change to write.
///
/// # Errors
/// When the database fails.
pub fn is_secret(conn: &mut Conn, account: &AccountId, digest: Digest) -> Result<bool> {
    let secrets = key_secrets::table.inner_join(api_keys::table).filter(key_secrets::digest.eq(digest));
    let found = secrets.filter(api_keys::account_id.eq(account)).select(key_secrets::id);
    Ok(found.first::<KeySecretId>(conn).optional()?.is_some())
}
