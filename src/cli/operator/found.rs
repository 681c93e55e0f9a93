//! How commands find an operator by their address.

use crate::domain::account::AccountId;
use crate::domain::account::membership;
use crate::domain::identity::operator::{self, Operator};
use crate::error::{Error, Result};
use crate::store::Conn;

/// The operator with this address, in any case and with space around it, and the account that
/// they work for: a shell on the server gives access to the people of all accounts.
///
/// # Errors
/// [`Error::Invalid`] for an unknown address, and for somebody who was removed.
pub(super) fn find(conn: &mut Conn, email: &str) -> Result<(Operator, AccountId)> {
    let operator = operator::find_by_email(conn, email).map_err(|error| or_unknown(error, email))?;
    let membership = membership::of(conn, &operator.id).map_err(|error| or_unknown(error, email))?;
    Ok((operator, membership.account_id))
}

fn or_unknown(error: Error, email: &str) -> Error {
    match error {
        Error::NotFound => Error::invalid("email", format!("There is no operator {}.", email.trim())),
        error => error,
    }
}
