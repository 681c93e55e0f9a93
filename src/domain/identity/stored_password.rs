//! The rows of operators' password hashes. They are a table of their own, since an
//! operator may have no password, and no query for operators should load a hash.

use diesel::prelude::*;

use super::operator::OperatorId;
use crate::error::Result;
use crate::store::schema::operator_passwords;
use crate::store::{Conn, UtcTime};

/// The hash of an operator's password: Argon2id in PHC form.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Conn, operator: &OperatorId) -> Result<Option<String>> {
    Ok(operator_passwords::table.find(operator).select(operator_passwords::hash).first(conn).optional()?)
}

/// When the operator's password was last changed; `None` without one.
///
/// # Errors
/// When the database fails.
pub(super) fn changed_at(conn: &mut Conn, operator: &OperatorId) -> Result<Option<UtcTime>> {
    Ok(operator_passwords::table.find(operator).select(operator_passwords::changed_at).first(conn).optional()?)
}

/// Stores the hash of an operator's new password.
///
/// # Errors
/// When the database fails.
pub(super) fn set(conn: &mut Conn, operator: &OperatorId, hash: &str, now: UtcTime) -> Result<()> {
    let set = (operator_passwords::hash.eq(hash), operator_passwords::changed_at.eq(now));
    if diesel::update(operator_passwords::table.find(operator)).set(set).execute(conn)? == 0 {
        let row = (operator_passwords::operator_id.eq(operator), set.0, set.1);
        diesel::insert_into(operator_passwords::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// Replaces the hash by one of the same password with today's parameters.
///
/// # Errors
/// When the database fails.
pub fn rehash(conn: &mut Conn, operator: &OperatorId, hash: &str) -> Result<()> {
    let row = operator_passwords::table.find(operator);
    diesel::update(row).set(operator_passwords::hash.eq(hash)).execute(conn)?;
    Ok(())
}
