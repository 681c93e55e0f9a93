//! Callbacks: where an application is told what became of the messages that it
//! sent with a key, as requests that it can tell from anybody else's
//! (<https://www.standardwebhooks.com>).

mod delivery;
mod outcome;
mod queue;
mod secret;
mod target;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

pub(crate) use delivery::tell;
pub use delivery::{Delivery, DeliveryId, DeliveryStatus, TOLD_FOR_SECONDS, give_up_old, has_old, of_message};
pub use outcome::{Outcome, Trouble, retry_at, sentence};
pub use queue::{Attempt, LEASE_SECONDS, is_due, lease, settle};
pub use secret::CallbackSecret;
pub use target::{Target, is_allowed};

use super::account::AccountId;
use super::api_key::{self, ApiKeyId};
use crate::error::{Error, Result};
use crate::networks::Networks;
use crate::store::schema::api_key_callbacks;
use crate::store::{Conn, UtcTime};

/// The slug of the service whose keys have callbacks.
const SERVICE: &str = "sms";

/// Where one key's application is told.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_key_callbacks)]
pub struct Callback {
    /// The key.
    pub api_key_id: ApiKeyId,
    /// Where to.
    pub url: Target,
    /// What requests are signed with.
    pub secret: CallbackSecret,
    /// Since when there is one.
    pub created_at: UtcTime,
}

/// What became of a filled-in form.
#[derive(Debug)]
pub enum Saved {
    /// There was none before: this is the one sight of its secret.
    Made(CallbackSecret),
    /// It has another address, or the same as before; its secret stays.
    Kept,
}

/// The callback of a key, if it has one.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Conn, key: &ApiKeyId) -> Result<Option<Callback>> {
    Ok(api_key_callbacks::table.find(key).select(Callback::as_select()).first(conn).optional()?)
}

/// Whether keys of this service have callbacks.
#[must_use]
pub fn is_offered(service: &str) -> bool {
    service == SERVICE
}

/// Sets where a key's application is told; `allowed` are the private networks
/// that may be called.
///
/// # Errors
/// [`Error::Invalid`] for `url`; [`Error::NotFound`] for an unknown key,
/// another account's, and one of a service that has no callbacks.
pub fn save(
    conn: &mut Conn,
    account: &AccountId,
    key: &ApiKeyId,
    url: &str,
    allowed: &Networks,
    now: UtcTime,
) -> Result<Saved> {
    check_key(conn, account, key)?;
    let url = Target::parse("url", url, allowed)?;
    let row = api_key_callbacks::table.find(key);
    if diesel::update(row).set(api_key_callbacks::url.eq(&url)).execute(conn)? > 0 {
        return Ok(Saved::Kept);
    }
    let secret = CallbackSecret::generate()?;
    let callback = Callback { api_key_id: key.clone(), url, secret: secret.clone(), created_at: now };
    // In a savepoint: the same form, sent at the same moment, may have been quicker.
    match conn.transaction(|conn| diesel::insert_into(api_key_callbacks::table).values(&callback).execute(conn)) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(Saved::Kept),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(Saved::Made(secret)),
    }
}

/// Gives a callback another secret; the old one signs nothing any more.
///
/// # Errors
/// [`Error::NotFound`] as with [`save`], and where there is no callback.
pub fn change_secret(conn: &mut Conn, account: &AccountId, key: &ApiKeyId) -> Result<CallbackSecret> {
    check_key(conn, account, key)?;
    let secret = CallbackSecret::generate()?;
    let row = api_key_callbacks::table.find(key);
    match diesel::update(row).set(api_key_callbacks::secret.eq(&secret)).execute(conn)? {
        0 => Err(Error::NotFound),
        _ => Ok(secret),
    }
}

/// Removes a callback; what waits is not sent. The same again changes nothing.
///
/// # Errors
/// [`Error::NotFound`] as with [`save`].
pub fn remove(conn: &mut Conn, account: &AccountId, key: &ApiKeyId) -> Result<()> {
    check_key(conn, account, key)?;
    diesel::delete(api_key_callbacks::table.find(key)).execute(conn)?;
    Ok(())
}

fn check_key(conn: &mut Conn, account: &AccountId, key: &ApiKeyId) -> Result<()> {
    let entry = api_key::find(conn, account, key)?;
    if is_offered(&entry.key.service) { Ok(()) } else { Err(Error::NotFound) }
}
