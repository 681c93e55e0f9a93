//! What holds before people of an account are changed, checked in the transaction of the change.

use diesel::prelude::*;

use super::member::{Member, find_member, has_other_account};
use super::record::{OperatorId, can_log_in};
use crate::domain::account::membership::Role;
use crate::domain::account::{AccountId, Permission};
use crate::error::{Error, Result};
use crate::store::schema::{accounts, memberships, operator_passwords, operators};
use crate::store::{ActorKind, Conn, Tx};

/// Lets changes of an account's people wait for each other, so that each sees what the other
/// did. An operator who makes the change needs the permission at this moment: they may have
/// lost it since their request came in.
///
/// # Errors
/// [`Error::Forbidden`] without the permission.
pub fn lock_people(tx: &mut Tx<'_>, account: &AccountId, permission: Permission) -> Result<()> {
    lock(tx, account)?;
    if tx.actor().kind != ActorKind::Operator {
        return Ok(());
    }
    let id = acting_operator(tx).ok_or(Error::Forbidden)?;
    match find_member(tx, account, &id) {
        Ok(member) if member.role.allows(permission) && member.operator.disabled_at.is_none() => Ok(()),
        Ok(_) | Err(Error::NotFound) => Err(Error::Forbidden),
        Err(error) => Err(error),
    }
}

fn lock(conn: &mut Conn, account: &AccountId) -> Result<()> {
    // Writing the row locks it on PostgreSQL; SQLite has one writer at a time anyway.
    diesel::update(accounts::table.find(account)).set(accounts::name.eq(accounts::name)).execute(conn)?;
    Ok(())
}

/// The operator who makes the change; `None` for a command and for Keyfob itself.
#[must_use]
pub fn acting_operator(tx: &Tx<'_>) -> Option<OperatorId> {
    let actor = tx.actor();
    actor.id.as_deref().filter(|_| actor.kind == ActorKind::Operator).and_then(|id| id.parse().ok())
}

/// Refuses a change that operators can't make to themselves.
pub(super) fn require_another(tx: &Tx<'_>, id: &OperatorId, sentence: &str) -> Result<()> {
    if acting_operator(tx).as_ref() == Some(id) { Err(refused(sentence)) } else { Ok(()) }
}

/// Refuses a change of one account's owner that would reach into another account. A command
/// may do it: whoever has the machine answers for all accounts.
///
/// # Errors
/// [`Error::Invalid`] for `operator`.
pub fn require_no_other_account(tx: &mut Tx<'_>, account: &AccountId, member: &Member) -> Result<()> {
    let id = &member.operator.id;
    if acting_operator(tx).is_some() && has_other_account(tx, account, id)? {
        let name = &member.operator.name;
        return Err(refused(&format!("{name} also works for another account. You can remove them from this one.")));
    }
    Ok(())
}

/// Refuses to lose the last owner of the account who can log in. Call it under [`lock_people`].
pub(super) fn require_other_owner(tx: &mut Tx<'_>, account: &AccountId, member: &Member) -> Result<()> {
    if member.role != Role::Owner || !can_log_in(tx, &member.operator)? {
        return Ok(());
    }
    let with_password = operator_passwords::table.select(operator_passwords::operator_id);
    let others: i64 = memberships::table
        .inner_join(operators::table)
        .filter(memberships::account_id.eq(account))
        .filter(memberships::role.eq(Role::Owner))
        .filter(operators::id.ne(&member.operator.id))
        .filter(operators::disabled_at.is_null())
        .filter(operators::id.eq_any(with_password))
        .count()
        .get_result(tx.conn())?;
    if others > 0 {
        return Ok(());
    }
    let name = &member.operator.name;
    Err(refused(&format!("{name} is the last owner who can log in. Make somebody else an owner first.")))
}

/// The same for every account of the operator, for a change that concerns all of them.
pub(super) fn require_other_owner_everywhere(tx: &mut Tx<'_>, id: &OperatorId) -> Result<()> {
    let of_operator = memberships::table.filter(memberships::operator_id.eq(id)).order(memberships::account_id);
    let accounts: Vec<AccountId> = of_operator.select(memberships::account_id).load(tx.conn())?;
    for account in accounts {
        lock(tx, &account)?;
        let member = find_member(tx, &account, id)?;
        require_other_owner(tx, &account, &member)?;
    }
    Ok(())
}

fn refused(sentence: &str) -> Error {
    Error::invalid("operator", sentence)
}
