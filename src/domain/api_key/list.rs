//! Queries for keys: one by its id, one by its secret, several by their ids.

use diesel::prelude::*;

use super::entry::ApiKeyEntry;
use super::record::{ApiKey, ApiKeyId, KeyStatus};
use super::replaced_secret;
use super::stored_secret::{self, StoredSecret};
use super::usage::SecretUsage;
use crate::domain::account::AccountId;
use crate::domain::service::{Service, ServiceStatus};
use crate::error::{Error, Result};
use crate::store::change_log::{self, Position};
use crate::store::schema::{api_keys, key_secret_usages, key_secrets, revisions, services};
use crate::store::{Conn, Digest, Tx};

/// Keys joined with their current secrets, services and usages.
#[diesel::dsl::auto_type]
fn entries() -> _ {
    let is_current = key_secrets::api_key_id.eq(api_keys::id).and(key_secrets::ends_at.is_null());
    api_keys::table
        .inner_join(key_secrets::table.on(is_current))
        .inner_join(services::table)
        .left_join(key_secret_usages::table.on(key_secret_usages::key_secret_id.eq(key_secrets::id)))
}

/// A row of [`entries()`].
type Row = (ApiKey, StoredSecret, Service, Option<SecretUsage>);

/// Completes keys with the secrets that were replaced, by one query for all of them.
fn complete(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<ApiKeyEntry>> {
    let current: Vec<_> = rows.iter().map(|(_, secret, ..)| secret).collect();
    let mut replaced = replaced_secret::of_keys(conn, &current)?;
    let complete = |(key, secret, service, usage): Row| {
        let replaced = replaced.remove(&key.id).unwrap_or_default();
        ApiKeyEntry { key, secret, service, usage, previous: replaced.previous, replaced_uses: replaced.uses }
    };
    Ok(rows.into_iter().map(complete).collect())
}

/// The name of a key, and what tells it from others of the same name.
#[derive(Debug, Clone, Queryable)]
pub struct ApiKeyName {
    /// Its id.
    pub id: ApiKeyId,
    /// Its name.
    pub name: String,
    /// The last four characters of its current secret.
    pub tail: String,
}

/// The names of an account's newest keys of a service, at most `limit`.
///
/// # Errors
/// When the database fails.
pub fn names(conn: &mut Conn, account: &AccountId, service: &str, limit: usize) -> Result<Vec<ApiKeyName>> {
    let is_current = key_secrets::api_key_id.eq(api_keys::id).and(key_secrets::ends_at.is_null());
    let rows = api_keys::table
        .inner_join(key_secrets::table.on(is_current))
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::service.eq(service))
        .filter(api_keys::deleted_at.is_null())
        .order((api_keys::created_at.desc(), api_keys::id.desc()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX));
    Ok(rows.select((api_keys::id, api_keys::name, key_secrets::tail)).load(conn)?)
}

/// The account of a key.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key.
pub fn account_of(conn: &mut Conn, id: &ApiKeyId) -> Result<AccountId> {
    Ok(api_keys::table.find(id).select(api_keys::account_id).first(conn)?)
}

/// The keys with these ids, newest first.
///
/// # Errors
/// When the database fails.
pub fn of_ids(conn: &mut Conn, ids: &[ApiKeyId]) -> Result<Vec<ApiKeyEntry>> {
    let rows = entries()
        .select(Row::as_select())
        .filter(api_keys::id.eq_any(ids))
        .order((api_keys::created_at.desc(), api_keys::id.desc()))
        .load(conn)?;
    complete(conn, rows)
}

/// One key of an account.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key, for one in the trash and for another account's.
pub fn find(conn: &mut Conn, account: &AccountId, id: &ApiKeyId) -> Result<ApiKeyEntry> {
    let row: Row = entries()
        .select(Row::as_select())
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::id.eq(id))
        .filter(api_keys::deleted_at.is_null())
        .first(conn)?;
    complete(conn, vec![row])?.pop().ok_or(Error::NotFound)
}

/// The same for a change that depends on what is found: until its end, other changes of the key wait.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key and for another account's.
pub fn find_locked(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId) -> Result<ApiKeyEntry> {
    // Writing the row locks it on PostgreSQL; SQLite has one writer at a time anyway.
    let row = api_keys::table.filter(api_keys::account_id.eq(account)).filter(api_keys::id.eq(id));
    diesel::update(row).set(api_keys::version.eq(api_keys::version)).execute(tx.conn())?;
    find(tx, account, id)
}

/// The key of any account that has a secret with this digest, disabled if its service is, and
/// the position in the history of changes at which it was read, for the gate.
///
/// # Errors
/// When the database fails.
pub fn find_by_digest(conn: &mut Conn, digest: Digest) -> Result<Option<(ApiKey, StoredSecret, Position)>> {
    let latest = revisions::table.on(revisions::name.eq(change_log::REVISION));
    // One statement, so that the key, its service and the position are of the same moment.
    let keys = api_keys::table.inner_join(services::table);
    let row = key_secrets::table.inner_join(keys).inner_join(latest).filter(key_secrets::digest.eq(digest));
    let row = row.filter(api_keys::deleted_at.is_null());
    let columns = (ApiKey::as_select(), StoredSecret::as_select(), change_log::LATEST, services::status);
    let found: Option<(ApiKey, StoredSecret, Position, ServiceStatus)> = row.select(columns).first(conn).optional()?;
    Ok(found.map(|(key, secret, position, service)| {
        // A verdict looks at one switch, which is off when that of the service is.
        let status = if service == ServiceStatus::Disabled { KeyStatus::Disabled } else { key.status };
        (ApiKey { status, ..key }, secret, position)
    }))
}

/// Invalidates the cached records of a key on every instance, by the digests of its secrets.
pub(super) fn forget(tx: &mut Tx<'_>, key: &ApiKeyId) -> Result<()> {
    stored_secret::digests(tx, key)?.into_iter().for_each(|digest| tx.forget(digest));
    Ok(())
}
