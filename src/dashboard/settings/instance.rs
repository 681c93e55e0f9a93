//! The rules of the whole installation: how long keys last.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use askama::Template;
use serde::Deserialize;

use super::shortening_view::ShorteningView;
use crate::dashboard::frame::form::{FormRejection, RejectedForm, parse_form};
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::password;
use crate::domain::api_key::{self, Lifetimes, Shortening};
use crate::domain::leak_report::LeakReportPolicy;
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

/// The page.
pub(super) const PATH: &str = "/settings/instance";

#[derive(Template)]
#[template(path = "settings/instance.html")]
struct InstancePage {
    shell: Shell,
    form: LifetimesForm,
    errors: FieldErrors,
    alert: Option<String>,
    shortening: Option<ShorteningView>,
    leak_reports: LeakReportPolicy,
}

/// What is filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct LifetimesForm {
    default_lifetime_days: String,
    max_lifetime_days: String,
}

impl LifetimesForm {
    fn of(rules: Lifetimes) -> Self {
        let write = |days: i64| if days == 0 { String::new() } else { days.to_string() };
        Self { default_lifetime_days: write(rules.default_days), max_lifetime_days: write(rules.max_days) }
    }
}

/// `GET /settings/instance`
pub async fn show_instance_settings(state: Data<State>, session: Session, who: SignedIn) -> Result<HttpResponse> {
    let draft = session::take_draft(&session, PATH).and_then(|draft| parse_form(draft.as_bytes()).ok());
    let page = draw(&state, Shell::new("settings", &who, &session), draft).await?;
    html(StatusCode::OK, &page)
}

/// `POST /settings/instance`
pub async fn save_instance_settings(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Err(Error::Unauthenticated) => {
            return password::ask_to_log_in(&NextPath::parse(PATH), String::from_utf8_lossy(&body).into_owned());
        }
        signed_in => signed_in?,
    };
    let form: LifetimesForm = parse_form(&body)?;
    let saved = match Lifetimes::parse(&form.default_lifetime_days, &form.max_lifetime_days) {
        Ok(rules) => who.change(&state, move |tx| api_key::save_lifetimes(tx, rules)).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => {
            tracing::info!(operator = %who.operator.id, "the rules about the ends of keys were saved");
            session::leave_toast(&session, &Toast::success("Success. Lifetimes saved."))?;
            Ok(see_other(PATH))
        }
        Err(error) => {
            let rejection = FormRejection::of(error, "Nothing was saved. Try again in a moment.")?;
            let (rejected, errors, alert): (RejectedForm, _, _) = rejection.into_parts();
            let page = draw(&state, Shell::new("settings", &who, &session), Some(form)).await?;
            rejected.respond(&InstancePage { errors, alert, ..page })
        }
    }
}

async fn draw(state: &State, shell: Shell, filled: Option<LifetimesForm>) -> Result<InstancePage> {
    let now = state.clock.now();
    let read = state
        .store
        .read(move |conn| Ok((Lifetimes::read(conn)?, Shortening::find(conn, now)?, LeakReportPolicy::read(conn)?)));
    let (rules, shortening, leak_reports) = read.await?;
    Ok(InstancePage {
        shell,
        form: filled.unwrap_or_else(|| LifetimesForm::of(rules)),
        errors: FieldErrors::default(),
        alert: None,
        shortening: shortening.map(ShorteningView::new),
        leak_reports,
    })
}
