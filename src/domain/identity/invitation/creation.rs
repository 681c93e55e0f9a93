//! Making invitations.

use diesel::prelude::*;

use super::record::{Invitation, InvitationId};
use crate::domain::account::AccountId;
use crate::domain::account::membership::Role;
use crate::domain::audit::Action;
use crate::domain::identity::link_token::LinkToken;
use crate::domain::identity::operator::{acting_operator, find_by_email, find_member, lock_people};
use crate::error::{Error, Result};
use crate::store::schema::invitations;
use crate::store::{Conn, Tx};

/// How long an invitation can be used, in seconds.
const INVITATION_SECONDS: i64 = 7 * 24 * 3_600;

/// Whom to invite.
#[derive(Debug)]
pub struct NewInvitation {
    /// What they may do.
    pub role: Role,
    /// As returned by [`parse_email`](crate::domain::identity::operator::parse_email); `None`
    /// for whoever has the link.
    pub email: Option<String>,
}

/// Makes an invitation. An open one for the same address ends.
///
/// # Errors
/// [`Error::Forbidden`] when the actor may not give this role; [`Error::Invalid`] for `email`
/// when its owner is in already.
pub fn create(tx: &mut Tx<'_>, account: &AccountId, new: NewInvitation) -> Result<(Invitation, LinkToken)> {
    let NewInvitation { role, email } = new;
    lock_people(tx, account, role.invitation_permission())?;
    let now = tx.now();
    if let Some(email) = &email {
        if is_member(tx, account, email)? {
            return Err(Error::invalid("email", format!("{email} is already in.")));
        }
        let same = invitations::table.filter(invitations::account_id.eq(account));
        let same = same.filter(invitations::email.eq(email)).filter(invitations::used_at.is_null());
        diesel::delete(same).execute(tx.conn())?;
    }
    // Every new invitation does so, which bounds the table without a task of its own.
    diesel::delete(invitations::table.filter(invitations::expires_at.le(now))).execute(tx.conn())?;
    let token = LinkToken::generate()?;
    let invitation = Invitation {
        id: InvitationId::mint(),
        digest: token.digest(),
        account_id: account.clone(),
        role,
        email,
        created_by: acting_operator(tx),
        created_at: now,
        expires_at: now.plus_seconds(INVITATION_SECONDS),
        used_at: None,
    };
    diesel::insert_into(invitations::table).values(&invitation).execute(tx.conn())?;
    tx.audit(invitation.event(Action::OperatorInvited).field("role", "", role.as_str()).done())?;
    Ok((invitation, token))
}

/// Whether the operator with this address is in the account.
pub(super) fn is_member(conn: &mut Conn, account: &AccountId, email: &str) -> Result<bool> {
    let found = find_by_email(conn, email).and_then(|operator| find_member(conn, account, &operator.id));
    match found {
        Ok(_) => Ok(true),
        Err(Error::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}
