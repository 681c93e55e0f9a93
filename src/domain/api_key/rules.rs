//! The rules of a key: when it ends, what it may do, and from where.

use std::net::IpAddr;

use diesel::prelude::*;

use super::allowed_ips::AllowedIps;
use super::entry::ApiKeyEntry;
use super::expiry::{Expiry, Lifetimes};
use super::list::{find, find_locked, forget};
use super::record::ApiKeyId;
use super::scopes::Scopes;
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::domain::service_scope;
use crate::error::{Error, Result};
use crate::store::schema::api_keys;
use crate::store::{Tx, UtcTime};

/// The rules of a new key.
#[derive(Debug, Clone)]
pub struct KeyRules {
    /// When it ends.
    pub expiry: Expiry,
    /// What it may do.
    pub scopes: Scopes,
    /// From where it may be used.
    pub allowed_ips: AllowedIps,
}

impl Default for KeyRules {
    /// As the installation's default says, everything, from anywhere.
    fn default() -> Self {
        Self { expiry: Expiry::Default, scopes: Scopes::full(), allowed_ips: AllowedIps::anywhere() }
    }
}

/// The list that a program sent as `field` for a new key, and `None` where it sent none. `null` is no
/// list: what a program does not know must not become everything that there is.
///
/// # Errors
/// [`Error::Invalid`] for `field`.
pub fn sent_list<'a>(field: &'static str, sent: Option<&'a Option<Vec<String>>>) -> Result<Option<&'a [String]>> {
    match sent {
        Some(None) => Err(Error::invalid(field, "This is null. Write a list, or leave it out for no limit.")),
        sent => Ok(sent.and_then(Option::as_deref)),
    }
}

/// Moves the end of a key; the same moment changes nothing.
///
/// # Errors
/// [`Error::Invalid`] for `expires_at`, and [`Error::NotFound`] for an unknown key and for another
/// account's.
pub fn set_expiry(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId, expiry: Expiry) -> Result<ApiKeyEntry> {
    let entry = find_locked(tx, account, id)?;
    let before = entry.key.expires_at;
    if matches!(expiry, Expiry::At(end) if before == Some(end)) || (expiry == Expiry::Never && before.is_none()) {
        return Ok(entry); // also where a rule came later, which changes no key by itself
    }
    let end = expiry.resolve(Lifetimes::read(tx)?, tx.now())?;
    if end == before {
        return Ok(entry);
    }
    let set = (api_keys::expires_at.eq(end), api_keys::version.eq(api_keys::version + 1));
    diesel::update(api_keys::table.find(id)).set(set).execute(tx.conn())?;
    forget(tx, id)?;
    let [before, after] = [before, end].map(|end| end.map(UtcTime::rfc3339));
    tx.audit(entry.key.event(Action::ApiKeyExpiryChanged).field("expires_at", before, after).done())?;
    find(tx, account, id)
}

/// Replaces the scopes of a key; the same ones change nothing.
///
/// # Errors
/// [`Error::ChangedMeanwhile`] when the key has others by now than those that the change
/// started from (`was`, as stored), [`Error::Invalid`] for `scopes` that the service does not
/// have, and [`Error::NotFound`] for an unknown key and for another account's.
pub fn set_scopes(
    tx: &mut Tx<'_>,
    account: &AccountId,
    id: &ApiKeyId,
    scopes: &Scopes,
    was: Option<&str>,
) -> Result<ApiKeyEntry> {
    let entry = find_locked(tx, account, id)?;
    let now = &entry.key.scopes;
    if now != scopes && was.is_some_and(|was| was != now.as_str()) {
        return Err(Error::ChangedMeanwhile);
    }
    service_scope::require_known(tx, &entry.key.service, scopes)?;
    if entry.key.scopes == *scopes {
        return Ok(entry);
    }
    let set = (api_keys::scopes.eq(scopes), api_keys::version.eq(api_keys::version + 1));
    diesel::update(api_keys::table.find(id)).set(set).execute(tx.conn())?;
    forget(tx, id)?;
    let event = entry.key.event(Action::ApiKeyScopesChanged);
    tx.audit(event.field("scopes", entry.key.scopes.as_str(), scopes.as_str()).done())?;
    find(tx, account, id)
}

/// How the addresses that a key may be used from are to change.
#[derive(Debug)]
pub enum AllowedIpsChange {
    /// To this list, where the key still has the one that the change started from.
    Replace {
        /// The new list.
        list: AllowedIps,
        /// The list that the change started from, as stored; `None` replaces any.
        was: Option<String>,
    },
    /// By one address more, where there is a list.
    Add(IpAddr),
    /// To this address, where there is no list; by one address more where there is.
    Limit(IpAddr),
}

impl AllowedIpsChange {
    fn apply(self, now: &AllowedIps) -> Result<AllowedIps> {
        match self {
            Self::Replace { list, was: Some(was) } if list != *now && was != now.as_str() => {
                Err(Error::ChangedMeanwhile)
            }
            Self::Replace { list, .. } => Ok(list),
            // Somebody has let it be used from anywhere meanwhile; that is not narrowed.
            Self::Add(_) if now.is_anywhere() => Ok(now.clone()),
            Self::Add(address) | Self::Limit(address) => now.with(address),
        }
    }
}

/// Changes the addresses that a key may be used from; the same ones change nothing.
///
/// # Errors
/// [`Error::ChangedMeanwhile`] when the key has another list by now than the one that a
/// replacement started from, [`Error::Invalid`] for `allowed_ips` when the list is full, and
/// [`Error::NotFound`] for an unknown key and for another account's.
pub fn change_allowed_ips(
    tx: &mut Tx<'_>,
    account: &AccountId,
    id: &ApiKeyId,
    change: AllowedIpsChange,
) -> Result<ApiKeyEntry> {
    let entry = find_locked(tx, account, id)?;
    let allowed = change.apply(&entry.key.allowed_ips)?;
    if entry.key.allowed_ips == allowed {
        return Ok(entry);
    }
    let set = (api_keys::allowed_ips.eq(&allowed), api_keys::version.eq(api_keys::version + 1));
    diesel::update(api_keys::table.find(id)).set(set).execute(tx.conn())?;
    forget(tx, id)?;
    let event = entry.key.event(Action::ApiKeyAllowedIpsChanged);
    tx.audit(event.field("allowed_ips", entry.key.allowed_ips.as_str(), allowed.as_str()).done())?;
    find(tx, account, id)
}
