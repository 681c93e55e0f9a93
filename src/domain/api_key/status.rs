//! Enabling and disabling keys.

use diesel::prelude::*;

use super::entry::ApiKeyEntry;
use super::list::{find, forget};
use super::record::{ApiKeyId, KeyStatus, StatusReason};
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::Tx;
use crate::store::schema::api_keys;

/// Enables or disables a key; its present status changes nothing.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown key and for another account's.
pub fn set_status(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId, status: KeyStatus) -> Result<ApiKeyEntry> {
    let row = api_keys::table
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::id.eq(id))
        .filter(api_keys::status.ne(status));
    let set = (api_keys::status.eq(status), api_keys::status_reason.eq(None::<StatusReason>));
    let is_changed = diesel::update(row).set(set).execute(tx.conn())? > 0;
    let entry = find(tx, account, id)?;
    if is_changed {
        forget(tx, id)?;
        let action = match status {
            KeyStatus::Enabled => Action::ApiKeyEnabled,
            KeyStatus::Disabled => Action::ApiKeyDisabled,
        };
        tx.audit(entry.key.event(action).done())?;
    }
    Ok(entry)
}
