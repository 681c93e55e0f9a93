//! First start: the person with the code from the terminal makes the first operator.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form};
use askama::Template;
use serde::Deserialize;

use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::installation::installation_name;
use crate::dashboard::frame::layout::{html, see_other};
use crate::dashboard::frame::request_origin::RequestOrigin;
use crate::dashboard::frame::session;
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::frame::trusted_browser;
use crate::dashboard::login::page_origin::PageOrigin;
use crate::domain::account;
use crate::domain::account::membership::Role;
use crate::domain::identity::operator::{self, NewOperator, OperatorId};
use crate::domain::identity::password::Password;
use crate::domain::identity::setup_code;
use crate::domain::identity::throttle::LoginAttempt;
use crate::domain::text;
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;
use crate::store::Tx;

#[derive(Template, Default)]
#[template(path = "setup/page.html")]
struct SetupPage {
    code: String,
    name: String,
    email: String,
    errors: FieldErrors,
    alert: Option<String>,
    installation: Option<String>,
}

/// What is filled in.
#[derive(Deserialize)]
pub struct SetupForm {
    code: String,
    name: String,
    email: String,
    password: Password,
}

/// `GET /setup`
pub async fn show_setup(state: Data<State>) -> Result<HttpResponse> {
    if state.store.read(operator::exists).await? {
        return Ok(see_other("/login"));
    }
    html(StatusCode::OK, &SetupPage { installation: installation_name(&state).await, ..SetupPage::default() })
}

/// `POST /setup`
pub async fn create_first_operator(
    state: Data<State>,
    session: Session,
    attempt: LoginAttempt,
    origin: RequestOrigin,
    page: PageOrigin,
    form: Form<SetupForm>,
) -> Result<HttpResponse> {
    let form = form.into_inner();
    if let Some(advice) = page.advice(&state) {
        let (rejected, errors, alert) = FormRejection::alert(StatusCode::FORBIDDEN, advice).into_parts();
        let installation = installation_name(&state).await;
        let (code, name, email) = (form.code, form.name, form.email);
        return rejected.respond(&SetupPage { code, name, email, errors, alert, installation });
    }
    if state.store.read(operator::exists).await? {
        return Ok(see_other("/login"));
    }
    match create(&state, &form, &attempt, origin.clone()).await {
        Ok(id) => {
            session::log_in(&session, &id, &origin, state.clock.now())?;
            session::leave_toast(
                &session,
                &Toast::success(format!("Welcome, {}. Create your first key.", form.name.trim())),
            )?;
            tracing::info!(operator = %id, "the first operator was made");
            let mut response = see_other("/api-keys");
            trusted_browser::remember(&state, &id, &mut response)?;
            Ok(response)
        }
        Err(error) => refuse(form, error, installation_name(&state).await),
    }
}

async fn create(state: &State, form: &SetupForm, attempt: &LoginAttempt, origin: RequestOrigin) -> Result<OperatorId> {
    let mut errors = FieldErrors::default();
    let code = errors.collect(text::line("code", "Setup code", 100, &form.code))?;
    let name = errors.collect(operator::parse_name(&form.name))?;
    let email = errors.collect(operator::parse_email(&form.email))?;
    let permit = state.throttle.admit("setup", attempt)?;
    let about = vec![form.email.clone(), form.name.clone()];
    let rated = state.passwords.check_new(form.password.clone(), "password", about, &permit).await;
    let password = errors.collect(rated)?;
    let (Some(code), Some(name), Some(email), Some(())) = (code, name, email, password) else {
        return Err(Error::Invalid(errors));
    };
    let password_hash = state.passwords.hash(form.password.clone()).await?;
    let new = NewOperator { id: OperatorId::mint(), email, name, password_hash };
    let actor = origin.actor(&new.id, &new.name);
    let create = move |tx: &mut Tx<'_>| {
        setup_code::redeem(tx, &code, permit)?;
        let account = account::first(tx)?;
        Ok(operator::create(tx, &account, Role::Owner, new)?.id)
    };
    state.store.change(actor, state.clock.now(), create).await
}

fn refuse(form: SetupForm, error: Error, installation: Option<String>) -> Result<HttpResponse> {
    let rejection = FormRejection::of(error, "Nothing was saved.")?;
    let is_throttled = rejection.retry_after.is_some();
    let (rejected, errors, alert) = rejection.into_parts();
    // Kept while something else is wrong; a refused one is not shown again.
    let keep_code = !is_throttled && errors.get("code").is_none();
    let code = Some(form.code).filter(|_| keep_code).unwrap_or_default();
    rejected.respond(&SetupPage { code, name: form.name, email: form.email, errors, alert, installation })
}
