//! The people of an account.

use diesel::prelude::*;

use super::record::{Operator, OperatorId};
use crate::domain::account::AccountId;
use crate::domain::account::membership::{Membership, Role};
use crate::error::Result;
use crate::store::schema::{memberships, operators};
use crate::store::{Conn, UtcTime};

/// An operator as a member of one account.
#[derive(Debug, Clone)]
pub struct Member {
    /// The person.
    pub operator: Operator,
    /// What they may do for the account.
    pub role: Role,
    /// Since when they are in.
    pub joined_at: UtcTime,
}

impl From<(Operator, Membership)> for Member {
    fn from((operator, Membership { role, created_at, .. }): (Operator, Membership)) -> Self {
        Self { operator, role, joined_at: created_at }
    }
}

/// The people of an account, by name.
///
/// # Errors
/// When the database fails.
pub fn list_members(conn: &mut Conn, account: &AccountId) -> Result<Vec<Member>> {
    let rows: Vec<(Operator, Membership)> = operators::table
        .inner_join(memberships::table)
        .filter(memberships::account_id.eq(account))
        .order((operators::name, operators::id))
        .select((Operator::as_select(), Membership::as_select()))
        .load(conn)?;
    Ok(rows.into_iter().map(Member::from).collect())
}

/// One of the people of an account.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for somebody who is not in.
pub fn find_member(conn: &mut Conn, account: &AccountId, id: &OperatorId) -> Result<Member> {
    let row: (Operator, Membership) = operators::table
        .inner_join(memberships::table)
        .filter(memberships::account_id.eq(account))
        .filter(operators::id.eq(id))
        .select((Operator::as_select(), Membership::as_select()))
        .first(conn)?;
    Ok(row.into())
}

/// Whether an operator works for any account.
pub(super) fn has_membership(conn: &mut Conn, id: &OperatorId) -> Result<bool> {
    let count: i64 = memberships::table.filter(memberships::operator_id.eq(id)).count().get_result(conn)?;
    Ok(count > 0)
}

/// Whether an operator works for another account, too.
pub(super) fn has_other_account(conn: &mut Conn, account: &AccountId, id: &OperatorId) -> Result<bool> {
    let others = memberships::table.filter(memberships::operator_id.eq(id)).filter(memberships::account_id.ne(account));
    let count: i64 = others.count().get_result(conn)?;
    Ok(count > 0)
}
