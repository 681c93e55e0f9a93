//! The second step of a login: a code of the authenticator app, or a recovery code.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form};
use askama::Template;
use serde::Deserialize;

use super::completion;
use super::password::log_throttled;
use super::pending::PendingLogin;
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::installation::installation_name;
use crate::dashboard::frame::layout::{html, see_other};
use crate::dashboard::frame::request_origin::RequestOrigin;
use crate::dashboard::frame::session;
use crate::domain::identity::login_metrics::LoginResult;
use crate::domain::identity::operator::{self, Operator};
use crate::domain::identity::second_factor;
use crate::domain::identity::throttle::LoginAttempt;
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;
use crate::store::Tx;

const TOO_LATE: &str = "/login?code_late";

#[derive(Template, Default)]
#[template(path = "login/second_factor.html")]
struct SecondFactorPage {
    alert: Option<String>,
    errors: FieldErrors,
    installation: Option<String>,
}

/// What is typed.
#[derive(Deserialize)]
pub struct LoginCodeForm {
    code: String,
}

/// `GET /login/second-factor`
pub async fn ask_for_code(state: Data<State>, session: Session) -> Result<HttpResponse> {
    if session::operator_id(&session).is_some() {
        return Ok(see_other("/api-keys"));
    }
    match PendingLogin::of(&session) {
        None => Err(Error::Unauthenticated),
        Some(pending) if pending.is_over(state.clock.now()) => Ok(see_other(TOO_LATE)),
        Some(_) => {
            let installation = installation_name(&state).await;
            html(StatusCode::OK, &SecondFactorPage { installation, ..SecondFactorPage::default() })
        }
    }
}

/// `POST /login/second-factor`
pub async fn check_code(
    state: Data<State>,
    session: Session,
    attempt: LoginAttempt,
    origin: RequestOrigin,
    form: Form<LoginCodeForm>,
) -> Result<HttpResponse> {
    let pending = PendingLogin::of(&session).ok_or(Error::Unauthenticated)?;
    if pending.is_over(state.clock.now()) {
        return Ok(see_other(TOO_LATE));
    }
    match check(&state, &pending, &attempt, origin.clone(), form.into_inner()).await {
        Ok(operator) => completion::complete(&state, &session, &operator.id, &origin, &pending),
        // The password, the factor or the person changed since: only a new login tells.
        Err(Error::Unauthenticated | Error::NotFound | Error::ChangedMeanwhile) => Ok(see_other("/login")),
        Err(error) => {
            state.logins.count_error(&error);
            match &error {
                Error::TooMany { .. } => log_throttled(&attempt),
                Error::Invalid(_) => {
                    state.logins.count(LoginResult::WrongCode);
                    tracing::info!(address = %attempt.address, "a login was refused: wrong code");
                }
                _ => {}
            }
            let mut rejection = FormRejection::of(error, "You are not logged in. Try again in a moment.")?;
            if !rejection.errors.is_empty() {
                rejection.status = StatusCode::UNAUTHORIZED;
            }
            let (rejected, errors, alert) = rejection.into_parts();
            rejected.respond(&SecondFactorPage { alert, errors, installation: installation_name(&state).await })
        }
    }
}

async fn check(
    state: &State,
    pending: &PendingLogin,
    attempt: &LoginAttempt,
    origin: RequestOrigin,
    form: LoginCodeForm,
) -> Result<Operator> {
    let id = pending.operator().ok_or(Error::Unauthenticated)?;
    let wanted = id.clone();
    let operator = state.store.read(move |conn| operator::find(conn, &wanted)).await?;
    // The same tries as for the password: whoever has that one guesses no faster for it.
    let permit = state.throttle.admit(&operator.email, attempt)?;
    let actor = origin.actor(&operator.id, &operator.name);
    let since = pending.since();
    let complete = move |tx: &mut Tx<'_>| second_factor::complete_login(tx, &id, since, &form.code, permit);
    state.store.change(actor, state.clock.now(), complete).await
}
