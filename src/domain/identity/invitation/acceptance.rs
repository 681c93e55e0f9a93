//! Accepting invitations: looked at as often as somebody likes, used once.

use diesel::prelude::*;

use super::creation::is_member;
use super::record::{Invitation, OpenInvitation, OpenRow};
use crate::domain::identity::link_token::LinkToken;
use crate::domain::identity::operator::{self, NewOperator, Operator, OperatorId, normalize_email};
use crate::error::{Error, Result};
use crate::store::schema::{invitations, operators};
use crate::store::{Conn, Tx, UtcTime};

/// The invitation with this token.
///
/// # Errors
/// [`Error::NotFound`] for an unknown token, and for an invitation that was used or withdrawn or
/// has ended.
pub fn find_open(conn: &mut Conn, token: &LinkToken, now: UtcTime) -> Result<OpenInvitation> {
    let row: OpenRow = invitations::table
        .left_join(operators::table)
        .filter(invitations::digest.eq(token.digest()))
        .filter(invitations::used_at.is_null())
        .filter(invitations::expires_at.gt(now))
        .select((Invitation::as_select(), operators::name.nullable()))
        .first(conn)?;
    Ok(row.into())
}

/// Uses an invitation for a new operator.
///
/// # Errors
/// As [`find_open`]; [`Error::Invalid`] for `email` when it is not the invited one or is taken.
pub fn accept(tx: &mut Tx<'_>, token: &LinkToken, new: NewOperator) -> Result<Operator> {
    let invitation = redeem(tx, token)?;
    require_invited(&invitation, &new.email)?;
    if is_member(tx, &invitation.account_id, &new.email)? {
        return Err(Error::invalid("email", "Somebody with this address is already in. Log in instead."));
    }
    match operator::create(tx, &invitation.account_id, invitation.role, new) {
        Err(Error::Invalid(_)) => Err(Error::invalid(
            "email",
            "This address has an account on this server. Log in with it, then open this link again.",
        )),
        created => created,
    }
}

/// Uses an invitation for somebody who is an operator already.
///
/// # Errors
/// As [`find_open`]; [`Error::Invalid`] for `email` when it is not the invited one, or its owner
/// is in already.
pub fn join(tx: &mut Tx<'_>, token: &LinkToken, id: &OperatorId) -> Result<Operator> {
    let invitation = redeem(tx, token)?;
    let operator = operator::find(tx, id)?;
    require_invited(&invitation, &operator.email)?;
    if is_member(tx, &invitation.account_id, &operator.email)? {
        return Err(Error::invalid("email", "You are already in."));
    }
    operator::join(tx, &invitation.account_id, invitation.role, &operator)?;
    Ok(operator)
}

/// Marks an invitation as used; the end of the transaction decides whether it stays so. Of
/// several requests at the same moment, all but one get [`Error::NotFound`].
fn redeem(tx: &mut Tx<'_>, token: &LinkToken) -> Result<Invitation> {
    let now = tx.now();
    let OpenInvitation { invitation, .. } = find_open(tx, token, now)?;
    let row = invitations::table.find(&invitation.id).filter(invitations::used_at.is_null());
    if diesel::update(row).set(invitations::used_at.eq(now)).execute(tx.conn())? == 0 {
        return Err(Error::NotFound); // a concurrent request used or ended it
    }
    Ok(invitation)
}

fn require_invited(invitation: &Invitation, email: &str) -> Result<()> {
    match &invitation.email {
        Some(invited) if normalize_email(invited) != normalize_email(email) => {
            Err(Error::invalid("email", format!("This invitation is for {invited}.")))
        }
        _ => Ok(()),
    }
}
