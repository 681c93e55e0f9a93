//! `/invitations/{token}`: explains, and lets one person in. Looking changes nothing, since
//! mail scanners open links.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use askama::Template;
use serde::Deserialize;

use super::join_proof::{is_join_proof, join_proof};
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::installation::installation_name;
use crate::dashboard::frame::layout::{When, html, see_other};
use crate::dashboard::frame::request_origin::RequestOrigin;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::frame::trusted_browser;
use crate::dashboard::people::role_words::{role_name, role_rights};
use crate::domain::identity::invitation::{self, Invitation, OpenInvitation};
use crate::domain::identity::link_token::LinkToken;
use crate::domain::identity::operator::{self, NewOperator, Operator};
use crate::domain::identity::password::Password;
use crate::domain::identity::throttle::LoginAttempt;
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;
use crate::store::Conn;

const NOT_JOINED: &str = "Nothing was saved. Try again in a moment.";
/// Where somebody goes who has joined.
const FIRST_PAGE: &str = "/api-keys";

#[derive(Template)]
#[template(path = "invitations/page.html")]
struct InvitationPage {
    made_by: Option<String>,
    role: &'static str,
    rights: &'static str,
    ends: When,
    /// The only address that may join.
    invited_email: Option<String>,
    /// Who is logged in, and joins with the account that they have.
    joining: Option<JoiningView>,
    form: AcceptanceFormView,
    alert: Option<String>,
    installation: Option<String>,
}

struct JoiningView {
    name: String,
    email: String,
    proof: String,
}

/// The form of a new person, empty or as it was filled in.
#[derive(Default)]
struct AcceptanceFormView {
    name: String,
    email: String,
    errors: FieldErrors,
}

#[derive(Template)]
#[template(path = "invitations/ended.html")]
struct EndedInvitationPage {
    installation: Option<String>,
}

/// What is filled in; somebody who is logged in sends the proof alone.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AcceptanceForm {
    name: String,
    email: String,
    password: Option<Password>,
    proof: String,
}

/// `GET /invitations/{token}`
pub async fn show_invitation(state: Data<State>, who: Option<SignedIn>, token: Path<String>) -> Result<HttpResponse> {
    let Some(token) = LinkToken::parse(&token) else { return say_it_ended(&state).await };
    match read(&state, who.as_ref(), &token).await {
        Ok(page) => html(StatusCode::OK, &page),
        Err(Error::NotFound) => say_it_ended(&state).await,
        Err(error) => Err(error),
    }
}

/// `POST /invitations/{token}`
pub async fn accept_invitation(
    state: Data<State>,
    session: Session,
    who: Option<SignedIn>,
    attempt: LoginAttempt,
    origin: RequestOrigin,
    token: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let Some(token) = LinkToken::parse(&token) else { return say_it_ended(&state).await };
    let form: AcceptanceForm = parse_form(&body)?;
    let joined = match &who {
        Some(who) => join(&state, who, &token, &form).await,
        None => accept(&state, &token, &form, &attempt, origin.clone()).await,
    };
    match joined {
        Ok(operator) => {
            tracing::info!(operator = %operator.id, "an invitation was accepted");
            if who.is_none() {
                session::log_in(&session, &operator.id, &origin, state.clock.now())?;
            }
            session::leave_toast(&session, &Toast::success(format!("Welcome, {}.", operator.name)))?;
            let mut response = see_other(FIRST_PAGE);
            trusted_browser::remember(&state, &operator.id, &mut response)?;
            Ok(response)
        }
        Err(Error::NotFound) => say_it_ended(&state).await,
        Err(error) => refuse(&state, who.as_ref(), &token, form, error).await,
    }
}

async fn join(state: &State, who: &SignedIn, token: &LinkToken, form: &AcceptanceForm) -> Result<Operator> {
    let id = who.operator.id.clone();
    if !is_join_proof(state, &id, token, &form.proof)? {
        return Err(Error::invalid("proof", "You are logged in. Press Join to join with the account that you have."));
    }
    let token = token.again();
    who.change(state, move |tx| invitation::join(tx, &token, &id)).await
}

async fn accept(
    state: &State,
    token: &LinkToken,
    form: &AcceptanceForm,
    attempt: &LoginAttempt,
    origin: RequestOrigin,
) -> Result<Operator> {
    let (open, id) = {
        let (token, now, email) = (token.again(), state.clock.now(), form.email.clone());
        let read =
            move |conn: &mut Conn| Ok((invitation::find_open(conn, &token, now)?, operator::id_for(conn, &email)?));
        state.store.read(read).await?
    };
    let mut errors = FieldErrors::default();
    let name = errors.collect(operator::parse_name(&form.name))?;
    let email = errors.collect(operator::parse_email(&form.email))?;
    let password = form.password.clone().unwrap_or_else(|| Password::new(String::new()));
    let permit = state.throttle.admit(open.invitation.id.as_str(), attempt)?;
    let about = vec![form.email.clone(), form.name.clone()];
    let rated = errors.collect(state.passwords.check_new(password.clone(), "password", about, &permit).await)?;
    let (Some(name), Some(email), Some(())) = (name, email, rated) else { return Err(Error::Invalid(errors)) };
    let password_hash = state.passwords.hash(password).await?;
    let new = NewOperator { id, email, name, password_hash };
    let (actor, token) = (origin.actor(&new.id, &new.name), token.again());
    state.store.change(actor, state.clock.now(), move |tx| invitation::accept(tx, &token, new)).await
}

/// The page again, as it was filled in, with what is wrong.
async fn refuse(
    state: &State,
    who: Option<&SignedIn>,
    token: &LinkToken,
    form: AcceptanceForm,
    error: Error,
) -> Result<HttpResponse> {
    let mut rejection = FormRejection::of(error, NOT_JOINED)?;
    if who.is_some() {
        rejection.raise("email");
        rejection.raise("proof");
    }
    let (rejected, errors, alert) = rejection.into_parts();
    match read(state, who, token).await {
        Ok(page) => {
            let email = page.invited_email.clone().unwrap_or(form.email);
            let form = AcceptanceFormView { name: form.name, email, errors };
            rejected.respond(&InvitationPage { form, alert: alert.or(page.alert), ..page })
        }
        Err(Error::NotFound) => say_it_ended(state).await,
        Err(error) => Err(error),
    }
}

async fn read(state: &State, who: Option<&SignedIn>, token: &LinkToken) -> Result<InvitationPage> {
    let (wanted, now) = (token.again(), state.clock.now());
    let open = state.store.read(move |conn| invitation::find_open(conn, &wanted, now)).await?;
    let OpenInvitation { invitation: Invitation { role, email, expires_at, .. }, made_by } = open;
    let joining = who.map(|who| joining(state, &who.operator, token)).transpose()?;
    let form = AcceptanceFormView { email: email.clone().unwrap_or_default(), ..AcceptanceFormView::default() };
    Ok(InvitationPage {
        made_by,
        role: role_name(role),
        rights: role_rights(role),
        ends: expires_at.into(),
        invited_email: email,
        joining,
        form,
        alert: None,
        installation: installation_name(state).await,
    })
}

fn joining(state: &State, Operator { id, name, email, .. }: &Operator, token: &LinkToken) -> Result<JoiningView> {
    Ok(JoiningView { name: name.clone(), email: email.clone(), proof: join_proof(state, id, token)? })
}

/// The same for an invitation that was used, ended, withdrawn or never made.
async fn say_it_ended(state: &State) -> Result<HttpResponse> {
    html(StatusCode::NOT_FOUND, &EndedInvitationPage { installation: installation_name(state).await })
}
