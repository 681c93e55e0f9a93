//! The catalogue of a service: the scopes that its keys can have.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::api_key::{Scopes, is_scope, lock_with_scope, take_scope_from_all};
use super::audit::{self, Action, EventBuilder, TargetKind};
use super::{management, service, text};
use crate::error::{Error, FieldErrors, Result};
use crate::store::schema::{service_scopes, services};
use crate::store::{Conn, Tx};

/// The most scopes of a service, so that one form can offer all of them.
pub const MAX_SERVICE_SCOPES: usize = 50;
const MAX_DESCRIPTION_CHARS: usize = 200;

/// The SMS API's scope for sending, and for asking what it would cost.
pub const MESSAGES_SEND: &str = "messages.send";
/// The SMS API's scope for reading what was sent.
pub const MESSAGES_READ: &str = "messages.read";
/// The SMS API's scope for reading the balance.
pub const BALANCE_READ: &str = "balance.read";

/// The scopes of the SMS service, which Keyfob's own API asks for.
pub const SMS_SCOPES: [(&str, &str); 3] = [
    (MESSAGES_SEND, "Send messages and estimate what they cost"),
    (MESSAGES_READ, "List messages and read what became of them"),
    (BALANCE_READ, "Read how many credits are left"),
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

/// A valid form for a new scope.
#[derive(Debug)]
pub struct NewServiceScope {
    name: String,
    description: String,
}

impl NewServiceScope {
    /// Validates a submitted form.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every invalid field.
    pub fn parse(name: &str, description: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let name = errors.collect(parse_name(name))?;
        let description = errors.collect(parse_description(description))?;
        match (name, description) {
            (Some(name), Some(description)) => Ok(Self { name, description }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

fn parse_name(typed: &str) -> Result<String> {
    let typed = typed.trim();
    if is_scope(typed) {
        return Ok(typed.to_owned());
    }
    let rule = "Use 1 to 64 lower-case letters, digits, or . _ : - after the first, such as invoices.read.";
    Err(Error::invalid("scope", if typed.is_empty() { "Scope is required." } else { rule }))
}

/// Validates the sentence of a scope: one line of 1 to 200 characters.
///
/// # Errors
/// [`Error::Invalid`] for `description`.
pub fn parse_description(typed: &str) -> Result<String> {
    text::line("description", "What it allows", MAX_DESCRIPTION_CHARS, typed)
}

/// Whether Keyfob's own API asks for this scope, so that it can't be removed.
#[must_use]
pub fn is_built_in(service: &str, name: &str) -> bool {
    service == management::SERVICE || service == "sms" && SMS_SCOPES.iter().any(|(built_in, _)| *built_in == name)
}

/// The scopes of a service, by name.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, service: &str) -> Result<Vec<ServiceScope>> {
    Ok(service_scopes::table.filter(service_scopes::service.eq(service)).order(service_scopes::name).load(conn)?)
}

/// One scope of a service.
///
/// # Errors
/// [`Error::NotFound`] for an unknown service or scope.
pub fn find(conn: &mut Conn, service: &str, name: &str) -> Result<ServiceScope> {
    Ok(service_scopes::table.find((service, name)).first(conn)?)
}

/// Starts the event of a change to a service's scopes; its field is the scope's name.
fn event(conn: &mut Conn, action: Action, service: &str) -> Result<EventBuilder> {
    let service = service::find_managed(conn, service)?;
    Ok(audit::event(action, TargetKind::Service, &service.slug, &service.name))
}

/// Adds a scope to a service; the same one again changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown service, [`Error::Invalid`] for a name that is
/// taken or beyond [`MAX_SERVICE_SCOPES`].
pub fn add(tx: &mut Tx<'_>, service: &str, new: NewServiceScope) -> Result<()> {
    let event = event(tx, Action::ServiceScopeAdded, service)?;
    let NewServiceScope { name, description } = new;
    let known = list(tx, service)?;
    if let Some(same) = known.iter().find(|scope| scope.name == name) {
        return if same.description == description { Ok(()) } else { Err(taken(&name)) };
    }
    if known.len() >= MAX_SERVICE_SCOPES {
        return Err(Error::invalid("scope", format!("{MAX_SERVICE_SCOPES} scopes are the most for a service.")));
    }
    let scope = ServiceScope { service: service.to_owned(), name, description };
    match diesel::insert_into(service_scopes::table).values(&scope).execute(tx.conn()) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => return Err(taken(&scope.name)),
        inserted => inserted?,
    };
    tx.audit(event.field(&scope.name, "", &scope.description).done())
}

fn taken(name: &str) -> Error {
    Error::invalid("scope", format!("This service already has the scope “{name}”."))
}

/// Changes the sentence of a scope. Its name stays: doors ask for it.
///
/// # Errors
/// [`Error::NotFound`] for an unknown service or scope.
pub fn describe(tx: &mut Tx<'_>, service: &str, name: &str, description: &str) -> Result<()> {
    let before = find(tx, service, name)?;
    if before.description == description {
        return Ok(());
    }
    let event = event(tx, Action::ServiceScopeChanged, service)?;
    let scope = service_scopes::table.find((service, name));
    diesel::update(scope).set(service_scopes::description.eq(description)).execute(tx.conn())?;
    tx.audit(event.field(name, &*before.description, description).done())
}

/// Locks the service until the commit: of a key that gets a scope and the removal of the
/// scope, one sees the other.
fn lock(conn: &mut Conn, service: &str) -> Result<()> {
    diesel::update(services::table.find(service)).set(services::name.eq(services::name)).execute(conn)?;
    Ok(())
}

/// Removes a scope from a service and from every key that has it. Gives the number of
/// those keys.
///
/// # Errors
/// [`Error::NotFound`] for an unknown service or scope, [`Error::Invalid`] for `scope`
/// when Keyfob's own API asks for it.
pub fn remove(tx: &mut Tx<'_>, service: &str, name: &str) -> Result<usize> {
    if is_built_in(service, name) {
        let why = format!("Keyfob’s own API asks for {name}, so it can’t be deleted.");
        return Err(Error::invalid("scope", why));
    }
    let ServiceScope { description, .. } = find(tx, service, name)?;
    let event = event(tx, Action::ServiceScopeRemoved, service)?;
    // Keys before the service, as a change of a key's scopes locks them, so that the two never wait for each other.
    lock_with_scope(tx, service, name)?;
    lock(tx, service)?;
    diesel::delete(service_scopes::table.find((service, name))).execute(tx.conn())?;
    let keys = take_scope_from_all(tx, service, name)?;
    tx.audit(event.field(name, &*description, "").done())?;
    Ok(keys)
}

/// Checks that a service has all of these scopes, which it keeps until the commit.
///
/// # Errors
/// [`Error::Invalid`] for `scopes`, which names those that there are.
pub fn require_known(tx: &mut Tx<'_>, service: &str, scopes: &Scopes) -> Result<()> {
    if service == management::SERVICE {
        scopes.require_named()?;
    }
    if scopes.is_full() {
        return Ok(());
    }
    lock(tx, service)?;
    let known = list(tx, service)?;
    let is_known = |name: &str| known.iter().any(|scope| scope.name == name);
    let Some(unknown) = scopes.names().find(|name| !is_known(name)) else { return Ok(()) };
    let names: Vec<&str> = known.iter().map(|scope| scope.name.as_str()).collect();
    let there_are = match &*names {
        [] => "It has none yet; add them on the service's page.".to_owned(),
        names => format!("It has {}.", names.join(", ")),
    };
    Err(Error::invalid("scopes", format!("This service has no scope “{unknown}”. {there_are}")))
}

/// Adds the scopes of management keys that are missing; a later version may have more.
pub(super) fn ensure_management(conn: &mut Conn) -> Result<()> {
    let known = list(conn, management::SERVICE)?;
    for scope in management::ManagementScope::VARIANTS {
        if known.iter().all(|known| known.name != scope.as_str()) {
            insert_built_in(conn, management::SERVICE, scope.as_str(), scope.description())?;
        }
    }
    Ok(())
}

pub(super) fn ensure_sms(conn: &mut Conn) -> QueryResult<()> {
    SMS_SCOPES.iter().try_for_each(|(name, description)| insert_built_in(conn, "sms", name, description))
}

fn insert_built_in(conn: &mut Conn, service: &str, name: &str, description: &str) -> QueryResult<()> {
    let scope =
        ServiceScope { service: service.to_owned(), name: name.to_owned(), description: description.to_owned() };
    diesel::insert_into(service_scopes::table).values(&scope).execute(conn).map(drop)
}
