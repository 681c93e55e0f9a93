//! The form for a new key: what is filled in, and how it is drawn.

use super::first_request::SMS;
use super::rules::choices::{AllowedIpsChoice, ExpiryChoice, ScopeChoice};
use super::rules::typed::TypedRules;
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::services::option::ServiceOption;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{Lifetimes, NewApiKey};
use crate::domain::{service, service_scope};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

/// The value of the form's `choose` that lets a service be chosen.
pub(super) const CHOOSE_SERVICE: &str = "service";
/// The fields under *More options*.
const FOLDED: [&str; 4] = ["mode", "expires_at", "scopes", "allowed_ips"];
/// The field that has the focus when nothing is wrong.
const FIRST_FIELD: &str = "name";

/// What is filled in.
#[derive(Default)]
pub(super) struct ApiKeyForm {
    pub(super) key_id: String,
    pub(super) service: String,
    /// `service`: it can be chosen in the form.
    pub(super) choose: String,
    mode: Option<String>,
    name: String,
    description: String,
    rules: TypedRules,
}

impl ApiKeyForm {
    /// The empty form.
    pub(super) fn for_service(service: String) -> Self {
        Self { service, ..Self::default() }
    }

    /// Reads a submitted form, or a draft of one.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a body that is no form.
    pub(super) fn read(body: &[u8]) -> Result<Self> {
        let mut form = Self::default();
        for (name, value) in parse_form::<Vec<(String, String)>>(body)? {
            match name.as_str() {
                "key_id" => form.key_id = value,
                "service" => form.service = value,
                "choose" => form.choose = value,
                "mode" => form.mode = Some(value),
                "name" => form.name = value,
                "description" => form.description = value,
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
        let mode = self.mode.as_deref().unwrap_or(Mode::Live.as_str());
        let new = NewApiKey::parse(&self.key_id, &self.service, mode, &self.name, &self.description);
        let mut errors = FieldErrors::default();
        let new = errors.collect(new)?;
        let rules = errors.collect(self.rules.parse())?;
        match (new, rules) {
            (Some(new), Some(rules)) => Ok(new.with_rules(rules)),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// The form, empty or as it was filled in.
pub(super) struct ApiKeyFormView {
    pub(super) key_id: String,
    /// The services to choose from; empty where the service is fixed.
    pub(super) services: Vec<ServiceOption>,
    pub(super) service_slug: String,
    pub(super) service_name: String,
    pub(super) is_test: bool,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) expiry: ExpiryChoice,
    pub(super) scopes: ScopeChoice,
    pub(super) allowed_ips: AllowedIpsChoice,
    /// Whether *More options* are open from the start.
    pub(super) is_open: bool,
    /// Whether htmx sends it, which puts the new key into the list that is open. On a
    /// page of its own there is none, and the form is a plain one.
    pub(super) is_part: bool,
    /// The field that has the focus.
    pub(super) focus: &'static str,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
}

impl ApiKeyFormView {
    /// The form as it was filled in, with what is wrong.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown service; when the database fails.
    pub(super) async fn read(
        state: &State,
        filled: ApiKeyForm,
        is_part: bool,
        errors: FieldErrors,
        alert: Option<String>,
    ) -> Result<Self> {
        let slug = if filled.service.is_empty() { SMS.to_owned() } else { filled.service };
        let chosen = slug.clone();
        let read = state
            .store
            .read(move |conn| Ok((service::list(conn)?, service_scope::list(conn, &chosen)?, Lifetimes::read(conn)?)));
        let (mut services, catalogue, lifetimes) = read.await?;
        services.sort_by_key(|service| service.slug != SMS);
        let found = services.iter().find(|service| service.slug == slug).cloned();
        let service = found.ok_or(Error::NotFound)?;
        let is_chosen = filled.choose == CHOOSE_SERVICE && services.len() > 1;
        let is_test = filled.mode.as_deref() == Some(Mode::Test.as_str());
        let rules = filled.rules;
        let expiry = ExpiryChoice::for_new_key(lifetimes, state.clock.now(), &rules.ends, &rules.ends_on);
        let is_filled = is_test || !rules.is_full() || !rules.allowed_ips.is_empty() || expiry.is_changed();
        let first_wrong =
            [FIRST_FIELD, "description"].into_iter().chain(FOLDED).find(|name| errors.get(name).is_some());
        Ok(Self {
            key_id: filled.key_id,
            services: if is_chosen { ServiceOption::list(services, Some(&slug)) } else { Vec::new() },
            service_slug: service.slug,
            service_name: service.name,
            is_test,
            name: filled.name,
            description: filled.description,
            expiry,
            scopes: ScopeChoice::typed(catalogue, rules.is_full(), &rules.scopes),
            allowed_ips: AllowedIpsChoice { text: rules.allowed_ips },
            is_open: is_filled || FOLDED.iter().any(|name| errors.get(name).is_some()),
            is_part,
            focus: first_wrong.unwrap_or(FIRST_FIELD),
            errors,
            alert,
        })
    }
}
