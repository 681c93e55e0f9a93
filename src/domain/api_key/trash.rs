//! The trash: keys that were deleted. They open nothing, and for some days an operator can
//! restore them; then nothing is left of them but their ids.

use std::collections::HashMap;

use diesel::prelude::*;

use super::entry::ApiKeyEntry;
use super::list::of_ids;
use super::record::{ApiKey, ApiKeyId, KeyStatus};
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::error::{Error, Result};
use crate::store::schema::{api_key_deletions, api_keys, audit_events};
use crate::store::{Conn, MultiBackend, Tx, UtcTime};

/// For so many days a deleted key can be restored.
pub const TRASH_DAYS: i64 = 7;
const TRASH_SECONDS: i64 = TRASH_DAYS * 24 * 3_600;
/// The most keys in one statement.
const BATCH_SIZE: usize = 500;

/// A key in the trash.
#[derive(Debug, Clone)]
pub struct TrashedKey {
    /// The key, as it was and as it would be again.
    pub entry: ApiKeyEntry,
    /// When it was deleted.
    pub deleted_at: UtcTime,
    /// The name of who deleted it, if that is known.
    pub deleted_by: Option<String>,
}

impl TrashedKey {
    /// From when on it can't be restored any more.
    #[must_use]
    pub const fn gone_at(&self) -> UtcTime {
        self.deleted_at.plus_seconds(TRASH_SECONDS)
    }
}

/// What was deleted until then can't be restored any more.
#[must_use]
pub const fn oldest_restorable(now: UtcTime) -> UtcTime {
    now.plus_seconds(-TRASH_SECONDS)
}

/// An account's keys in the trash, the last one deleted first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, account: &AccountId, limit: usize, now: UtcTime) -> Result<Vec<TrashedKey>> {
    let rows: Vec<(ApiKeyId, UtcTime)> = of_account(account, now)
        .order((api_keys::deleted_at.desc(), api_keys::id.desc()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((api_keys::id, api_keys::deleted_at.assume_not_null()))
        .load(conn)?;
    let mut keys = Vec::with_capacity(rows.len());
    for rows in rows.chunks(BATCH_SIZE) {
        read(conn, account, rows, &mut keys)?;
    }
    Ok(keys)
}

/// One key of an account in the trash.
///
/// # Errors
/// [`Error::NotFound`] for a key that is not in the trash, and for another account's.
pub fn find(conn: &mut Conn, account: &AccountId, id: &ApiKeyId, now: UtcTime) -> Result<TrashedKey> {
    let row = of_account(account, now).filter(api_keys::id.eq(id));
    let deleted_at = row.select(api_keys::deleted_at.assume_not_null()).first(conn)?;
    let mut keys = Vec::new();
    read(conn, account, &[(id.clone(), deleted_at)], &mut keys)?;
    keys.pop().ok_or(Error::NotFound)
}

/// Whether any of an account's keys is in the trash.
///
/// # Errors
/// When the database fails.
pub fn has_any(conn: &mut Conn, account: &AccountId, now: UtcTime) -> Result<bool> {
    Ok(of_account(account, now).select(api_keys::id).first::<ApiKeyId>(conn).optional()?.is_some())
}

/// How many of an account's keys are in the trash.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, account: &AccountId, now: UtcTime) -> Result<i64> {
    Ok(of_account(account, now).count().get_result(conn)?)
}

type KeysInTrash<'a> = api_keys::BoxedQuery<'a, MultiBackend>;

fn of_account(account: &AccountId, now: UtcTime) -> KeysInTrash<'_> {
    let keys = api_keys::table.filter(api_keys::account_id.eq(account));
    keys.filter(api_keys::deleted_at.gt(oldest_restorable(now))).into_boxed()
}

