//! The usual limits: new accounts have them, and they are offered to those that existed
//! before there were limits.

use diesel::prelude::*;

use super::limits::Limits;
use super::record::{Guard, find_guard, insert};
use super::settings::save_account_limits;
use crate::domain::account::{self, AccountId};
use crate::domain::audit::{self, Action, TargetKind};
use crate::error::Result;
use crate::store::schema::guards;
use crate::store::{Conn, Tx};

/// Gives a new account the usual limits.
///
/// # Errors
/// When the database fails.
pub fn open_account(conn: &mut Conn, account: &AccountId) -> Result<()> {
    insert(conn, &Guard::new(account, None, Limits::usual()))
}

/// Whether the usual limits are offered to an account.
///
/// # Errors
/// When the database fails.
pub fn is_offered(conn: &mut Conn, account: &AccountId) -> Result<bool> {
    Ok(find_guard(conn, account, None)?.is_some_and(|guard| guard.is_offered))
}

/// Accepts the offer. Without one, what somebody else has decided meanwhile stays.
///
/// # Errors
/// When the database fails.
pub fn turn_on(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    if is_offered(tx, account)? { save_account_limits(tx, account, Limits::usual()) } else { Ok(()) }
}

/// Declines the offer, which is not made again.
///
/// # Errors
/// When the database fails.
pub fn decline(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    let offered = guards::table.find(account.as_str()).filter(guards::is_offered.eq(true));
    let declined = diesel::update(offered).set(guards::is_offered.eq(false)).execute(tx.conn())?;
    if declined == 0 {
        return Ok(());
    }
    let name = account::name(tx, account)?;
    let event = audit::event(Action::AccountLimitsDeclined, TargetKind::Account, account.as_str(), &name);
    tx.audit(event.of(account).done())
}
