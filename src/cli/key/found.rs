//! How commands find a key by its id.

use crate::domain::account::AccountId;
use crate::domain::api_key::{self, ApiKeyId, deletion};
use crate::domain::service;
use crate::error::{Error, Result};
use crate::store::Conn;

/// Reads a key's id.
///
/// # Errors
/// [`Error::Invalid`] for what can be no id.
pub(super) fn parse_id(text: &str) -> Result<ApiKeyId> {
    // Not repeated: it may be a key, and build logs keep standard error.
    text.trim().parse().map_err(|()| {
        Error::invalid("id", "This is no key's id; `keyfob key list` shows the ids of those that there are.")
    })
}

/// The account of a key: a shell on the server gives access to the keys of all accounts.
///
/// # Errors
/// [`Error::Invalid`] for an unknown key, and for one in the trash.
pub(super) fn account_of(conn: &mut Conn, id: &ApiKeyId) -> Result<AccountId> {
    if deletion::owner(conn, id)?.is_some() {
        return Err(Error::invalid("id", format!("{id} was deleted; see `keyfob key list --trash`.")));
    }
    account_of_any(conn, id)
}

/// The account of a key, which may be in the trash.
///
/// # Errors
/// [`Error::Invalid`] for an unknown key.
pub(super) fn account_of_any(conn: &mut Conn, id: &ApiKeyId) -> Result<AccountId> {
    api_key::account_of(conn, id).map_err(|error| match error {
        Error::NotFound => no_key(id.as_str()),
        error => error,
    })
}

fn no_key(id: &str) -> Error {
    Error::invalid("id", format!("There is no key {id:?}; `keyfob key list` shows the ids of those that there are."))
}

/// Checks that there is a service.
///
/// # Errors
/// [`Error::Invalid`] that names those that there are.
pub(super) fn require_service(conn: &mut Conn, slug: &str) -> Result<()> {
    match service::find(conn, slug) {
        Ok(_) => Ok(()),
        Err(Error::NotFound) => {
            let slugs: Vec<_> = service::list(conn)?.into_iter().map(|service| service.slug).collect();
            Err(Error::invalid(
                "service",
                format!("There is no service {slug:?}; those that there are: {}.", slugs.join(", ")),
            ))
        }
        Err(error) => Err(error),
    }
}
