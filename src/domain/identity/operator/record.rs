//! The rows of operators, without their passwords.

use diesel::prelude::*;
use unicode_normalization::UnicodeNormalization;

use crate::domain::account::AccountId;
use crate::domain::audit::{self, Action, EventBuilder, TargetKind};
use crate::domain::id::id;
use crate::domain::text;
use crate::error::{Error, Result};
use crate::store::schema::{memberships, operator_passwords, operators};
use crate::store::{Conn, Tx, UtcTime};

id! {
    /// The id of an operator.
    OperatorId = "op_"
}

/// A row of `operators`.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = operators)]
pub struct Operator {
    /// Its id.
    pub id: OperatorId,
    /// The address to log in with: unique, lower case.
    pub email: String,
    /// The name on screen.
    pub name: String,
    /// When the operator was created.
    pub created_at: UtcTime,
    /// Since when the operator can't log in.
    pub disabled_at: Option<UtcTime>,
    /// The last use of the dashboard, accurate to a minute.
    pub last_seen_at: Option<UtcTime>,
}

impl Operator {
    /// Starts an event of a change to the operator.
    pub(in crate::domain::identity) fn event(&self, action: Action) -> EventBuilder {
        audit::event(action, TargetKind::Operator, self.id.as_str(), &self.name)
    }

    /// An event of the account that the operator works for: other accounts do not see it.
    pub(in crate::domain::identity) fn event_of_account(
        &self,
        conn: &mut Conn,
        action: Action,
    ) -> Result<EventBuilder> {
        // Not through the domain's memberships, whose rows refer to operators.
        let row = memberships::table.filter(memberships::operator_id.eq(&self.id));
        let row = row.order((memberships::created_at, memberships::account_id)).select(memberships::account_id);
        let account: Option<AccountId> = row.first(conn).optional()?;
        let event = self.event(action);
        Ok(match account {
            Some(account) => event.of(&account),
            None => event,
        })
    }
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Operator").field(&self.id).finish()
    }
}

/// Validates an e-mail address: text on both sides of one `@`, at most 254
/// characters (RFC 5321 §4.5.3.1), no spaces. Returns it in lower case, since
/// people do not type their address in the same case every time.
///
/// # Errors
/// [`Error::Invalid`] for `email`.
pub fn parse_email(typed: &str) -> Result<String> {
    let email = normalize_email(typed);
    let looks_right =
        email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
            && email.chars().count() <= 254
            && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if looks_right {
        Ok(email)
    } else {
        Err(Error::invalid("email", "Enter an email address, for example you@example.com."))
    }
}

/// An address as it is compared: without what can't be seen, such as marks of
/// direction that come along from a contact list, in small letters, and each letter
/// composed in one way.
#[must_use]
pub fn normalize_email(typed: &str) -> String {
    text::plain(typed).to_lowercase().nfc().collect()
}

/// Validates an operator's name: one line of 1 to 100 characters.
///
/// # Errors
/// [`Error::Invalid`] for `name`.
pub fn parse_name(typed: &str) -> Result<String> {
    text::line("name", "Your name", 100, typed)
}

/// Whether an operator exists.
///
/// # Errors
/// When the database fails.
pub fn exists(conn: &mut Conn) -> Result<bool> {
    Ok(count(conn)? > 0)
}

/// How many operators there are.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn) -> Result<i64> {
    Ok(operators::table.count().get_result(conn)?)
}

/// Whether an operator can log in: enabled, and with a password.
///
/// # Errors
/// When the database fails.
pub fn can_log_in(conn: &mut Conn, operator: &Operator) -> Result<bool> {
    let password = operator_passwords::table.find(&operator.id);
    let count: i64 = password.count().get_result(conn)?;
    Ok(operator.disabled_at.is_none() && count > 0)
}

/// The operator with this id.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub fn find(conn: &mut Conn, id: &OperatorId) -> Result<Operator> {
    Ok(operators::table.find(id).first(conn)?)
}

/// The operator with this address, which may be in upper or lower case.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub fn find_by_email(conn: &mut Conn, email: &str) -> Result<Operator> {
    // Addresses from before they were normalized are stored as they were typed.
    let as_typed = operators::email.eq(email.trim().to_lowercase());
    let is_wanted = operators::email.eq(normalize_email(email)).or(as_typed);
    Ok(operators::table.filter(is_wanted).order(operators::id).first(conn)?)
}

/// Renames an operator; the same name changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown operator.
pub fn rename(tx: &mut Tx<'_>, id: &OperatorId, name: &str) -> Result<()> {
    let before = find(tx, id)?;
    if before.name == name {
        return Ok(());
    }
    diesel::update(operators::table.find(id)).set(operators::name.eq(name)).execute(tx.conn())?;
    let event = before.event_of_account(tx, Action::OperatorRenamed)?;
    tx.audit(event.field("name", &*before.name, name).done())
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
