//! The catalogue of a service: the scopes that its keys can have.

use diesel::prelude::*;

use super::api_key::Scopes;
use crate::error::{Error, Result};
use crate::store::Conn;
use crate::store::schema::service_scopes;

/// The scopes of the SMS service, which Keyfob's own API asks for.
pub const SMS_SCOPES: [(&str, &str); 3] = [
    ("messages.send", "Send messages and estimate what they cost"),
    ("messages.read", "List messages and read what became of them"),
    ("balance.read", "Read how many credits are left"),
];

/// A row of `service_scopes`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = service_scopes)]
pub struct ServiceScope {
    /// The slug of the service.
    pub service: String,
    /// Its name in questions and answers, such as `messages.send`. It never changes.
    pub name: String,
    /// What it allows, in a sentence.
    pub description: String,
}

/// The scopes of a service, by name.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, service: &str) -> Result<Vec<ServiceScope>> {
    Ok(service_scopes::table.filter(service_scopes::service.eq(service)).order(service_scopes::name).load(conn)?)
}

/// Checks that a service has all of these scopes.
///
/// # Errors
/// [`Error::Invalid`] for `scopes`, which names those that there are.
pub fn require_known(conn: &mut Conn, service: &str, scopes: &Scopes) -> Result<()> {
    if scopes.is_full() {
        return Ok(());
    }
    let known = list(conn, service)?;
    let is_known = |name: &str| known.iter().any(|scope| scope.name == name);
    let Some(unknown) = scopes.names().find(|name| !is_known(name)) else { return Ok(()) };
    let names: Vec<&str> = known.iter().map(|scope| scope.name.as_str()).collect();
    let there_are = match &*names {
        [] => "It has none yet; add them on the service's page.".to_owned(),
        names => format!("It has {}.", names.join(", ")),
    };
    Err(Error::invalid("scopes", format!("This service has no scope “{unknown}”. {there_are}")))
}

pub(super) fn ensure_sms(conn: &mut Conn) -> QueryResult<()> {
    for (name, description) in SMS_SCOPES {
        let scope =
            ServiceScope { service: "sms".to_owned(), name: name.to_owned(), description: description.to_owned() };
        diesel::insert_into(service_scopes::table).values(&scope).execute(conn)?;
    }
    Ok(())
}
