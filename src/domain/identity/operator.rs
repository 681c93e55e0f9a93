//! An operator is a person who logs in to the dashboard.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::{session, stored_password};
use crate::domain::account::AccountId;
use crate::domain::account::membership::{self, Membership, Role};
use crate::domain::audit::{self, Action, EventBuilder, TargetKind};
use crate::domain::id::id;
use crate::domain::text;
use crate::error::{Error, Result};
use crate::store::schema::operators;
use crate::store::{Conn, Tx, UtcTime};

id! {
    /// Names an operator.
    OperatorId = "op_"
}

/// Somebody who may log in.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = operators)]
pub struct Operator {
    /// Its id.
    pub id: OperatorId,
    /// What it logs in with; unique, lower case.
    pub email: String,
    /// What it is called on screen.
    pub name: String,
    /// When it was made.
    pub created_at: UtcTime,
}

impl Operator {
    fn event(&self, action: Action) -> EventBuilder {
        audit::event(action, TargetKind::Operator, self.id.as_str(), &self.name)
    }
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Operator").field(&self.id).finish()
    }
}

/// Somebody who is to become an operator.
pub struct NewOperator {
    /// Minted by the caller, who may be the new operator and so the actor of this change.
    pub id: OperatorId,
    /// Lower case, as [`parse_email`] gives it.
    pub email: String,
    /// As [`parse_name`] gives it.
    pub name: String,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

/// Reads an e-mail address: something around one `@`, at most 254 characters
/// (RFC 5321 §4.5.3.1), without spaces; lower case, so that it is found again.
///
/// # Errors
/// [`Error::Invalid`] for `email`.
pub fn parse_email(typed: &str) -> Result<String> {
    let email = typed.trim().to_lowercase();
    let looks_right =
        email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
            && email.chars().count() <= 254
            && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if looks_right {
        Ok(email)
    } else {
        Err(Error::invalid("email", "Enter an e-mail address, such as you@example.com."))
    }
}

/// Reads an operator's name: one line of 1 to 100 characters.
///
/// # Errors
/// [`Error::Invalid`] for `name`.
pub fn parse_name(typed: &str) -> Result<String> {
    text::line("name", "Your name", 100, typed)
}

/// Whether there is any operator yet.
///
/// # Errors
/// When the database fails.
pub fn exists(conn: &mut Conn) -> Result<bool> {
    let count: i64 = operators::table.count().get_result(conn)?;
    Ok(count > 0)
}

/// Makes an operator with a password, who works for `account`.
///
/// # Errors
/// [`Error::Invalid`] for `email` when it is taken.
pub fn create(tx: &mut Tx<'_>, account: &AccountId, role: Role, new: NewOperator) -> Result<Operator> {
    let NewOperator { id, email, name, password_hash } = new;
    let operator = Operator { id, email, name, created_at: tx.now() };
    match diesel::insert_into(operators::table).values(&operator).execute(tx.conn()) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            return Err(Error::invalid("email", "There is an operator with this e-mail address already."));
        }
        inserted => inserted?,
    };
    let now = tx.now();
    let membership =
        Membership { operator_id: operator.id.clone(), account_id: account.clone(), role, created_at: now };
    membership::create(tx, &membership)?;
    stored_password::set(tx, &operator.id, &password_hash, now)?;
    tx.audit(operator.event(Action::OperatorJoined).of(account).field("role", "", role.as_str()).done())?;
    Ok(operator)
}

/// The operator with this id.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub fn find(conn: &mut Conn, id: &OperatorId) -> Result<Operator> {
    Ok(operators::table.find(id).first(conn)?)
}

/// The operator with this address, in any case.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub fn find_by_email(conn: &mut Conn, email: &str) -> Result<Operator> {
    Ok(operators::table.filter(operators::email.eq(email.trim().to_lowercase())).first(conn)?)
}

/// Gives an operator another name; the same name changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown operator.
pub fn rename(tx: &mut Tx<'_>, id: &OperatorId, name: &str) -> Result<()> {
    let before = find(tx, id)?;
    if before.name == name {
        return Ok(());
    }
    diesel::update(operators::table.find(id)).set(operators::name.eq(name)).execute(tx.conn())?;
    tx.audit(before.event(Action::OperatorRenamed).field("name", &*before.name, name).done())
}

/// Gives an operator another password and ends every session of theirs
/// (ASVS 7.4.3).
///
/// # Errors
/// [`Error::NotFound`] for an unknown operator.
pub fn set_password(tx: &mut Tx<'_>, id: &OperatorId, hash: &str) -> Result<()> {
    let operator = find(tx, id)?;
    let now = tx.now();
    stored_password::set(tx, id, hash, now)?;
    session::end_all(tx, id)?;
    tx.audit(operator.event(Action::OperatorPasswordChanged).done())
}

/// Records that an operator logged in.
///
/// # Errors
/// When the database fails.
pub fn logged_in(tx: &mut Tx<'_>, operator: &Operator) -> Result<()> {
    tx.audit(operator.event(Action::OperatorLoggedIn).done())
}

/// Records that an operator logged out.
///
/// # Errors
/// When the database fails.
pub fn logged_out(tx: &mut Tx<'_>, operator: &Operator) -> Result<()> {
    tx.audit(operator.event(Action::SessionEnded).done())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trimmed_and_in_lower_case() {
        assert_eq!(parse_email(" Ada@Example.COM ").unwrap(), "ada@example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "a b@example.com",
            "a@b@c",
            "a@b\nc",
            &format!("{}@b", "a".repeat(300)),
        ] {
            assert!(parse_email(wrong).is_err(), "{wrong}");
        }
    }
}
