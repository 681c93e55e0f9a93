//! Logging in and out.

use std::sync::LazyLock;

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Query};
use askama::Template;
use serde::Deserialize;

use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::installation::installation_name;
use crate::dashboard::frame::layout::{html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::request_origin::RequestOrigin;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::login::completion;
use crate::dashboard::login::page_origin::{self, PageOrigin};
use crate::dashboard::login::pending::{PendingLogin, SECOND_FACTOR_PATH};
use crate::domain::account::membership;
use crate::domain::identity::login_metrics::LoginResult;
use crate::domain::identity::operator::{self, Operator};
use crate::domain::identity::password::{Check, Password};
use crate::domain::identity::second_factor;
use crate::domain::identity::stored_password;
use crate::domain::identity::throttle::LoginAttempt;
use crate::error::{Error, Result};
use crate::http::State;
use crate::repeats::Repeats;
use crate::store::{Conn, Tx};

/// The same whether the address or the password is wrong (ASVS 6.3.8).
const WRONG: &str = "Wrong email or password.";

const CODE_LATE: &str = "Log in again. The code has to follow within 10 minutes of the password.";

/// Longer forms are not kept over a login: a session is one row of the database.
pub(super) const MAX_DRAFT_BYTES: usize = 8 * 1024;

#[derive(Template, Default)]
#[template(path = "login/page.html")]
struct LoginPage {
    email: String,
    next: String,
    draft: String,
    alert: Option<String>,
    notice: Option<String>,
    installation: Option<String>,
}

/// How the page was reached.
#[derive(Deserialize)]
pub struct LoginQuery {
    #[serde(default)]
    next: String,
    logged_out: Option<String>,
    cookie_lost: Option<String>,
    code_late: Option<String>,
}

/// What is filled in, and what is kept for afterwards.
#[derive(Deserialize)]
pub struct LoginForm {
    email: String,
    password: Password,
    #[serde(default)]
    next: String,
    #[serde(default)]
    draft: String,
}

/// `GET /login`
pub async fn show_login(state: Data<State>, session: Session, query: Query<LoginQuery>) -> Result<HttpResponse> {
    let next = NextPath::parse(&query.next);
    if !state.store.read(operator::exists).await? {
        return Ok(see_other("/setup"));
    }
    if session::operator_id(&session).is_some() {
        return Ok(see_other(next.as_str()));
    }
    let code_late = query.code_late.as_ref().map(|_| CODE_LATE.to_owned());
    let notice = query.logged_out.as_ref().map(|_| "You are logged out.".to_owned()).or(code_late);
    let alert = query.cookie_lost.as_ref().map(|_| page_origin::explain_lost_cookie(&state));
    let installation = installation_name(&state).await;
    html(StatusCode::OK, &LoginPage { next: next.to_string(), notice, alert, installation, ..LoginPage::default() })
}

/// Shows the login to somebody who sent a form without being logged in, and
/// keeps the form for the page `next`, which has to be the form's own.
///
/// # Errors
/// When the page can't be drawn.
pub fn ask_to_log_in(next: &NextPath, draft: String) -> Result<HttpResponse> {
    let notice = Some("Log in to continue. What you typed is kept.".to_owned());
    html(StatusCode::UNAUTHORIZED, &LoginPage { next: next.to_string(), draft, notice, ..LoginPage::default() })
}

/// `POST /login`
pub async fn log_in(
    state: Data<State>,
    session: Session,
    attempt: LoginAttempt,
    origin: RequestOrigin,
    page: PageOrigin,
    form: Form<LoginForm>,
) -> Result<HttpResponse> {
    let form = form.into_inner();
    if let Some(advice) = page.advice(&state) {
        return reject(&state, FormRejection::alert(StatusCode::FORBIDDEN, advice), form).await;
    }
    let started = state.clock.now();
    match authenticate(&state, &form, &attempt).await {
        Ok(Some(operator)) => {
            let draft = Some(form.draft).filter(|draft| draft.len() <= MAX_DRAFT_BYTES).unwrap_or_default();
            let next = NextPath::parse(&form.next).to_string();
            let pending = PendingLogin { operator: operator.id.to_string(), since: started.micros(), next, draft };
            if record_login(&state, origin.clone(), operator.clone()).await? {
                return completion::complete(&state, &session, &operator.id, &origin, &pending);
            }
            pending.keep(&session)?;
            Ok(see_other(SECOND_FACTOR_PATH))
        }
        Ok(None) => {
            state.logins.count(LoginResult::WrongPassword);
            tracing::info!(address = %attempt.address, "a login was refused: wrong email or password");
            reject(&state, FormRejection::alert(StatusCode::UNAUTHORIZED, WRONG), form).await
        }
        Err(error) => {
            state.logins.count_error(&error);
            if matches!(error, Error::TooMany { .. }) {
                log_throttled(&attempt);
            }
            reject(&state, FormRejection::of(error, "You are not logged in. Try again in a moment.")?, form).await
        }
    }
}

/// A guesser is answered 429 many times a second.
pub(super) fn log_throttled(attempt: &LoginAttempt) {
    static THROTTLED: LazyLock<Repeats> = LazyLock::new(Repeats::default);
    let address = attempt.address;
    if let Some(others) = THROTTLED.to_log("logins") {
        tracing::warn!(%address, others, "too many logins are tried; further ones wait (429)");
    }
}

/// Records a login that needs nothing but the password. Returns whether it does not.
async fn record_login(state: &State, origin: RequestOrigin, operator: Operator) -> Result<bool> {
    let actor = origin.actor(&operator.id, &operator.name);
    let record = move |tx: &mut Tx<'_>| {
        if second_factor::is_on(tx, &operator.id)? {
            return Ok(false);
        }
        operator::logged_in(tx, &operator)?;
        Ok(true)
    };
    state.store.change(actor, state.clock.now(), record).await
}

