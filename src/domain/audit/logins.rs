//! Where people logged in from.

use diesel::prelude::*;

use super::Action;
use crate::error::Result;
use crate::store::Conn;
use crate::store::schema::audit_events;

/// The addresses of the last logins of all accounts, newest first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub fn last_addresses(conn: &mut Conn, limit: i64) -> Result<Vec<String>> {
    let logins = audit_events::table
        .filter(audit_events::action.eq(Action::OperatorLoggedIn.as_str()))
        .filter(audit_events::address.is_not_null());
    let addresses = logins.order(audit_events::id.desc()).limit(limit).select(audit_events::address);
    Ok(addresses.load::<Option<String>>(conn)?.into_iter().flatten().collect())
}
