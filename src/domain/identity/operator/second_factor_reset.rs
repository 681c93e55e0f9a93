//! Resetting the second factor of somebody else of an account.

use super::guard::{lock_people, require_another, require_no_other_account};
use super::member::find_member;
use super::record::OperatorId;
use crate::domain::account::{AccountId, Permission};
use crate::domain::identity::second_factor;
use crate::error::Result;
use crate::store::Tx;

const ONESELF: &str = "You can turn off your own second factor under Settings, with a code.";

/// Removes the second factor of a member who has lost it, and ends their sessions. Returns
/// whether there was one.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for somebody who is not in;
/// [`Error::Invalid`](crate::error::Error::Invalid) for `operator` when it is the actor, or
/// somebody who also works for another account.
pub fn reset_second_factor(tx: &mut Tx<'_>, account: &AccountId, id: &OperatorId) -> Result<bool> {
    lock_people(tx, account, Permission::ManagePeople)?;
    let member = find_member(tx, account, id)?;
    require_another(tx, id, ONESELF)?;
    require_no_other_account(tx, account, &member)?;
    second_factor::reset(tx, id)
}
