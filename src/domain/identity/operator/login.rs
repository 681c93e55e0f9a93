//! What is recorded when operators log in and out.

use super::Operator;
use crate::domain::audit::Action;
use crate::domain::identity::login_notice;
use crate::error::Result;
use crate::store::Tx;

/// Writes the audit event of a login, and leaves notices of an address that is new.
///
/// # Errors
/// When the database fails.
pub fn logged_in(tx: &mut Tx<'_>, operator: &Operator) -> Result<()> {
    login_notice::announce(tx, &operator.id)?;
    let event = operator.event_of_account(tx, Action::OperatorLoggedIn)?;
    tx.audit(event.done())
}

/// Writes the audit event of a password that was given again.
///
/// # Errors
/// When the database fails.
pub fn confirmed_password(tx: &mut Tx<'_>, operator: &Operator) -> Result<()> {
    let event = operator.event_of_account(tx, Action::OperatorPasswordConfirmed)?;
    tx.audit(event.done())
}

/// Writes the audit event of a logout.
///
/// # Errors
/// When the database fails.
pub fn logged_out(tx: &mut Tx<'_>, operator: &Operator) -> Result<()> {
    let event = operator.event_of_account(tx, Action::SessionEnded)?;
    tx.audit(event.done())
}

/// Writes the audit event of a session that was ended from another one; `address` is where
/// it was begun.
///
/// # Errors
/// When the database fails.
pub fn ended_session(tx: &mut Tx<'_>, operator: &Operator, address: Option<String>) -> Result<()> {
    let event = operator.event_of_account(tx, Action::SessionEnded)?;
    let address = address.unwrap_or_else(|| "unknown".to_owned());
    tx.audit(event.field("session_from", Some(address), None).done())
}

/// Writes the one audit event of all other sessions that were ended.
///
/// # Errors
/// When the database fails.
pub fn ended_other_sessions(tx: &mut Tx<'_>, operator: &Operator, count: usize) -> Result<()> {
    let event = operator.event_of_account(tx, Action::OtherSessionsEnded)?;
    tx.audit(event.field("other_sessions", count, 0).done())
}
