//! Ending invitations before their time.

use diesel::prelude::*;

use super::record::{Invitation, InvitationId};
use crate::domain::account::{AccountId, Permission};
use crate::domain::audit::Action;
use crate::domain::identity::operator::lock_people;
use crate::error::Result;
use crate::store::Tx;
use crate::store::schema::invitations;

/// Withdraws an invitation. Returns whether there was one that could be used.
///
/// # Errors
/// [`Error::Forbidden`](crate::error::Error::Forbidden) when the actor could not have made it.
pub fn withdraw(tx: &mut Tx<'_>, account: &AccountId, id: &InvitationId) -> Result<bool> {
    lock_people(tx, account, Permission::InvitePeople)?;
    let open = invitations::table
        .find(id)
        .filter(invitations::account_id.eq(account))
        .filter(invitations::used_at.is_null())
        .filter(invitations::expires_at.gt(tx.now()));
    let Some(invitation) = open.select(Invitation::as_select()).first::<Invitation>(tx.conn()).optional()? else {
        return Ok(false);
    };
    lock_people(tx, account, invitation.role.invitation_permission())?;
    let unused = invitations::table.find(id).filter(invitations::used_at.is_null());
    if diesel::delete(unused).execute(tx.conn())? == 0 {
        return Ok(false); // somebody joined at this moment
    }
    tx.audit(invitation.event(Action::OperatorInvitationWithdrawn).done())?;
    Ok(true)
}