/// Adds these keys, in their order.
fn read(conn: &mut Conn, account: &AccountId, rows: &[(ApiKeyId, UtcTime)], keys: &mut Vec<TrashedKey>) -> Result<()> {
    let Some(oldest) = rows.iter().map(|(_, deleted_at)| *deleted_at).min() else { return Ok(()) };
    let ids: Vec<ApiKeyId> = rows.iter().map(|(id, _)| id.clone()).collect();
    let mut entries: HashMap<ApiKeyId, ApiKeyEntry> =
        of_ids(conn, &ids)?.into_iter().map(|entry| (entry.key.id.clone(), entry)).collect();
    // The event of a deletion has the same time as the row.
    let names: Vec<((String, UtcTime), String)> = audit_events::table
        .filter(audit_events::account_id.eq(account.as_str()))
        .filter(audit_events::action.eq(Action::ApiKeyDeleted.as_str()))
        // Follows from the rest, and bounds the scan of the index.
        .filter(audit_events::at.ge(oldest))
        .filter(audit_events::target_id.eq_any(ids.iter().map(ApiKeyId::as_str)))
        .select(((audit_events::target_id, audit_events::at), audit_events::actor_name))
        .load(conn)?;
    let names: HashMap<(String, UtcTime), String> = names.into_iter().filter(|(_, name)| !name.is_empty()).collect();
    keys.extend(rows.iter().filter_map(|(id, deleted_at)| {
        let deleted_by = names.get(&(id.to_string(), *deleted_at)).cloned();
        Some(TrashedKey { entry: entries.remove(id)?, deleted_at: *deleted_at, deleted_by })
    }));
    Ok(())
}

/// The keys in the trash, of all accounts, that would be on if they were restored.
pub(super) fn enabled(conn: &mut Conn) -> Result<Vec<ApiKey>> {
    let keys = api_keys::table.filter(api_keys::deleted_at.is_not_null());
    let keys = keys.filter(api_keys::status.eq(KeyStatus::Enabled)).order(api_keys::id);
    Ok(keys.select(ApiKey::as_select()).load(conn)?)
}

/// Whether there is a key that was in the trash for long enough.
///
/// # Errors
/// When the database fails.
pub fn needs_purging(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let due = api_keys::table.filter(api_keys::deleted_at.le(oldest_restorable(now)));
    Ok(due.select(api_keys::id).first::<ApiKeyId>(conn).optional()?.is_some())
}

/// Purges up to `limit` keys that were in the trash for long enough, also while other
/// instances do. Returns whether more may be left.
///
/// # Errors
/// When the database fails.
pub fn purge_due(tx: &mut Tx<'_>, limit: usize) -> Result<bool> {
    let until = oldest_restorable(tx.now());
    let due: Vec<ApiKey> = api_keys::table
        .filter(api_keys::deleted_at.le(until))
        // In one order on every instance, so that none waits for another one in a circle.
        .order((api_keys::deleted_at.asc(), api_keys::id.asc()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(ApiKey::as_select())
        .load(tx.conn())?;
    for key in &due {
        purge_row(tx, key)?;
    }
    Ok(due.len() == limit)
}

/// Purges a key of the trash before its time.
///
/// # Errors
/// [`Error::NotFound`] for a key that is not in the trash, and for another account's.
pub fn purge(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId) -> Result<ApiKey> {
    let now = tx.now();
    let key = find(tx, account, id, now)?.entry.key;
    if purge_row(tx, &key)? { Ok(key) } else { Err(Error::NotFound) }
}

/// Deletes the row of a key with all that belongs to it, unless it left the trash meanwhile.
fn purge_row(tx: &mut Tx<'_>, key: &ApiKey) -> Result<bool> {
    let row = api_keys::table.find(&key.id).filter(api_keys::deleted_at.is_not_null());
    let deleted: Option<Option<UtcTime>> =
        diesel::delete(row).returning(api_keys::deleted_at).get_result(tx.conn()).optional()?;
    let Some(deleted_at) = deleted.flatten() else { return Ok(false) };
    diesel::insert_into(api_key_deletions::table)
        .values((
            api_key_deletions::api_key_id.eq(&key.id),
            api_key_deletions::account_id.eq(&key.account_id),
            api_key_deletions::deleted_at.eq(deleted_at),
        ))
        .execute(tx.conn())?;
    tx.audit(key.event(Action::ApiKeyPurged).done())?;
    Ok(true)
}
