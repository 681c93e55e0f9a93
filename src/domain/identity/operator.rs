//! An operator is a person who logs in to the dashboard.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::session;
use crate::domain::account::AccountId;
use crate::domain::id::id;
use crate::domain::text;
use crate::error::{Error, Result};
use crate::store::schema::operators;
use crate::store::{Conn, UtcTime};

id! {
    /// Names an operator.
    OperatorId = "op_"
}

/// Somebody who may log in.
#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = operators)]
pub struct Operator {
    /// Its id.
    pub id: OperatorId,
    /// The account it works for.
    pub account_id: AccountId,
    /// What it logs in with; unique, lower case.
    pub email: String,
    /// What it is called on screen.
    pub name: String,
    /// Argon2id in PHC form.
    pub password_hash: String,
    /// When it was made.
    pub created_at: UtcTime,
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Operator").field(&self.id).finish()
    }
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

/// Makes an operator.
///
/// # Errors
/// [`Error::Invalid`] for `email` when it is taken.
pub fn create(conn: &mut Conn, operator: &Operator) -> Result<()> {
    match diesel::insert_into(operators::table).values(operator).execute(conn) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            Err(Error::invalid("email", "There is an operator with this e-mail address already."))
        }
        other => Ok(other.map(drop)?),
    }
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

/// Gives an operator another name.
///
/// # Errors
/// When the database fails.
pub fn rename(conn: &mut Conn, id: &OperatorId, name: &str) -> Result<()> {
    diesel::update(operators::table.find(id)).set(operators::name.eq(name)).execute(conn)?;
    Ok(())
}

/// Gives an operator another password and ends every session of theirs
/// (ASVS 7.4.3).
///
/// # Errors
/// When the database fails.
pub fn set_password(conn: &mut Conn, id: &OperatorId, hash: &str) -> Result<()> {
    keep_hash(conn, id, hash)?;
    session::end_all(conn, id)
}

/// Keeps another hash of the same password.
///
/// # Errors
/// When the database fails.
pub fn keep_hash(conn: &mut Conn, id: &OperatorId, hash: &str) -> Result<()> {
    diesel::update(operators::table.find(id)).set(operators::password_hash.eq(hash)).execute(conn)?;
    Ok(())
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
