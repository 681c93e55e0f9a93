//! Keys as management keys find them: within their services, and no further. What lies
//! beyond looks as if it were not there.

use diesel::prelude::*;

use super::bounds::ServiceReach;
use super::entry::ApiKeyEntry;
use super::list::find;
use super::record::ApiKeyId;
use super::stored_secret::KeySecretId;
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::error::{Error, Result};
use crate::store::schema::{api_keys, key_secrets};
use crate::store::{Conn, Digest, Tx};

/// A key that was found by the digest of one of its secrets.
#[derive(Debug, Clone)]
pub struct LookedUpKey {
    /// The secret: the current one, the previous one, or an older one.
    pub secret_id: KeySecretId,
    /// The key.
    pub entry: ApiKeyEntry,
}

/// One key.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key, for another account's, for one of another service,
/// and for a management key.
pub fn find_within(
    conn: &mut Conn,
    account: &AccountId,
    services: &ServiceReach,
    id: &ApiKeyId,
) -> Result<ApiKeyEntry> {
    let entry = find(conn, account, id)?;
    if services.includes(&entry.key.service) { Ok(entry) } else { Err(Error::NotFound) }
}

/// The key that has a secret with this digest. Writes nothing.
///
/// # Errors
/// As [`find_within`].
pub fn find_by_digest_within(
    conn: &mut Conn,
    account: &AccountId,
    services: &ServiceReach,
    digest: Digest,
) -> Result<LookedUpKey> {
    let (secret_id, id): (KeySecretId, ApiKeyId) = key_secrets::table
        .inner_join(api_keys::table)
        .filter(api_keys::account_id.eq(account))
        .filter(key_secrets::digest.eq(digest))
        .select((key_secrets::id, api_keys::id))
        .first(conn)?;
    Ok(LookedUpKey { secret_id, entry: find_within(conn, account, services, &id)? })
}

/// The same, with an audit event as for every look-up by a secret; counts no use.
///
/// # Errors
/// As [`find_within`].
pub fn look_up_within(
    tx: &mut Tx<'_>,
    account: &AccountId,
    services: &ServiceReach,
    digest: Digest,
) -> Result<LookedUpKey> {
    let found = find_by_digest_within(tx, account, services, digest)?;
    tx.audit(found.entry.key.event(Action::ApiKeyLookedUp).done())?;
    Ok(found)
}
