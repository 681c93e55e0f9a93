//! New operators, and those who come back.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::member::has_membership;
use super::record::{Operator, OperatorId, find_by_email};
use crate::domain::account::AccountId;
use crate::domain::account::membership::{self, Membership, Role};
use crate::domain::audit::Action;
use crate::domain::identity::stored_password;
use crate::error::{Error, Result};
use crate::store::schema::operators;
use crate::store::{Conn, Tx};

/// The validated fields of a new operator.
pub struct NewOperator {
    /// Chosen by the caller, since a new operator is the actor of their own creation:
    /// [`id_for`] has the id of somebody who comes back.
    pub id: OperatorId,
    /// As returned by [`parse_email`](super::parse_email).
    pub email: String,
    /// As returned by [`parse_name`](super::parse_name).
    pub name: String,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

/// The id of the operator who is to have this address: a new one, or that of somebody who was
/// removed, whose name keys may still have.
///
/// # Errors
/// When the database fails.
pub fn id_for(conn: &mut Conn, email: &str) -> Result<OperatorId> {
    match find_by_email(conn, email) {
        Ok(operator) => Ok(operator.id),
        Err(Error::NotFound) => Ok(OperatorId::mint()),
        Err(error) => Err(error),
    }
}

/// Creates an operator with a password and a membership in `account`; one who was removed from
/// every account comes back.
///
/// # Errors
/// [`Error::Invalid`] for `email` when it is taken.
pub fn create(tx: &mut Tx<'_>, account: &AccountId, role: Role, new: NewOperator) -> Result<Operator> {
    let NewOperator { id, email, name, password_hash } = new;
    let now = tx.now();
    let operator = match find_by_email(tx, &email) {
        Ok(removed) => bring_back(tx, removed, &id, name)?,
        Err(Error::NotFound) => {
            insert(tx, Operator { id, email, name, created_at: now, disabled_at: None, last_seen_at: None })?
        }
        Err(error) => return Err(error),
    };
    join(tx, account, role, &operator)?;
    stored_password::set(tx, &operator.id, &password_hash, now)?;
    Ok(operator)
}

/// Takes an operator into an account.
///
/// # Errors
/// When the database fails.
pub fn join(tx: &mut Tx<'_>, account: &AccountId, role: Role, operator: &Operator) -> Result<()> {
    let now = tx.now();
    let membership =
        Membership { operator_id: operator.id.clone(), account_id: account.clone(), role, created_at: now };
    membership::create(tx, &membership)?;
    tx.audit(operator.event(Action::OperatorJoined).of(account).field("role", "", role.as_str()).done())
}

fn insert(tx: &mut Tx<'_>, operator: Operator) -> Result<Operator> {
    match diesel::insert_into(operators::table).values(&operator).execute(tx.conn()) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Err(taken()),
        inserted => Ok(inserted.map(|_| operator)?),
    }
}

fn bring_back(tx: &mut Tx<'_>, removed: Operator, id: &OperatorId, name: String) -> Result<Operator> {
    // Written before it is asked for memberships: somebody else who brings them back waits.
    let set = (operators::name.eq(&name), operators::disabled_at.eq(None::<i64>));
    diesel::update(operators::table.find(&removed.id)).set(set).execute(tx.conn())?;
    if removed.id != *id || has_membership(tx, id)? {
        return Err(taken());
    }
    Ok(Operator { name, disabled_at: None, ..removed })
}

fn taken() -> Error {
    Error::invalid("email", "An operator with this email address already exists.")
}
