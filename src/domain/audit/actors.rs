//! Who may have made changes, to choose by.

use diesel::prelude::*;

use super::filter::{ActorChoice, AuditFilter, Reference};
use super::list;
use super::scope::AuditScope;
use crate::domain::account::AccountId;
use crate::error::Result;
use crate::store::Conn;
use crate::store::schema::{memberships, operators};

/// Somebody with an id.
#[derive(Debug, Clone, Queryable)]
pub struct NamedActor {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
}

/// The operators of an account by name, at most `limit`.
///
/// # Errors
/// When the database fails.
pub fn operators(conn: &mut Conn, account: &AccountId, limit: i64) -> Result<Vec<NamedActor>> {
    let members = memberships::table.filter(memberships::account_id.eq(account)).select(memberships::operator_id);
    let rows = operators::table.filter(operators::id.eq_any(members)).order((operators::name, operators::id));
    Ok(rows.limit(limit).select((operators::id, operators::name)).load(conn)?)
}

/// The name under which an actor made the newest change that may be seen.
///
/// # Errors
/// When the database fails.
pub fn last_name(conn: &mut Conn, scope: &AuditScope, actor: &Reference) -> Result<Option<String>> {
    let filter = AuditFilter { actor: Some(ActorChoice::Id(actor.clone())), ..AuditFilter::default() };
    let rows = list::list(conn, scope, &filter, None, 1)?.rows;
    Ok(rows.into_iter().next().map(|row| row.actor_name))
}
