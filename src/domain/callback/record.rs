//! The callback of a key: its URL and its secret.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::previous_secret;
use super::secret::CallbackSecret;
use super::url::CallbackUrl;
use crate::domain::account::AccountId;
use crate::domain::api_key::{self, ApiKey, ApiKeyId};
use crate::domain::audit::Action;
use crate::error::{Error, Result};
use crate::networks::Networks;
use crate::store::schema::api_key_callbacks;
use crate::store::{Conn, Tx, UtcTime};

/// The slug of the service whose keys have callbacks.
const SERVICE: &str = "sms";
const NO_SECRET: &str =
    "This key has no secret to sign callbacks with. Make one on the key's page, under Delivery callback.";

/// A row of `api_key_callbacks`: a key has at most one callback.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The key.
    pub api_key_id: ApiKeyId,
    /// The URL that is called; `None` where only requests to send name one.
    pub url: Option<CallbackUrl>,
    /// The secret that requests are signed with.
    pub secret: CallbackSecret,
    /// When it was first saved.
    pub created_at: UtcTime,
}

/// The result of saving a callback.
#[derive(Debug)]
pub enum Saved {
    /// The key had none before. This is the only time that its secret is shown.
    Made(CallbackSecret),
    /// The key had one, which now has this URL and keeps its secret.
    Kept,
}

/// The callback of a key, if it has one.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Conn, key: &ApiKeyId) -> Result<Option<Callback>> {
    let row: Option<(ApiKeyId, String, CallbackSecret, UtcTime)> =
        api_key_callbacks::table.find(key).first(conn).optional()?;
    // Empty for no URL.
    Ok(row.map(|(api_key_id, url, secret, created_at)| Callback {
        api_key_id,
        url: url.parse().ok(),
        secret,
        created_at,
    }))
}

/// Refuses what needs a secret to sign with, where a key has none.
///
/// # Errors
/// [`Error::Invalid`] for `field`, which says where a secret is made.
pub(crate) fn require_secret(conn: &mut Conn, key: Option<&ApiKeyId>, field: &'static str) -> Result<()> {
    let row = key.map(|key| api_key_callbacks::table.find(key).select(api_key_callbacks::created_at));
    match row.map(|row| row.first::<UtcTime>(conn).optional()).transpose()?.flatten() {
        Some(_) => Ok(()),
        None => Err(Error::invalid(field, NO_SECRET)),
    }
}

/// Whether keys of a service can have a callback.
#[must_use]
pub fn is_offered(service: &str) -> bool {
    service == SERVICE
}

/// Sets the URL of a key's callback. Private addresses are refused unless they
/// are in `allowed`.
///
/// # Errors
/// [`Error::Invalid`] for `url`; [`Error::NotFound`] for an unknown key, another
/// account's key, and a key of a service without callbacks.
pub fn save(tx: &mut Tx<'_>, account: &AccountId, key: &ApiKeyId, url: &str, allowed: &Networks) -> Result<Saved> {
    let key = find_key(tx, account, key)?;
    let url = CallbackUrl::parse("url", url, allowed)?;
    let event = |before: &str| key.event(Action::CallbackChanged).field("url", before, url.as_str()).done();
    if let Some(before) = find(tx, &key.id)? {
        if before.url.as_ref() != Some(&url) {
            let row = api_key_callbacks::table.find(&key.id);
            diesel::update(row).set(api_key_callbacks::url.eq(&url)).execute(tx.conn())?;
            tx.audit(event(before.url.as_ref().map_or("", CallbackUrl::as_str)))?;
        }
        return Ok(Saved::Kept);
    }
    let saved = insert(tx, &key.id, url.as_str())?;
    if matches!(saved, Saved::Made(_)) {
        tx.audit(event(""))?;
    }
    Ok(saved)
}

/// Makes a secret for a key without a callback, for requests to send that name their own
/// address.
///
/// # Errors
/// [`Error::NotFound`] as with [`save`].
pub fn make_secret(tx: &mut Tx<'_>, account: &AccountId, key: &ApiKeyId) -> Result<Saved> {
    let key = find_key(tx, account, key)?;
    if find(tx, &key.id)?.is_some() {
        return Ok(Saved::Kept);
    }
    let saved = insert(tx, &key.id, "")?;
    if matches!(saved, Saved::Made(_)) {
        tx.audit(key.event(Action::CallbackSecretRenewed).done())?;
    }
    Ok(saved)
}

fn insert(tx: &mut Tx<'_>, key: &ApiKeyId, url: &str) -> Result<Saved> {
    let secret = CallbackSecret::generate()?;
    let row = (
        api_key_callbacks::api_key_id.eq(key),
        api_key_callbacks::url.eq(url),
        api_key_callbacks::secret.eq(&secret),
        api_key_callbacks::created_at.eq(tx.now()),
    );
    // In a savepoint: the same form may be submitted twice at once, and on
    // PostgreSQL a violated constraint would end this transaction.
    match tx.transaction(|conn| diesel::insert_into(api_key_callbacks::table).values(row).execute(conn)) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => return Ok(Saved::Kept),
        inserted => inserted?,
    };
    Ok(Saved::Made(secret))
}

/// Replaces a callback's secret. Requests are signed with the new one from now on, and
/// for a day with the old one too.
///
/// # Errors
/// [`Error::NotFound`] as with [`save`], and where there is no callback.
pub fn change_secret(tx: &mut Tx<'_>, account: &AccountId, key: &ApiKeyId) -> Result<CallbackSecret> {
    let key = find_key(tx, account, key)?;
    let old = find(tx, &key.id)?.ok_or(Error::NotFound)?.secret;
    let secret = CallbackSecret::generate()?;
    let row = api_key_callbacks::table.find(&key.id);
    if diesel::update(row).set(api_key_callbacks::secret.eq(&secret)).execute(tx.conn())? == 0 {
        return Err(Error::NotFound);
    }
    previous_secret::keep(tx, &key.id, old)?;
    tx.audit(key.event(Action::CallbackSecretRenewed).done())?;
    Ok(secret)
}

/// Removes a callback; its queued deliveries are not sent. Idempotent.
///
/// # Errors
/// [`Error::NotFound`] as with [`save`].
pub fn remove(tx: &mut Tx<'_>, account: &AccountId, key: &ApiKeyId) -> Result<()> {
    let key = find_key(tx, account, key)?;
    if diesel::delete(api_key_callbacks::table.find(&key.id)).execute(tx.conn())? > 0 {
        tx.audit(key.event(Action::CallbackRemoved).done())?;
    }
    Ok(())
}

/// The key, where its service has callbacks.
fn find_key(conn: &mut Conn, account: &AccountId, key: &ApiKeyId) -> Result<ApiKey> {
    let entry = api_key::find(conn, account, key)?;
    if is_offered(&entry.key.service) { Ok(entry.key) } else { Err(Error::NotFound) }
}
