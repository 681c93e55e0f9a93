//! The password once more, before what somebody with a borrowed session must not do.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Query};
use askama::Template;
use serde::Deserialize;

use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::layout::{html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::login::password;
use crate::domain::identity::operator;
use crate::domain::identity::password::{Check, Password};
use crate::domain::identity::stored_password;
use crate::domain::identity::throttle::LoginAttempt;
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

#[derive(Template, Default)]
#[template(path = "login/confirmation.html")]
struct ConfirmationPage {
    /// Whose password is asked for; empty where the page does not know it.
    email: String,
    next: String,
    draft: String,
    errors: FieldErrors,
    alert: Option<String>,
    installation: Option<String>,
}

/// Where the page leads.
#[derive(Deserialize)]
pub struct ConfirmationQuery {
    #[serde(default)]
    next: String,
}

/// What is filled in, and what is kept for afterwards.
#[derive(Deserialize)]
pub struct ConfirmationForm {
    password: Password,
    #[serde(default)]
    next: String,
    #[serde(default)]
    draft: String,
}

/// `GET /login/confirmation?next=…`: leads on at once while the last login is recent enough.
pub async fn show_confirmation(
    state: Data<State>,
    who: SignedIn,
    query: Query<ConfirmationQuery>,
) -> Result<HttpResponse> {
    let next = NextPath::parse(&query.next);
    match who.require_fresh_login(state.clock.now()) {
        Ok(()) => Ok(see_other(next.as_str())),
        Err(Error::StaleLogin) => {
            let (next, email) = (next.to_string(), who.operator.email);
            let installation = who.installation;
            html(StatusCode::OK, &ConfirmationPage { email, next, installation, ..ConfirmationPage::default() })
        }
        Err(error) => Err(error),
    }
}

/// Asks for the password in place of the answer to a form that came too late, and keeps
/// the form for the page `next`, which has to be the form's own.
///
/// # Errors
/// When the page can't be drawn.
pub fn ask_to_confirm(next: &NextPath, draft: String) -> Result<HttpResponse> {
    html(StatusCode::FORBIDDEN, &ConfirmationPage { next: next.to_string(), draft, ..ConfirmationPage::default() })
}

/// `POST /login/confirmation`
pub async fn confirm_password(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    attempt: LoginAttempt,
    form: Form<ConfirmationForm>,
) -> Result<HttpResponse> {
    let form = form.into_inner();
    let next = NextPath::parse(&form.next);
    let who = match signed_in {
        Err(Error::Unauthenticated) => return password::ask_to_log_in(&next, form.draft),
        signed_in => signed_in?,
    };
    match check(&state, &who, attempt, form.password).await {
        Ok(()) => {
            session::confirm(&session, state.clock.now())?;
            if !form.draft.is_empty() && form.draft.len() <= password::MAX_DRAFT_BYTES {
                session::keep_draft(&session, next.as_str(), &form.draft)?;
            }
            tracing::info!(operator = %who.operator.id, "a password was given again");
            Ok(see_other(next.as_str()))
        }
        Err(error) => {
            let rejection = FormRejection::of(error, "Nothing was done. Try again in a moment.")?;
            let (rejected, errors, alert) = rejection.into_parts();
            let (email, next) = (who.operator.email, next.to_string());
            rejected.respond(&ConfirmationPage {
                email,
                next,
                draft: form.draft,
                errors,
                alert,
                installation: who.installation,
            })
        }
    }
}

async fn check(state: &State, who: &SignedIn, attempt: LoginAttempt, typed: Password) -> Result<()> {
    let id = who.operator.id.clone();
    let hash = state.store.read(move |conn| stored_password::find(conn, &id)).await?;
    // A logged-in operator has a quota of their own.
    let attempt = LoginAttempt { trusted_operator: Some(who.operator.id.to_string()), ..attempt };
    let permit = state.throttle.admit(&who.operator.email, &attempt)?;
    if state.passwords.check(typed, hash, permit).await? == Check::Wrong {
        tracing::info!(operator = %who.operator.id, "a wrong password was given to confirm a login");
        return Err(Error::invalid("password", "This is not your password."));
    }
    let operator = who.operator.clone();
    who.change(state, move |tx| operator::confirmed_password(tx, &operator)).await
}
