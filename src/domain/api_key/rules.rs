//! The rules of a key: when it ends, what it may do, and from where.

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
use crate::error::Result;
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

/// Moves the end of a key; the same moment changes nothing.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) for `expires_at`, and
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown key and for another account's.
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
    diesel::update(api_keys::table.find(id)).set(api_keys::expires_at.eq(end)).execute(tx.conn())?;
    forget(tx, id)?;
    let [before, after] = [before, end].map(|end| end.map(UtcTime::rfc3339));
    tx.audit(entry.key.event(Action::ApiKeyExpiryChanged).field("expires_at", before, after).done())?;
    find(tx, account, id)
}

/// Replaces the scopes of a key; the same ones change nothing.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) for `scopes` that the service does not have, and
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown key and for another account's.
pub fn set_scopes(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId, scopes: &Scopes) -> Result<ApiKeyEntry> {
    let entry = find_locked(tx, account, id)?;
    service_scope::require_known(tx, &entry.key.service, scopes)?;
    if entry.key.scopes == *scopes {
        return Ok(entry);
    }
    diesel::update(api_keys::table.find(id)).set(api_keys::scopes.eq(scopes)).execute(tx.conn())?;
    forget(tx, id)?;
    let event = entry.key.event(Action::ApiKeyScopesChanged);
    tx.audit(event.field("scopes", entry.key.scopes.as_str(), scopes.as_str()).done())?;
    find(tx, account, id)
}

/// Replaces the addresses that a key may be used from; the same ones change nothing.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown key and for another account's.
pub fn set_allowed_ips(
    tx: &mut Tx<'_>,
    account: &AccountId,
    id: &ApiKeyId,
    allowed: &AllowedIps,
) -> Result<ApiKeyEntry> {
    let entry = find_locked(tx, account, id)?;
    if entry.key.allowed_ips == *allowed {
        return Ok(entry);
    }
    diesel::update(api_keys::table.find(id)).set(api_keys::allowed_ips.eq(allowed)).execute(tx.conn())?;
    forget(tx, id)?;
    let event = entry.key.event(Action::ApiKeyAllowedIpsChanged);
    tx.audit(event.field("allowed_ips", entry.key.allowed_ips.as_str(), allowed.as_str()).done())?;
    find(tx, account, id)
}
