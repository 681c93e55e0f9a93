//! Memberships: the accounts that an operator works for, and the role in each.

use diesel::prelude::*;

use super::AccountId;
use crate::domain::identity::operator::OperatorId;
use crate::error::Result;
use crate::store::schema::memberships;
use crate::store::types::text_enum;
use crate::store::{Conn, UtcTime};

text_enum! {
    /// What an operator may do for an account.
    Role {
        /// Everything.
        Owner = "owner",
        /// Everything except managing operators and the settings of the installation.
        Admin = "admin",
        /// Reading.
        Viewer = "viewer",
    }
}

/// A row of `memberships`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = memberships)]
pub struct Membership {
    /// The operator.
    pub operator_id: OperatorId,
    /// The account that the operator works for.
    pub account_id: AccountId,
    /// What the operator may do there.
    pub role: Role,
    /// When the membership began.
    pub created_at: UtcTime,
}

/// Takes an operator into an account.
///
/// # Errors
/// When the database fails.
pub fn create(conn: &mut Conn, membership: &Membership) -> Result<()> {
    diesel::insert_into(memberships::table).values(membership).execute(conn)?;
    Ok(())
}

/// The operator's first membership.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an operator without one.
pub fn of(conn: &mut Conn, operator: &OperatorId) -> Result<Membership> {
    let row = memberships::table.filter(memberships::operator_id.eq(operator));
    Ok(row.order((memberships::created_at, memberships::account_id)).first(conn)?)
}
