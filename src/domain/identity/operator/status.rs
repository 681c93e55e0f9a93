//! Disabling operators, and enabling them again.

use diesel::prelude::*;

use super::access_end::end_access;
use super::guard::{lock_people, require_another, require_no_other_account, require_other_owner_everywhere};
use super::member::{Member, find_member};
use super::record::OperatorId;
use crate::domain::account::{AccountId, Permission};
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::Tx;
use crate::store::schema::operators;

const ONESELF: &str = "You can't disable yourself. Ask another owner.";

/// Disables an operator: their sessions end, and they can't log in. Returns the member, and
/// whether anything changed.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for somebody who is not in;
/// [`Error::Invalid`](crate::error::Error::Invalid) for `operator` when it is the actor, the last
/// owner, or somebody who works for another account, too.
pub fn disable(tx: &mut Tx<'_>, account: &AccountId, id: &OperatorId) -> Result<(Member, bool)> {
    lock_people(tx, account, Permission::ManagePeople)?;
    let member = find_member(tx, account, id)?;
    if member.operator.disabled_at.is_some() {
        return Ok((member, false));
    }
    require_another(tx, id, ONESELF)?;
    require_no_other_account(tx, account, &member)?;
    require_other_owner_everywhere(tx, id)?;
    let now = tx.now();
    diesel::update(operators::table.find(id)).set(operators::disabled_at.eq(now)).execute(tx.conn())?;
    end_access(tx, account, id)?;
    tx.audit(member.operator.event(Action::OperatorDisabled).of(account).done())?;
    Ok((member, true))
}

/// Lets an operator log in again. Returns the member, and whether anything changed.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for somebody who is not in;
/// [`Error::Invalid`](crate::error::Error::Invalid) for `operator` when it is somebody who works
/// for another account, too.
pub fn enable(tx: &mut Tx<'_>, account: &AccountId, id: &OperatorId) -> Result<(Member, bool)> {
    lock_people(tx, account, Permission::ManagePeople)?;
    let member = find_member(tx, account, id)?;
    if member.operator.disabled_at.is_none() {
        return Ok((member, false));
    }
    require_no_other_account(tx, account, &member)?;
    let enabled = operators::disabled_at.eq(None::<i64>);
    diesel::update(operators::table.find(id)).set(enabled).execute(tx.conn())?;
    tx.audit(member.operator.event(Action::OperatorEnabled).of(account).done())?;
    Ok((member, true))
}
