//! `/passwords/{token}`: sets a new password once. Looking changes nothing, since mail
//! scanners open links.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use askama::Template;
use serde::Deserialize;

use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::installation::installation_name;
use crate::dashboard::frame::layout::html;
use crate::dashboard::frame::request_origin::RequestOrigin;
use crate::domain::identity::link_token::LinkToken;
use crate::domain::identity::operator::Operator;
use crate::domain::identity::password::Password;
use crate::domain::identity::password_link;
use crate::domain::identity::throttle::LoginAttempt;
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;
use crate::store::Tx;

/// Who uses a link, as audit events name them.
const WHOEVER: &str = "Whoever had the link";
const NOT_SET: &str = "Nothing was changed. Try again in a moment.";

#[derive(Template)]
#[template(path = "password_link/page.html")]
struct NewPasswordPage {
    name: String,
    email: String,
    errors: FieldErrors,
    alert: Option<String>,
    installation: Option<String>,
}

#[derive(Template)]
#[template(path = "password_link/done.html")]
struct PasswordSetPage {
    installation: Option<String>,
}

#[derive(Template)]
#[template(path = "password_link/ended.html")]
struct EndedPasswordLinkPage {
    installation: Option<String>,
}

/// What is filled in.
#[derive(Deserialize)]
pub struct NewPasswordForm {
    new_password: Password,
}

/// `GET /passwords/{token}`
pub async fn show_new_password(state: Data<State>, token: Path<String>) -> Result<HttpResponse> {
    let installation = installation_name(&state).await;
    let Some(token) = LinkToken::parse(&token) else { return say_it_ended(installation) };
    match find(&state, &token).await {
        Ok(Operator { name, email, .. }) => {
            let page = NewPasswordPage { name, email, errors: FieldErrors::default(), alert: None, installation };
            html(StatusCode::OK, &page)
        }
        Err(Error::NotFound) => say_it_ended(installation),
        Err(error) => Err(error),
    }
}

/// `POST /passwords/{token}`: nobody is logged in by it, since a password may not be all that
/// a login asks for.
pub async fn set_new_password(
    state: Data<State>,
    attempt: LoginAttempt,
    origin: RequestOrigin,
    token: Path<String>,
    form: Form<NewPasswordForm>,
) -> Result<HttpResponse> {
    let installation = installation_name(&state).await;
    let Some(token) = LinkToken::parse(&token) else { return say_it_ended(installation) };
    let operator = match find(&state, &token).await {
        Ok(operator) => operator,
        Err(Error::NotFound) => return say_it_ended(installation),
        Err(error) => return Err(error),
    };
    match set(&state, &operator, &token, form.into_inner(), &attempt, origin).await {
        Ok(()) => {
            tracing::info!(operator = %operator.id, "a password was set by a link");
            html(StatusCode::OK, &PasswordSetPage { installation })
        }
        Err(Error::NotFound) => say_it_ended(installation),
        Err(error) => {
            let (rejected, errors, alert) = FormRejection::of(error, NOT_SET)?.into_parts();
            let Operator { name, email, .. } = operator;
            rejected.respond(&NewPasswordPage { name, email, errors, alert, installation })
        }
    }
}

async fn find(state: &State, token: &LinkToken) -> Result<Operator> {
    let (token, now) = (token.again(), state.clock.now());
    state.store.read(move |conn| password_link::find_operator(conn, &token, now)).await
}

async fn set(
    state: &State,
    operator: &Operator,
    token: &LinkToken,
    form: NewPasswordForm,
    attempt: &LoginAttempt,
    origin: RequestOrigin,
) -> Result<()> {
    let permit = state.throttle.admit(operator.id.as_str(), attempt)?;
    let about = vec![operator.email.clone(), operator.name.clone()];
    state.passwords.check_new(form.new_password.clone(), "new_password", about, &permit).await?;
    let (hash, token) = (state.passwords.hash(form.new_password).await?, token.again());
    let set = move |tx: &mut Tx<'_>| password_link::set_password(tx, &token, &hash).map(drop);
    state.store.change(origin.stranger(WHOEVER), state.clock.now(), set).await
}

/// The same for a link that was used, ended, replaced or never made.
fn say_it_ended(installation: Option<String>) -> Result<HttpResponse> {
    html(StatusCode::NOT_FOUND, &EndedPasswordLinkPage { installation })
}
