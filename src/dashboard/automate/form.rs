//! The form for a new management key: what is filled in, and how it is drawn.

use crate::dashboard::api_keys::rules::choices::{AllowedIpsChoice, ExpiryChoice, ScopeChoice};
use crate::dashboard::api_keys::rules::typed::TypedRules;
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::services::option::ServiceOption;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{AllowedIps, KeyRules, Lifetimes, ManagementBounds, NewApiKey, Scopes, ServiceReach};
use crate::domain::{management, service};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

/// The value of `reach` and of `grants` for everything.
const ALL: &str = "all";
/// The value of `reach` and of `grants` for what is named.
const SOME: &str = "some";
/// The fields in the order of the form; those from the fifth on are under *More options*.
const FIELDS: [&str; 8] =
    ["name", "description", "scopes", "services", "expires_at", "grantable_scopes", "max_lifetime_days", "allowed_ips"];
const FIRST_FOLDED: usize = 5;

/// What is filled in.
#[derive(Default)]
pub(super) struct ManagementKeyForm {
    pub(super) key_id: String,
    name: String,
    description: String,
    /// Whether it manages the keys of all services, or of some.
    reach: String,
    services: Vec<String>,
    /// Whether it may give every scope, or some.
    grants: String,
    grantable_scopes: String,
    max_lifetime_days: String,
    rules: TypedRules,
}

impl ManagementKeyForm {
    /// Reads a submitted form, or a draft of one.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a body that is no form.
    pub(super) fn read(body: &[u8]) -> Result<Self> {
        let mut form = Self::default();
        for (name, value) in parse_form::<Vec<(String, String)>>(body)? {
            match name.as_str() {
                "key_id" => form.key_id = value,
                "name" => form.name = value,
                "description" => form.description = value,
                "reach" => form.reach = value,
                "services" => form.services.push(value),
                "grants" => form.grants = value,
                "grantable_scopes" => form.grantable_scopes = value,
                "max_lifetime_days" => form.max_lifetime_days = value,
                _ => form.rules.take(&name, value),
            }
        }
        Ok(form)
    }

    /// The key that is asked for.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every field that is wrong.
    pub(super) fn parse(&self) -> Result<NewApiKey> {
        let (service, mode) = (management::SERVICE, Mode::Live.as_str());
        let mut errors = FieldErrors::default();
        let new = errors.collect(NewApiKey::parse(&self.key_id, service, mode, &self.name, &self.description))?;
        let scopes = errors.collect(self.scopes())?;
        let bounds = errors.collect(self.bounds())?;
        let expiry = errors.collect(self.rules.expiry())?;
        let allowed_ips = errors.collect(AllowedIps::parse(&self.rules.allowed_ips))?;
        match (new, scopes, bounds, expiry, allowed_ips) {
            (Some(new), Some(scopes), Some(bounds), Some(expiry), Some(allowed_ips)) => {
                Ok(new.with_rules(KeyRules { expiry, scopes, allowed_ips }).with_bounds(bounds))
            }
            _ => Err(Error::Invalid(errors)),
        }
    }

    fn scopes(&self) -> Result<Scopes> {
        let scopes = Scopes::parse(self.rules.scopes.iter().map(String::as_str))?;
        scopes.require_named().map(|()| scopes)
    }

    fn bounds(&self) -> Result<ManagementBounds> {
        let mut errors = FieldErrors::default();
        // A form that says nothing never means everything.
        let services = match &*self.reach {
            ALL => Ok(ServiceReach::all()),
            _ => ServiceReach::parse(self.services.iter().map(String::as_str)),
        };
        let services = errors.collect(services)?;
        let scopes = match &*self.grants {
            ALL => Ok(Scopes::full()),
            _ => ManagementBounds::parse_grantable(
                self.grantable_scopes.split([' ', ',', '\n', '\r', '\t']).filter(|name| !name.is_empty()),
            ),
        };
        let scopes = errors.collect(scopes)?;
        let max_lifetime = errors.collect(ManagementBounds::parse_max_lifetime(&self.max_lifetime_days))?;
        match (services, scopes, max_lifetime) {
            (Some(services), Some(scopes), Some(days)) => ManagementBounds::new(services, scopes, days),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// The form, empty or as it was filled in.
pub(super) struct ManagementKeyFormView {
    pub(super) key_id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) scopes: ScopeChoice,
    pub(super) manages_all: bool,
    pub(super) services: Vec<ServiceOption>,
    pub(super) expiry: ExpiryChoice,
    pub(super) grants_all: bool,
    pub(super) grantable_scopes: String,
    pub(super) max_lifetime_days: String,
    pub(super) allowed_ips: AllowedIpsChoice,
    /// Whether *More options* are open from the start.
    pub(super) is_open: bool,
    /// Whether htmx sends it, which puts the new key into the list that is open.
    pub(super) is_part: bool,
    /// The field that has the focus.
    pub(super) focus: &'static str,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
}

impl ManagementKeyFormView {
    /// The form as it was filled in, with what is wrong.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn read(
        state: &State,
        filled: ManagementKeyForm,
        is_part: bool,
        errors: FieldErrors,
        alert: Option<String>,
    ) -> Result<Self> {
        let (services, lifetimes) =
            state.store.read(|conn| Ok((service::list(conn)?, Lifetimes::read(conn)?.for_management()))).await?;
        let rules = filled.rules;
        let is_only_service = services.len() == 1 && filled.reach.is_empty();
        let mut services = ServiceOption::list(services, None);
        for service in &mut services {
            service.selected = is_only_service || filled.services.contains(&service.slug);
        }
        let first_wrong = FIELDS.into_iter().find(|name| errors.get(name).is_some());
        let is_folded_filled =
            filled.grants == SOME || !filled.max_lifetime_days.is_empty() || !rules.allowed_ips.is_empty();
        Ok(Self {
            key_id: filled.key_id,
            name: filled.name,
            description: filled.description,
            scopes: ScopeChoice::of_management(&rules.scopes),
            manages_all: filled.reach == ALL,
            services,
            expiry: ExpiryChoice::for_new_key(lifetimes, state.clock.now(), &rules.ends, &rules.ends_on),
            grants_all: filled.grants != SOME,
            grantable_scopes: filled.grantable_scopes,
            max_lifetime_days: filled.max_lifetime_days,
            allowed_ips: AllowedIpsChoice { text: rules.allowed_ips },
            is_open: is_folded_filled || FIELDS[FIRST_FOLDED..].iter().any(|name| errors.get(name).is_some()),
            is_part,
            focus: first_wrong.unwrap_or(FIELDS[0]),
            errors,
            alert,
        })
    }
}
