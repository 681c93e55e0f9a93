//! One's own name and password.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Form};
use askama::Template;
use serde::Deserialize;

use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::identity::operator::{self};
use crate::domain::identity::password::{Check, Password};
use crate::domain::identity::stored_password;
use crate::domain::identity::throttle::LoginAttempt;
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

const PATH: &str = "/settings";

#[derive(Template)]
#[template(path = "settings/page.html")]
struct SettingsPage {
    shell: Shell,
    name: NameView,
    password: PasswordView,
}

struct NameView {
    name: String,
    errors: FieldErrors,
}

struct PasswordView {
    errors: FieldErrors,
}

/// Another name.
#[derive(Deserialize)]
pub struct OperatorNameForm {
    name: String,
}

/// Another password.
#[derive(Deserialize)]
pub struct PasswordForm {
    current_password: Password,
    new_password: Password,
}

/// `GET /settings`
pub async fn show_settings(session: Session, who: SignedIn) -> Result<HttpResponse> {
    let draft = session::take_draft(&session, PATH);
    let draft = draft.and_then(|draft| parse_form::<OperatorNameForm>(draft.as_bytes()).ok());
    let name = draft.map_or_else(|| who.operator.name.clone(), |draft| draft.name);
    let name = NameView { name, errors: FieldErrors::default() };
    let password = PasswordView { errors: FieldErrors::default() };
    html(StatusCode::OK, &SettingsPage { shell: Shell::new("settings", &who, &session), name, password })
}

/// `POST /settings/name`
pub async fn change_name(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &NextPath::parse(PATH), &body),
    };
    let form: OperatorNameForm = parse_form(&body)?;
    let id = who.operator.id.clone();
    let result = match operator::parse_name(&form.name) {
        Ok(name) => who.change(&state, move |tx| operator::rename(tx, &id, &name)).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => saved(&session, "Success. Name changed."),
        Err(error) => {
            let name = |errors| NameView { name: form.name.clone(), errors };
            refuse(&session, &who, error, |errors| (name(errors), PasswordView { errors: FieldErrors::default() }))
        }
    }
}

/// `POST /settings/password`: ends every other session (ASVS 7.4.3).
pub async fn change_password(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    attempt: LoginAttempt,
    form: Form<PasswordForm>,
) -> Result<HttpResponse> {
    match set_password(&state, &who, attempt, form.into_inner()).await {
        Ok(()) => {
            session::confirm(&session, state.clock.now())?;
            tracing::info!(operator = %who.operator.id, "a password was changed");
            saved(&session, "Success. Password changed. Your other sessions were logged out.")
        }
        Err(error) => refuse(&session, &who, error, |errors| {
            (NameView { name: who.operator.name.clone(), errors: FieldErrors::default() }, PasswordView { errors })
        }),
    }
}

async fn set_password(state: &State, who: &SignedIn, attempt: LoginAttempt, form: PasswordForm) -> Result<()> {
    let id = who.operator.id.clone();
    let known = state.store.read(move |conn| stored_password::find(conn, &id)).await?;
    // A logged-in operator has a quota of their own.
    let attempt = LoginAttempt { trusted_operator: Some(who.operator.id.to_string()), ..attempt };
    let permit = state.throttle.admit(&who.operator.email, &attempt)?;
    let about = vec![who.operator.email.clone(), who.operator.name.clone()];
    let is_strong = state.passwords.check_new(form.new_password.clone(), "new_password", about, &permit).await;
    if state.passwords.check(form.current_password, known, permit).await? == Check::Wrong {
        return Err(Error::invalid("current_password", "This is not your current password."));
    }
    is_strong?;
    let hash = state.passwords.hash(form.new_password).await?;
    let id = who.operator.id.clone();
    who.change(state, move |tx| operator::set_password(tx, &id, &hash)).await
}

fn saved(session: &Session, message: &str) -> Result<HttpResponse> {
    session::leave_toast(session, &Toast::success(message))?;
    Ok(see_other(PATH))
}

fn refuse(
    session: &Session,
    who: &SignedIn,
    error: Error,
    forms: impl FnOnce(FieldErrors) -> (NameView, PasswordView),
) -> Result<HttpResponse> {
    let mut shell = Shell::new("settings", who, session);
    let mut rejection = FormRejection::of(error, "Nothing was changed.")?;
    match (rejection.status, rejection.alert.take()) {
        (StatusCode::TOO_MANY_REQUESTS, Some(alert)) => rejection.errors.add("current_password", alert),
        (_, Some(alert)) => shell.toasts.push(Toast::error(alert)),
        (_, None) => {}
    }
    let (rejected, errors, _) = rejection.into_parts();
    let (name, password) = forms(errors);
    rejected.respond(&SettingsPage { shell, name, password })
}