async fn authenticate(state: &State, form: &LoginForm, attempt: &LoginAttempt) -> Result<Option<Operator>> {
    let permit = state.throttle.admit(&form.email, attempt)?;
    let email = form.email.clone();
    let find = move |conn: &mut Conn| {
        let operator = operator::find_by_email(conn, &email)?;
        // Without an account there is nothing to log in to.
        membership::of(conn, &operator.id)?;
        if operator.disabled_at.is_some() {
            return Err(Error::NotFound);
        }
        let hash = stored_password::find(conn, &operator.id)?;
        Ok((operator, hash))
    };
    let (known, hash) = match state.store.read(find).await {
        Ok((operator, hash)) => (Some(operator), hash),
        Err(Error::NotFound) => (None, None),
        Err(error) => return Err(error),
    };
    match state.passwords.check(form.password.clone(), hash, permit).await? {
        Check::Wrong => Ok(None),
        Check::Right => Ok(known),
        Check::RightWithNewHash(hash) => {
            if let Some(id) = known.as_ref().map(|operator| operator.id.clone()) {
                state.store.write(move |conn| stored_password::rehash(conn, &id, &hash)).await?;
            }
            Ok(known)
        }
    }
}

/// The form again; it has no fields of its own to mark, since a login does not
/// say whether the address or the password is wrong.
async fn reject(state: &State, rejection: FormRejection, form: LoginForm) -> Result<HttpResponse> {
    let next = NextPath::parse(&form.next).to_string();
    let (rejected, _, alert) = rejection.into_parts();
    let installation = installation_name(state).await;
    rejected.respond(&LoginPage { email: form.email, next, draft: form.draft, alert, notice: None, installation })
}

/// `POST /logout`: ends the session on the server (ASVS 7.4.1).
pub async fn log_out(state: Data<State>, session: Session, who: Option<SignedIn>) -> Result<HttpResponse> {
    if let Some(who) = who {
        let operator = who.operator.clone();
        who.change(&state, move |tx| operator::logged_out(tx, &operator)).await?;
    }
    session.purge();
    Ok(see_other("/login?logged_out"))
}
