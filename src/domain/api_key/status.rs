//! Enabling and disabling keys.

use diesel::prelude::*;

use super::entry::ApiKeyEntry;
use super::list::{find, forget};
use super::record::{ApiKeyId, KeyStatus, StatusReason};
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::domain::handover;
use crate::error::Result;
use crate::store::schema::api_keys;
use crate::store::{Conn, Tx};

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
        handover::end_unopened(tx, id)?;
        let action = match status {
            KeyStatus::Enabled => Action::ApiKeyEnabled,
            KeyStatus::Disabled => Action::ApiKeyDisabled,
        };
        tx.audit(entry.key.event(action).done())?;
    }
    Ok(entry)
}

/// How many keys are enabled, of all accounts.
///
/// # Errors
/// When the database fails.
pub fn count_enabled(conn: &mut Conn) -> Result<i64> {
    Ok(api_keys::table.filter(api_keys::status.eq(KeyStatus::Enabled)).count().get_result(conn)?)
}

/// Disables every key of all accounts. Returns how many were enabled.
///
/// # Errors
/// When the database fails.
pub fn disable_all(tx: &mut Tx<'_>) -> Result<i64> {
    let enabled: Vec<(AccountId, ApiKeyId)> = api_keys::table
        .filter(api_keys::status.eq(KeyStatus::Enabled))
        .order(api_keys::id)
        .select((api_keys::account_id, api_keys::id))
        .load(tx.conn())?;
    for (account, id) in &enabled {
        set_status(tx, account, id, KeyStatus::Disabled)?;
    }
    Ok(i64::try_from(enabled.len()).unwrap_or(i64::MAX))
}
