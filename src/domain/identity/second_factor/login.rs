//! The second step of a login.

use super::check::{Proof, redeem};
use crate::domain::account::membership;
use crate::domain::audit::Action;
use crate::domain::identity::login_notice;
use crate::domain::identity::operator::{self, Operator, OperatorId};
use crate::domain::identity::stored_password;
use crate::domain::identity::throttle::Permit;
use crate::error::{Error, Result};
use crate::store::{Tx, UtcTime};

/// Completes the login of an operator who gave the right password at `password_given_at`,
/// with a code of their app or a recovery code.
///
/// # Errors
/// [`Error::Invalid`] for `code` when it is wrong or was used before;
/// [`Error::Unauthenticated`] when the password has been changed since or the operator may
/// not log in any more; [`Error::ChangedMeanwhile`] when the factor was removed meanwhile.
pub fn complete_login(
    tx: &mut Tx<'_>,
    id: &OperatorId,
    password_given_at: UtcTime,
    typed: &str,
    permit: Permit,
) -> Result<Operator> {
    let operator = operator::find(tx, id)?;
    membership::of(tx, id)?;
    let is_same_password = stored_password::changed_at(tx, id)?.is_some_and(|changed| changed <= password_given_at);
    if operator.disabled_at.is_some() || !is_same_password {
        return Err(Error::Unauthenticated);
    }
    let proof = redeem(tx, id, typed, permit)?;
    login_notice::announce(tx, id)?;
    let event = operator.event_of_account(tx, Action::OperatorLoggedIn)?;
    let event = match proof {
        Proof::App => event,
        Proof::RecoveryCode => event.field("second_factor", "", "recovery code"),
    };
    tx.audit(event.done())?;
    Ok(operator)
}
