//! Deletion of keys, and taking it back. The id of a deleted key stays (a tombstone), so
//! that no later form creates another key with it.

use diesel::prelude::*;

use super::entry::ApiKeyEntry;
use super::list::{find, find_locked, forget};
use super::record::{ApiKey, ApiKeyId};
use super::trash::oldest_restorable;
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::domain::handover;
use crate::error::{Error, Result};
use crate::store::schema::{api_key_deletions, api_keys};
use crate::store::{Conn, Tx, UtcTime};

/// Deletes a key: from the next request on it opens nothing. For some days it waits in the
/// trash, from which [`restore`] brings it back as it was.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key, for one in the trash and for another account's.
pub fn delete(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId) -> Result<ApiKey> {
    // Locked, so that a rotation at the same moment adds no secret that is not forgotten.
    let key = find_locked(tx, account, id)?.key;
    forget(tx, id)?;
    handover::end_unopened(tx, id)?;
    diesel::update(api_keys::table.find(id)).set(api_keys::deleted_at.eq(tx.now())).execute(tx.conn())?;
    tx.audit(key.event(Action::ApiKeyDeleted).done())?;
    Ok(key)
}

/// Takes a key out of the trash.
///
/// # Errors
/// [`Error::NotFound`] for a key that is not in the trash or has been there for too long, and
/// for another account's.
pub fn restore(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId) -> Result<ApiKeyEntry> {
    let deleted = api_keys::table.filter(api_keys::account_id.eq(account)).filter(api_keys::id.eq(id));
    let deleted = deleted.filter(api_keys::deleted_at.gt(oldest_restorable(tx.now())));
    if diesel::update(deleted).set(api_keys::deleted_at.eq(None::<UtcTime>)).execute(tx.conn())? == 0 {
        return Err(Error::NotFound);
    }
    forget(tx, id)?;
    let entry = find(tx, account, id)?;
    tx.audit(entry.key.event(Action::ApiKeyRestored).done())?;
    Ok(entry)
}

/// The account whose deleted key has this id, or had it; `None` for the ids of other keys.
///
/// # Errors
/// When the database fails.
pub fn owner(conn: &mut Conn, id: &ApiKeyId) -> Result<Option<AccountId>> {
    let in_trash = api_keys::table.find(id).filter(api_keys::deleted_at.is_not_null());
    let owner = in_trash.select(api_keys::account_id).first(conn).optional()?;
    if owner.is_some() {
        return Ok(owner);
    }
    Ok(api_key_deletions::table.find(id).select(api_key_deletions::account_id).first(conn).optional()?)
}
