//! New keys.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::bounds::{self, ManagementBounds};
use super::deletion;
use super::entry::ApiKeyEntry;
use super::expiry::Lifetimes;
use super::external_id::ExternalId;
use super::label::Label;
use super::last_use;
use super::metadata::Metadata;
use super::record::{ApiKey, ApiKeyId, KeyStatus};
use super::rules::KeyRules;
use super::secret::{KeySecret, Mode};
use super::stored_secret::StoredSecret;
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::domain::identity::operator::OperatorId;
use crate::domain::{management, service, service_scope};
use crate::error::{Error, FieldErrors, Result};
use crate::folded_text::search_columns;
use crate::store::schema::{api_keys, key_secrets};
use crate::store::{AuditEvent, Conn, Tx, UtcTime};

/// The validated form for a new key.
#[derive(Debug)]
pub struct NewApiKey {
    id: ApiKeyId,
    service: String,
    mode: Mode,
    name: String,
    description: String,
    rules: KeyRules,
    external_id: Option<ExternalId>,
    metadata: Metadata,
    bounds: Option<ManagementBounds>,
}

impl NewApiKey {
    /// Validates a submitted form.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every invalid field.
    pub fn parse(id: &str, service: &str, mode: &str, name: &str, description: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let id = id
            .parse()
            .map_err(|()| Error::invalid("key_id", "This form has expired. Check it and press Create again."));
        let id = errors.collect(id)?;
        let mode = mode.parse().map_err(|()| Error::invalid("mode", "Choose Live or Test."));
        let mode = errors.collect(mode)?;
        let label = errors.collect(Label::parse(name, description))?;
        match (id, mode, label) {
            (Some(id), Some(mode), Some(Label { name, description })) => Ok(Self {
                id,
                service: service.to_owned(),
                mode,
                name,
                description,
                rules: KeyRules::default(),
                external_id: None,
                metadata: Metadata::default(),
                bounds: None,
            }),
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// The same with other rules than the default ones.
    #[must_use]
    pub fn with_rules(self, rules: KeyRules) -> Self {
        Self { rules, ..self }
    }

    /// The slug of the service that it is for.
    pub(in crate::domain) fn service(&self) -> &str {
        &self.service
    }

    /// When it ends, what it may do, and from where.
    pub(in crate::domain) const fn rules(&self) -> &KeyRules {
        &self.rules
    }

    /// What a program calls it.
    pub(in crate::domain) const fn external_id(&self) -> Option<&ExternalId> {
        self.external_id.as_ref()
    }

    /// The same with what a program knows it by.
    #[must_use]
    pub fn with_reference(self, external_id: Option<ExternalId>, metadata: Metadata) -> Self {
        Self { external_id, metadata, ..self }
    }

    /// The same as a management key, which only the service of these keys has.
    #[must_use]
    pub fn with_bounds(self, bounds: ManagementBounds) -> Self {
        Self { bounds: Some(bounds), ..self }
    }
}

/// The result of submitting a form.
#[derive(Debug)]
pub enum Creation {
    /// A new key, and its secret, which is never shown again.
    Made(Box<ApiKeyEntry>, KeySecret),
    /// The form was submitted before and created its key then.
    Repeated,
}

/// Creates a key, enabled. `by` is the operator who creates it, where it is one.
///
/// # Errors
/// [`Error::NotFound`] for an unknown service, and for that of management keys unless the key
/// has bounds; [`Error::Invalid`] for an end that the
/// installation does not allow, for scopes that the service does not have, and for bounds with
/// services that there are not; when the database fails.
pub fn create(tx: &mut Tx<'_>, account: &AccountId, by: Option<&OperatorId>, new: NewApiKey) -> Result<Creation> {
    let service = service::find(tx, &new.service)?;
    if (service.slug == management::SERVICE) != new.bounds.is_some() {
        return Err(Error::NotFound);
    }
    let id = match owner_of(tx, &new.id)? {
        Some(owner) if owner == *account => return Ok(Creation::Repeated),
        // Another account's id. A new one is generated, so that the response does not reveal that it exists.
        Some(_) => ApiKeyId::mint(),
        None => new.id,
    };
    let KeyRules { expiry, scopes, allowed_ips } = new.rules;
    let mut errors = FieldErrors::default();
    let lifetimes = Lifetimes::read(tx)?;
    let lifetimes = if new.bounds.is_some() { lifetimes.for_management() } else { lifetimes };
    let expires_at = errors.collect(expiry.resolve(lifetimes, tx.now()))?;
    let known = errors.collect(service_scope::require_known(tx, &service.slug, &scopes))?;
    let bounded = errors.collect(new.bounds.as_ref().map_or(Ok(()), |bounds| bounds::check(tx, bounds, new.mode)))?;
    let (Some(expires_at), Some(()), Some(())) = (expires_at, known, bounded) else {
        return Err(Error::Invalid(errors));
    };
    let secret = KeySecret::generate(&service.key_prefix, new.mode)?;
    let key = ApiKey {
        id,
        account_id: account.clone(),
        service: service.slug.clone(),
        mode: new.mode,
        name: new.name,
        description: new.description,
        status: KeyStatus::Enabled,
        status_reason: None,
        created_by: by.cloned(),
        created_at: tx.now(),
        expires_at,
        version: 1,
        scopes,
        allowed_ips,
        external_id: new.external_id,
        metadata: new.metadata,
    };
    let (sort_name, search) =
        search_columns(&key.name, &key.description, key.external_id.as_ref().map(ExternalId::as_str));
    let stored = StoredSecret::of(&secret, &key.id, tx.now());
    // In a savepoint, since a concurrent submission of the same form may violate the unique id, and
    // PostgreSQL refuses every statement after an error until a rollback.
    let inserted = tx.transaction(|conn| {
        let search = (api_keys::sort_name.eq(sort_name), api_keys::search.eq(search));
        diesel::insert_into(api_keys::table).values((&key, search)).execute(conn)?;
        diesel::insert_into(key_secrets::table).values(&stored).execute(conn)?;
        if let Some(bounds) = &new.bounds {
            bounds::insert(conn, &key.id, bounds)?;
        }
        last_use::begin(conn, &key)
    });
    match inserted {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => return Ok(Creation::Repeated),
        inserted => inserted?,
    };
    tx.audit(created(&key, new.bounds.as_ref()))?;
    Ok(Creation::Made(Box::new(ApiKeyEntry::new(key, stored, service)), secret))
}

fn created(key: &ApiKey, bounds: Option<&ManagementBounds>) -> AuditEvent {
    let event = key
        .event(Action::ApiKeyCreated)
        .field("service", "", &key.service)
        .field("mode", "", key.mode.as_str())
        .field("expires_at", None, key.expires_at.map(UtcTime::rfc3339))
        .field("scopes", "", key.scopes.as_str())
        .field("allowed_ips", "", key.allowed_ips.as_str())
        .field("external_id", None, key.external_id.as_ref().map(ExternalId::as_str));
    match bounds {
        Some(bounds) => event
            .field("services", "", bounds.services.as_str())
            .field("grantable_scopes", "", bounds.grantable_scopes.as_str())
            .field("max_lifetime_days", None, bounds.max_lifetime_days),
        None => event,
    }
    .done()
}

/// The account whose key has this id, or had it before it was deleted.
fn owner_of(conn: &mut Conn, id: &ApiKeyId) -> Result<Option<AccountId>> {
    let owner = api_keys::table.find(id).select(api_keys::account_id).first(conn).optional()?;
    if owner.is_some() { Ok(owner) } else { deletion::owner(conn, id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_is_wrong_is_told_at_once() {
        let Err(Error::Invalid(errors)) = NewApiKey::parse("nonsense", "sms", "both", " ", &"x".repeat(501)) else {
            panic!("a wrong form was taken");
        };
        for field in ["key_id", "mode", "name", "description"] {
            assert!(errors.get(field).is_some(), "{field}");
        }
    }
}
