//! Which operators work for which account, and as what.

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
        /// Everything but people and settings of the instance.
        Admin = "admin",
        /// Looking.
        Viewer = "viewer",
    }
}

/// An operator's place in an account.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = memberships)]
pub struct Membership {
    /// Who.
    pub operator_id: OperatorId,
    /// For which account.
    pub account_id: AccountId,
    /// As what.
    pub role: Role,
    /// Since when.
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
