//! Services: what a key gives access to. SMS exists from the start; operators create
//! others.

mod new_service;

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::account::AccountId;
use super::api_key::KeyStatus;
use super::audit::{self, Action, TargetKind};
use super::management;
use crate::error::{Error, FieldErrors, Result};
use crate::store::schema::{api_keys, services};
use crate::store::types::text_enum;
use crate::store::{Conn, Tx, UtcTime};

pub use new_service::{NewService, parse_name};

text_enum! {
    /// Whether the holder of a key may switch it off.
    SelfRevocation {
        /// With a request that the key itself authenticates.
        Allowed = "allowed",
        /// Only operators switch off keys.
        Refused = "refused",
    }
}

text_enum! {
    /// Whether a service is switched on.
    ServiceStatus {
        /// Its keys are accepted, as far as each of them is.
        Enabled = "enabled",
        /// All its keys are refused.
        Disabled = "disabled",
    }
}

/// A row of `services`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = services)]
pub struct Service {
    /// Its name in URLs and API responses, such as `sms`.
    pub slug: String,
    /// Its name on screen, such as `SMS`.
    pub name: String,
    /// The prefix of its keys. It never changes, or issued keys would be invalid.
    pub key_prefix: String,
    /// When it was created.
    pub created_at: UtcTime,
    /// Whether the holder of a key may switch it off.
    pub self_revocation: SelfRevocation,
    /// On or off.
    pub status: ServiceStatus,
}

impl Service {
    /// Whether all its keys are refused, whatever their own switches say.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.status == ServiceStatus::Disabled
    }

    /// Whether the holder of a key may switch it off.
    #[must_use]
    pub fn allows_self_revocation(&self) -> bool {
        self.self_revocation == SelfRevocation::Allowed
    }
}

/// Every service that operators manage, oldest first: all but that of management keys.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn) -> Result<Vec<Service>> {
    let mut services = list_all(conn)?;
    services.retain(|service| service.slug != management::SERVICE);
    Ok(services)
}

/// Every service that keys can be of, oldest first.
///
/// # Errors
/// When the database fails.
pub fn list_all(conn: &mut Conn) -> Result<Vec<Service>> {
    Ok(services::table.order((services::created_at, services::slug)).load(conn)?)
}

/// One service.
///
/// # Errors
/// [`Error::NotFound`] for an unknown slug.
pub fn find(conn: &mut Conn, slug: &str) -> Result<Service> {
    Ok(services::table.find(slug).first(conn)?)
}

/// One service that operators manage.
///
/// # Errors
/// [`Error::NotFound`] for an unknown slug, and for that of management keys.
pub fn find_managed(conn: &mut Conn, slug: &str) -> Result<Service> {
    find(conn, slug)
        .and_then(|service| if service.slug == management::SERVICE { Err(Error::NotFound) } else { Ok(service) })
}

/// The number of an account's keys by service; services without keys are left out.
///
/// # Errors
/// When the database fails.
pub fn count_keys(conn: &mut Conn, account: &AccountId) -> Result<HashMap<String, i64>> {
    let counts: Vec<(String, i64)> = api_keys::table
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::deleted_at.is_null())
        .group_by(api_keys::service)
        .select((api_keys::service, count_star()))
        .load(conn)?;
    Ok(counts.into_iter().collect())
}

/// Creates a service.
///
/// # Errors
/// [`Error::Invalid`] for a slug or a prefix that is taken.
pub fn create(tx: &mut Tx<'_>, new: NewService) -> Result<Service> {
    let NewService { name, slug, key_prefix } = new;
    let (self_revocation, status) = (SelfRevocation::Allowed, ServiceStatus::Enabled);
    let service = Service { slug, name, key_prefix, created_at: tx.now(), self_revocation, status };
    // In a savepoint: on PostgreSQL a violated constraint would end this transaction,
    // and the query for what is taken follows.
    match tx.transaction(|conn| insert(conn, &service)) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => return Err(taken(tx, &service)?),
        inserted => inserted?,
    }
    let event = audit::event(Action::ServiceCreated, TargetKind::Service, &service.slug, &service.name);
    tx.audit(event.field("key_prefix", "", &service.key_prefix).done())?;
    Ok(service)
}

