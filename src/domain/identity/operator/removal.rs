//! Removing operators from an account.

use diesel::prelude::*;

use super::access_end::end_access;
use super::guard::{lock_people, require_another, require_other_owner};
use super::member::{find_member, has_membership};
use super::record::{Operator, OperatorId};
use crate::domain::account::{AccountId, Permission};
use crate::domain::audit::{Action, TargetKind};
use crate::error::Result;
use crate::store::schema::{
    api_keys, audit_events, ledger_entries, login_notices, memberships, operator_passwords, operators, second_factors,
};
use crate::store::{Conn, Tx};

const ONESELF: &str = "You can't remove yourself. Ask another owner.";

/// Removes an operator from an account. Without another account nothing of theirs is left but
/// their name, where keys or credits have it.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for somebody who is not in;
/// [`Error::Invalid`](crate::error::Error::Invalid) for `operator` when it is the actor or the
/// last owner.
pub fn remove(tx: &mut Tx<'_>, account: &AccountId, id: &OperatorId) -> Result<Operator> {
    lock_people(tx, account, Permission::ManagePeople)?;
    let member = find_member(tx, account, id)?;
    require_another(tx, id, ONESELF)?;
    require_other_owner(tx, account, &member)?;
    end_access(tx, account, id)?;
    diesel::delete(memberships::table.find((id, account))).execute(tx.conn())?;
    if !has_membership(tx, id)? {
        diesel::delete(operator_passwords::table.find(id)).execute(tx.conn())?;
        diesel::delete(second_factors::table.find(id)).execute(tx.conn())?;
        diesel::delete(login_notices::table.filter(login_notices::operator_id.eq(id))).execute(tx.conn())?;
        if !is_named(tx, id)? {
            diesel::delete(operators::table.find(id)).execute(tx.conn())?;
        }
    }
    let event = member.operator.event(Action::OperatorRemoved).of(account);
    tx.audit(event.field("role", member.role.as_str(), "").done())?;
    Ok(member.operator)
}

/// Whether keys or credits have the operator as their maker.
fn is_named(conn: &mut Conn, id: &OperatorId) -> Result<bool> {
    let keys: i64 = api_keys::table.filter(api_keys::created_by.eq(id)).count().get_result(conn)?;
    let entries: i64 = ledger_entries::table.filter(ledger_entries::created_by.eq(id)).count().get_result(conn)?;
    Ok(keys + entries > 0)
}

/// The name under which somebody was removed from an account.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for somebody who never was.
pub fn removed_name(conn: &mut Conn, account: &AccountId, id: &OperatorId) -> Result<String> {
    Ok(audit_events::table
        .filter(audit_events::account_id.eq(account.as_str()))
        .filter(audit_events::target_id.eq(id.as_str()))
        .filter(audit_events::target_kind.eq(TargetKind::Operator.as_str()))
        .filter(audit_events::action.eq(Action::OperatorRemoved.as_str()))
        .order((audit_events::at.desc(), audit_events::id.desc()))
        .select(audit_events::target_name)
        .first(conn)?)
}
