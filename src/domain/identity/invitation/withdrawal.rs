//! Ending invitations before their time.

use diesel::prelude::*;

use super::record::{Invitation, InvitationId};
use crate::domain::account::{AccountId, Permission};
use crate::domain::audit::Action;
use crate::domain::identity::operator::lock_people;
use crate::error::{Error, Result};
use crate::store::schema::{audit_events, invitations};
use crate::store::{Conn, Tx};

/// Withdraws an invitation. Returns whether it could still be used.
///
/// # Errors
/// [`Error::Forbidden`] when the actor could not have made it, [`Error::NotFound`] for one that
/// the account never made.
pub fn withdraw(tx: &mut Tx<'_>, account: &AccountId, id: &InvitationId) -> Result<bool> {
    lock_people(tx, account, Permission::InvitePeople)?;
    let open = invitations::table
        .find(id)
        .filter(invitations::account_id.eq(account))
        .filter(invitations::used_at.is_null())
        .filter(invitations::expires_at.gt(tx.now()));
    let Some(invitation) = open.select(Invitation::as_select()).first::<Invitation>(tx.conn()).optional()? else {
        return if was_made(tx, account, id)? { Ok(false) } else { Err(Error::NotFound) };
    };
    lock_people(tx, account, invitation.role.invitation_permission())?;
    let unused = invitations::table.find(id).filter(invitations::used_at.is_null());
    if diesel::delete(unused).execute(tx.conn())? == 0 {
        return Ok(false); // somebody joined at this moment
    }
    tx.audit(invitation.event(Action::OperatorInvitationWithdrawn).done())?;
    Ok(true)
}

/// Whether the account made an invitation, which may be gone by now.
fn was_made(conn: &mut Conn, account: &AccountId, id: &InvitationId) -> Result<bool> {
    let of_account = audit_events::table.filter(audit_events::account_id.eq(account.as_str()));
    let count: i64 = of_account.filter(audit_events::target_id.eq(id.as_str())).count().get_result(conn)?;
    Ok(count > 0)
}
