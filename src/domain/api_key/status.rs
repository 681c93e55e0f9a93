//! Enabling and disabling keys.

use diesel::prelude::*;

use super::entry::ApiKeyEntry;
use super::list::{find, forget};
use super::record::{ApiKeyId, KeyStatus, StatusReason};
use super::secret_scan::refuse_secrets;
use super::trash;
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::domain::{handover, text};
use crate::error::Result;
use crate::store::schema::api_keys;
use crate::store::{Conn, Tx};

const MAX_NOTE_CHARS: usize = 200;

/// What a key's status is to be, and why.
#[derive(Debug, Clone)]
pub struct StatusRequest {
    /// On or off.
    pub status: KeyStatus,
    /// Why it is disabled; an enabled key has no reason.
    pub reason: Option<StatusReason>,
    /// More about it, for the audit event.
    pub note: Option<String>,
}

impl From<KeyStatus> for StatusRequest {
    fn from(status: KeyStatus) -> Self {
        Self { status, reason: None, note: None }
    }
}

/// Enables or disables a key. Its present status changes nothing, but for another
/// reason of a disabled key and a note about it.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) for `note`, and
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown key and for another account's.
pub fn set_status(
    tx: &mut Tx<'_>,
    account: &AccountId,
    id: &ApiKeyId,
    request: impl Into<StatusRequest>,
) -> Result<ApiKeyEntry> {
    let StatusRequest { status, reason, note } = request.into();
    let reason = reason.filter(|_| status == KeyStatus::Disabled);
    let note = note.filter(|note| !text::is_blank(note));
    let note = note.map(|note| text::line("note", "The note", MAX_NOTE_CHARS, &note)).transpose()?;
    note.iter().try_for_each(|note| refuse_secrets("note", note))?;
    let row = api_keys::table.filter(api_keys::account_id.eq(account)).filter(api_keys::id.eq(id));
    let row = row.filter(api_keys::deleted_at.is_null());
    let before: Option<StatusReason> = row.select(api_keys::status_reason).first(tx.conn())?;
    let set = (api_keys::status.eq(status), api_keys::status_reason.eq(reason));
    let mut changed = diesel::update(row.filter(api_keys::status.ne(status))).set(set).execute(tx.conn())?;
    if changed == 0 && reason.is_some() && reason != before {
        changed = diesel::update(row.filter(api_keys::status.eq(status))).set(set).execute(tx.conn())?;
    }
    // A note is news about a key that was disabled before.
    let is_noted = status == KeyStatus::Disabled && note.is_some();
    let entry = find(tx, account, id)?;
    if changed > 0 || is_noted {
        forget(tx, id)?;
        handover::end_unopened(tx, id)?;
        let action = match status {
            KeyStatus::Enabled => Action::ApiKeyEnabled,
            KeyStatus::Disabled => Action::ApiKeyDisabled,
        };
        let [before, after] = [before, entry.key.status_reason].map(|reason| reason.map(StatusReason::as_str));
        tx.audit(entry.key.event(action).field("status_reason", before, after).because(note).done())?;
    }
    Ok(entry)
}

/// How many keys are enabled, of all accounts.
///
/// # Errors
/// When the database fails.
pub fn count_enabled(conn: &mut Conn) -> Result<i64> {
    let enabled = api_keys::table.filter(api_keys::status.eq(KeyStatus::Enabled));
    Ok(enabled.filter(api_keys::deleted_at.is_null()).count().get_result(conn)?)
}

/// Disables every key of all accounts, also those in the trash, so that none is on when it is
/// restored. Returns how many of the others were enabled.
///
/// # Errors
/// When the database fails.
pub fn disable_all(tx: &mut Tx<'_>) -> Result<i64> {
    for key in trash::enabled(tx)? {
        diesel::update(api_keys::table.find(&key.id))
            .set(api_keys::status.eq(KeyStatus::Disabled))
            .execute(tx.conn())?;
        tx.audit(key.event(Action::ApiKeyDisabled).done())?;
    }
    let enabled: Vec<(AccountId, ApiKeyId)> = api_keys::table
        .filter(api_keys::status.eq(KeyStatus::Enabled))
        .filter(api_keys::deleted_at.is_null())
        .order(api_keys::id)
        .select((api_keys::account_id, api_keys::id))
        .load(tx.conn())?;
    for (account, id) in &enabled {
        set_status(tx, account, id, KeyStatus::Disabled)?;
    }
    Ok(i64::try_from(enabled.len()).unwrap_or(i64::MAX))
}
