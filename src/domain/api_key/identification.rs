//! Which key is this? Secrets that were found somewhere, and the keys that they belong to.

use std::collections::HashMap;

use diesel::prelude::*;

use super::entry::ApiKeyEntry;
use super::list::find;
use super::record::ApiKeyId;
use super::stored_secret::{KeySecretId, StoredSecret};
use super::trash::{self, TrashedKey, oldest_restorable};
use super::usage::SecretUsage;
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::schema::{api_keys, key_secret_usages, key_secrets};
use crate::store::{Conn, Digest, Tx};

/// A secret of an account's key.
#[derive(Debug, Clone)]
pub struct IdentifiedSecret {
    /// The secret: the key's current one, the previous one, or an older one.
    pub secret: StoredSecret,
    /// Its uses.
    pub usage: Option<SecretUsage>,
    /// The key that it belongs to.
    pub entry: ApiKeyEntry,
}

/// The keys that secrets are of.
#[derive(Debug, Default)]
pub struct Identification {
    /// Those of the account's keys.
    pub known: HashMap<Digest, IdentifiedSecret>,
    /// Those of its keys in the trash.
    pub in_trash: HashMap<Digest, TrashedKey>,
}

/// Identifies secrets by their digests, each of which may be of a key of this account. Writes an audit
/// event for each key; counts no use.
///
/// # Errors
/// When the database fails.
pub fn identify(tx: &mut Tx<'_>, account: &AccountId, secrets: &[Digest]) -> Result<Identification> {
    let known = key_secrets::table.filter(key_secrets::digest.eq_any(secrets));
    let known: Vec<KeySecretId> = known.select(key_secrets::id).load(tx.conn())?;
    let found = identified(tx, account, &known)?;
    let in_trash = identified_in_trash(tx, account, &known)?;
    let mut keys: Vec<&ApiKeyEntry> = found.iter().map(|found| &found.entry).collect();
    keys.extend(in_trash.values().map(|trashed| &trashed.entry));
    keys.sort_by(|one, other| one.key.id.cmp(&other.key.id));
    keys.dedup_by(|one, other| one.key.id == other.key.id);
    for entry in keys {
        tx.audit(entry.key.event(Action::ApiKeyLookedUp).done())?;
    }
    let known = found.into_iter().map(|found| (found.secret.digest, found)).collect();
    Ok(Identification { known, in_trash })
}

fn identified_in_trash(
    tx: &mut Tx<'_>,
    account: &AccountId,
    secrets: &[KeySecretId],
) -> Result<HashMap<Digest, TrashedKey>> {
    let rows: Vec<(Digest, ApiKeyId)> = key_secrets::table
        .inner_join(api_keys::table)
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::deleted_at.gt(oldest_restorable(tx.now())))
        .filter(key_secrets::id.eq_any(secrets))
        .select((key_secrets::digest, api_keys::id))
        .load(tx.conn())?;
    let now = tx.now();
    rows.into_iter().map(|(digest, id)| Ok((digest, trash::find(tx, account, &id, now)?))).collect()
}

/// The secrets with these ids that are of an account's keys, in any order.
///
/// # Errors
/// When the database fails.
pub fn identified(conn: &mut Conn, account: &AccountId, secrets: &[KeySecretId]) -> Result<Vec<IdentifiedSecret>> {
    let rows: Vec<(StoredSecret, Option<SecretUsage>)> = key_secrets::table
        .inner_join(api_keys::table)
        .left_join(key_secret_usages::table)
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::deleted_at.is_null())
        .filter(key_secrets::id.eq_any(secrets))
        .order(key_secrets::id)
        .select((StoredSecret::as_select(), Option::<SecretUsage>::as_select()))
        .load(conn)?;
    let mut entries: HashMap<ApiKeyId, ApiKeyEntry> = HashMap::new();
    let mut found = Vec::with_capacity(rows.len());
    for (secret, usage) in rows {
        let id = secret.api_key_id.clone();
        let entry = match entries.get(&id) {
            Some(entry) => entry.clone(),
            None => find(conn, account, &id)?,
        };
        entries.insert(id, entry.clone());
        found.push(IdentifiedSecret { secret, usage, entry });
    }
    Ok(found)
}
