//! Accounts: the owners of keys, messages and credits. Operators are members of one.

pub mod membership;
mod permission;

use diesel::prelude::*;

pub use permission::{Access, Permission};

use super::id::id;
use crate::error::Result;
use crate::store::schema::accounts;
use crate::store::{Conn, UtcTime};

id! {
    /// The id of an account.
    AccountId = "acc_"
}

/// Creates an account.
///
/// # Errors
/// When the database fails.
pub fn create(conn: &mut Conn, name: &str, now: UtcTime) -> Result<AccountId> {
    let id = AccountId::mint();
    diesel::insert_into(accounts::table)
        .values((accounts::id.eq(&id), accounts::name.eq(name), accounts::created_at.eq(now)))
        .execute(conn)?;
    Ok(id)
}

/// The oldest account, which was created at the first start.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) before the first start.
pub fn first(conn: &mut Conn) -> Result<AccountId> {
    Ok(accounts::table.order((accounts::created_at, accounts::id)).select(accounts::id).first(conn)?)
}

/// Whether there is an account, as there is from the first start on.
///
/// # Errors
/// When the database fails.
pub fn exists(conn: &mut Conn) -> Result<bool> {
    let count: i64 = accounts::table.count().get_result(conn)?;
    Ok(count > 0)
}

/// The name of an account.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown account.
pub fn name(conn: &mut Conn, id: &AccountId) -> Result<String> {
    Ok(accounts::table.find(id).select(accounts::name).first(conn)?)
}

/// Creates the first account where there is none. Gives it if it is new.
pub(super) fn ensure_one(conn: &mut Conn, now: UtcTime) -> Result<Option<AccountId>> {
    if exists(conn)? { Ok(None) } else { create(conn, "Main account", now).map(Some) }
}
