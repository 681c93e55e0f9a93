//! Other roles for operators.

use diesel::prelude::*;

use super::access_end::end_links_beyond;
use super::guard::{lock_people, require_another, require_other_owner};
use super::member::{Member, find_member};
use super::record::OperatorId;
use crate::domain::account::membership::Role;
use crate::domain::account::{AccountId, Permission};
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::Tx;
use crate::store::schema::memberships;

const OWN_ROLE: &str = "You can't change your own role. Ask another owner.";

/// Gives an operator another role in an account. Returns the member as it is then, and whether
/// anything changed.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for somebody who is not in;
/// [`Error::Invalid`](crate::error::Error::Invalid) for `operator` when it is the actor's own
/// role, or the last owner's.
pub fn change_role(tx: &mut Tx<'_>, account: &AccountId, id: &OperatorId, role: Role) -> Result<(Member, bool)> {
    lock_people(tx, account, Permission::ManagePeople)?;
    let member = find_member(tx, account, id)?;
    if member.role == role {
        return Ok((member, false));
    }
    require_another(tx, id, OWN_ROLE)?;
    require_other_owner(tx, account, &member)?;
    let row = memberships::table.find((id, account));
    diesel::update(row).set(memberships::role.eq(role)).execute(tx.conn())?;
    end_links_beyond(tx, account, id, role)?;
    let event = member.operator.event(Action::OperatorRoleChanged).of(account);
    tx.audit(event.field("role", member.role.as_str(), role.as_str()).done())?;
    Ok((Member { role, ..member }, true))
}
