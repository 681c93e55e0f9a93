//! New passwords of operators.

use diesel::prelude::*;

use super::{OperatorId, find};
use crate::domain::audit::Action;
use crate::domain::identity::{session, stored_password};
use crate::error::Result;
use crate::store::Tx;
use crate::store::schema::password_links;

/// Replaces an operator's password and ends all their sessions (ASVS 7.4.3), and a link for a
/// new one: whoever has it could undo the change.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown operator.
pub fn set_password(tx: &mut Tx<'_>, id: &OperatorId, hash: &str) -> Result<()> {
    let operator = find(tx, id)?;
    let now = tx.now();
    stored_password::set(tx, id, hash, now)?;
    session::end_all(tx, id)?;
    let unused = password_links::table.find(id).filter(password_links::used_at.is_null());
    diesel::delete(unused).execute(tx.conn())?;
    let event = operator.event_of_account(tx, Action::OperatorPasswordChanged)?;
    tx.audit(event.done())
}
