//! The page of the installation's settings: a section for each form.

use actix_session::Session;
use askama::Template;
use serde::Deserialize;

use super::second_factor_rule_view::SecondFactorRuleView;
use super::shortening_view::ShorteningView;
use crate::dashboard::frame::layout::Shell;
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::Permission;
use crate::domain::api_key::{Lifetimes, Shortening};
use crate::domain::identity::second_factor::SecondFactorRule;
use crate::domain::installation;
use crate::domain::leak_report::LeakReportPolicy;
use crate::error::{FieldErrors, Result};
use crate::http::State;

/// The page, and the form of lifetimes on it.
pub(super) const PATH: &str = "/settings/instance";
/// The section with the name.
pub(super) const NAME_PATH: &str = "/settings/instance#name";

/// The whole page.
#[derive(Template)]
#[template(path = "settings/instance.html")]
pub(super) struct InstancePage {
    pub(super) shell: Shell,
    pub(super) name: NameSection,
    pub(super) lifetimes: LifetimesSection,
    pub(super) shortening: Option<ShorteningView>,
    pub(super) second_factor_rule: SecondFactorRuleView,
    pub(super) leak_reports: LeakReportPolicy,
}

/// The name of the installation.
#[derive(Default)]
pub(super) struct NameSection {
    pub(super) typed: String,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
}

/// How long keys last.
#[derive(Default)]
pub(super) struct LifetimesSection {
    pub(super) form: LifetimesForm,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
}

/// What is filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LifetimesForm {
    pub(super) default_lifetime_days: String,
    pub(super) max_lifetime_days: String,
}

impl LifetimesForm {
    fn of(rules: Lifetimes) -> Self {
        let write = |days: i64| if days == 0 { String::new() } else { days.to_string() };
        Self { default_lifetime_days: write(rules.default_days), max_lifetime_days: write(rules.max_days) }
    }
}

impl InstancePage {
    /// The page as it is saved.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn read(state: &State, who: &SignedIn, session: &Session) -> Result<Self> {
        let now = state.clock.now();
        let read = state.store.read(move |conn| {
            let (name, rule) = (installation::name(conn)?, SecondFactorRule::read(conn)?);
            Ok((name, Lifetimes::read(conn)?, Shortening::find(conn, now)?, rule, LeakReportPolicy::read(conn)?))
        });
        let (name, rules, shortening, rule, leak_reports) = read.await?;
        Ok(Self {
            shell: Shell::new("settings", who, session),
            name: NameSection { typed: name.unwrap_or_default(), ..NameSection::default() },
            lifetimes: LifetimesSection { form: LifetimesForm::of(rules), ..LifetimesSection::default() },
            shortening: shortening.map(ShorteningView::new),
            second_factor_rule: SecondFactorRuleView::of(rule),
            leak_reports,
        })
    }
}

/// Requires an owner of the first account who gave the password within the last minutes.
///
/// # Errors
/// [`Error::Forbidden`](crate::error::Error::Forbidden) and
/// [`Error::StaleLogin`](crate::error::Error::StaleLogin).
pub(super) fn require_owner(state: &State, who: &SignedIn) -> Result<()> {
    who.may(Permission::ManageInstallation)?;
    who.require_fresh_login(state.clock.now())
}
