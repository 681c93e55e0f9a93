//! The page of a service: its name, and the scopes that its keys can have.

use askama::Template;

use crate::dashboard::frame::layout::Shell;
use crate::domain::service::{self, Service};
use crate::domain::service_scope::{self, MAX_SERVICE_SCOPES, ServiceScope};
use crate::error::{FieldErrors, Result};
use crate::http::State;

/// `service/page.html`
#[derive(Template)]
#[template(path = "service/page.html")]
pub(super) struct ServicePage {
    shell: Shell,
    pub(super) form: NameFormView,
    pub(super) scopes: ScopesView,
}

/// The form of the name, as the service is or as it was filled in.
pub(super) struct NameFormView {
    pub(super) service: Service,
    pub(super) name: String,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
    /// Whether the page opens with the cursor in it.
    pub(super) has_focus: bool,
}

impl NameFormView {
    /// The form as the service is.
    pub(super) fn of(service: Service) -> Self {
        let name = service.name.clone();
        Self { service, name, errors: FieldErrors::default(), alert: None, has_focus: false }
    }
}

/// The catalogue, and the form that adds to it.
pub(super) struct ScopesView {
    rows: Vec<ScopeRow>,
    /// The names that Keyfob's own API asks for, as a list in a sentence.
    built_in: Option<String>,
    is_full: bool,
    pub(super) form: ScopeFormView,
}

/// A scope in the table.
struct ScopeRow {
    name: String,
    description: String,
    is_built_in: bool,
}

/// The form of a new scope, empty or as it was filled in.
#[derive(Default)]
pub(super) struct ScopeFormView {
    pub(super) scope: String,
    pub(super) description: String,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
}

impl ScopeFormView {
    /// Whether it was filled in, so that it must be in sight.
    fn is_open(&self) -> bool {
        !self.scope.is_empty() || !self.description.is_empty() || !self.errors.is_empty() || self.alert.is_some()
    }
}

impl ScopesView {
    fn new(scopes: Vec<ServiceScope>) -> Self {
        let is_full = scopes.len() >= MAX_SERVICE_SCOPES;
        let row = |ServiceScope { service, name, description }| {
            let is_built_in = service_scope::is_built_in(&service, &name);
            ScopeRow { name, description, is_built_in }
        };
        let rows: Vec<ScopeRow> = scopes.into_iter().map(row).collect();
        let built_in: Vec<&str> = rows.iter().filter(|row| row.is_built_in).map(|row| &*row.name).collect();
        let built_in = built_in.split_last().map(|(last, others)| match others {
            [] => (*last).to_owned(),
            others => format!("{} and {last}", others.join(", ")),
        });
        Self { rows, built_in, is_full, form: ScopeFormView::default() }
    }
}

impl ServicePage {
    /// The page as the service is.
    pub(super) async fn read(state: &State, shell: Shell, slug: String) -> Result<Self> {
        let read =
            state.store.read(move |conn| Ok((service::find_managed(conn, &slug)?, service_scope::list(conn, &slug)?)));
        let (service, scopes) = read.await?;
        Ok(Self { shell, form: NameFormView::of(service), scopes: ScopesView::new(scopes) })
    }
}