fn taken(conn: &mut Conn, service: &Service) -> Result<Error> {
    let mut errors = FieldErrors::default();
    for other in list(conn)? {
        if other.slug == service.slug {
            errors.add("slug", format!("“{}” already has this slug.", other.name));
        }
        if other.key_prefix == service.key_prefix {
            errors.add("key_prefix", format!("“{}” already has this prefix.", other.name));
        }
    }
    Ok(Error::Invalid(errors))
}

fn insert(conn: &mut Conn, service: &Service) -> QueryResult<()> {
    diesel::insert_into(services::table).values(service).execute(conn).map(drop)
}

/// Renames a service; its slug and its prefix do not change.
///
/// # Errors
/// [`Error::NotFound`] for an unknown slug.
pub fn rename(tx: &mut Tx<'_>, slug: &str, name: &str) -> Result<()> {
    let before = find_managed(tx, slug)?;
    if before.name == name {
        return Ok(());
    }
    diesel::update(services::table.find(slug)).set(services::name.eq(name)).execute(tx.conn())?;
    let event = audit::event(Action::ServiceRenamed, TargetKind::Service, slug, &before.name);
    tx.audit(event.field("name", &*before.name, name).done())
}

/// Changes whether holders may switch off their keys.
///
/// # Errors
/// [`Error::NotFound`] for an unknown slug.
pub fn set_self_revocation(tx: &mut Tx<'_>, slug: &str, rule: SelfRevocation) -> Result<()> {
    let before = find_managed(tx, slug)?;
    if before.self_revocation == rule {
        return Ok(());
    }
    diesel::update(services::table.find(slug)).set(services::self_revocation.eq(rule)).execute(tx.conn())?;
    let event = audit::event(Action::ServiceSelfRevocationChanged, TargetKind::Service, slug, &before.name);
    tx.audit(event.field("self_revocation", before.self_revocation.as_str(), rule.as_str()).done())
}

/// Switches a service on or off, and with it all its keys; each key's own switch keeps its
/// place. Its present status changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown slug.
pub fn set_status(tx: &mut Tx<'_>, slug: &str, status: ServiceStatus) -> Result<Service> {
    find_managed(tx, slug)?;
    let row = services::table.find(slug).filter(services::status.ne(status));
    let changed = diesel::update(row).set(services::status.eq(status)).execute(tx.conn())?;
    let service = find_managed(tx, slug)?;
    if changed == 0 {
        return Ok(service);
    }
    tx.forget_all();
    let action = match status {
        ServiceStatus::Enabled => Action::ServiceEnabled,
        ServiceStatus::Disabled => Action::ServiceDisabled,
    };
    tx.audit(audit::event(action, TargetKind::Service, slug, &service.name).done())?;
    Ok(service)
}

/// How many keys of a service, of all accounts, are switched on.
///
/// # Errors
/// When the database fails.
pub fn count_enabled_keys(conn: &mut Conn, slug: &str) -> Result<i64> {
    let keys = api_keys::table.filter(api_keys::service.eq(slug)).filter(api_keys::status.eq(KeyStatus::Enabled));
    Ok(keys.filter(api_keys::deleted_at.is_null()).count().get_result(conn)?)
}

/// Creates SMS where there is no service yet. Returns whether it did.
pub(super) fn ensure_sms(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let is_first = list(conn)?.is_empty();
    if is_first {
        insert_built_in(conn, "sms", "SMS", now)?;
    }
    Ok(is_first)
}

/// Creates the service of management keys where it is missing. Returns whether it did.
pub(super) fn ensure_management(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let is_there = services::table.find(management::SERVICE).select(services::slug).first::<String>(conn).optional()?;
    if is_there.is_none() {
        insert_built_in(conn, management::SERVICE, management::SERVICE_NAME, now)?;
    }
    Ok(is_there.is_none())
}

fn insert_built_in(conn: &mut Conn, slug: &str, name: &str, now: UtcTime) -> QueryResult<()> {
    let service = Service {
        slug: slug.to_owned(),
        name: name.to_owned(),
        key_prefix: slug.to_owned(),
        created_at: now,
        self_revocation: SelfRevocation::Allowed,
        status: ServiceStatus::Enabled,
    };
    insert(conn, &service)
}
