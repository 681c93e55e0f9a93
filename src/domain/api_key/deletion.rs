//! Deletion of keys. The id of a deleted key stays (a tombstone), so that no later
//! form creates another key with it.

use diesel::prelude::*;

use super::list::{find_locked, forget};
use super::record::{ApiKey, ApiKeyId};
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::error::{Error, Result};
use crate::store::schema::{api_key_deletions, api_keys};
use crate::store::{Conn, Tx};

/// Deletes a key with its secrets and usage figures.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key and for another account's.
pub fn delete(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId) -> Result<ApiKey> {
    // Locked, so that a rotation at the same moment adds no secret that is not forgotten.
    let key = find_locked(tx, account, id)?.key;
    forget(tx, id)?;
    if diesel::delete(api_keys::table.find(id)).execute(tx.conn())? == 0 {
        return Err(Error::NotFound); // a concurrent request deleted it
    }
    diesel::insert_into(api_key_deletions::table)
        .values((
            api_key_deletions::api_key_id.eq(id),
            api_key_deletions::account_id.eq(account),
            api_key_deletions::deleted_at.eq(tx.now()),
        ))
        .execute(tx.conn())?;
    tx.audit(key.event(Action::ApiKeyDeleted).done())?;
    Ok(key)
}

/// The account whose deleted key had this id; `None` for the ids of other keys.
///
/// # Errors
/// When the database fails.
pub fn owner(conn: &mut Conn, id: &ApiKeyId) -> Result<Option<AccountId>> {
    Ok(api_key_deletions::table.find(id).select(api_key_deletions::account_id).first(conn).optional()?)
}
