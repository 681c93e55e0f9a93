//! Rotating a key: how long the old secret still works is asked for, and the new
//! secret is shown once.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::super::paths::{SECTION, parse_id, path, rotation};
use super::super::power;
use super::super::reveal::Reveal;
use super::super::row::ApiKeyRow;
use super::super::show::draw_with;
use super::view::{GraceOption, OldSecret, SecretsView};
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::{Access, Permission};
use crate::domain::api_key::rotation::{self, Grace, Rotation, RotationRequest};
use crate::domain::api_key::{self, ApiKey, ApiKeyEntry, ApiKeyId, KeySecretId, KeyStatus, SecretOrigin};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;
use crate::store::UtcTime;

const NOT_ROTATED: &str = "The key was not rotated. Try again in a moment.";
const ALREADY_ROTATED: &str = "This form was already sent, and its secret was made then. It was shown once. If you \
    did not copy it, rotate the key again.";
const ROTATED_MEANWHILE: &str =
    "Somebody else rotated this key meanwhile. Rotate again only if it needs one more secret.";
const STALE_FORM: &str = "This form has expired. Check it and press Rotate again.";

#[derive(Template)]
#[template(path = "api_key_rotation/page.html")]
struct RotationPage {
    shell: Shell,
    question: RotationQuestion,
}

#[derive(Template)]
#[template(path = "api_key_rotation/_dialog.html")]
struct RotationDialog {
    question: RotationQuestion,
}

/// What is asked.
struct RotationQuestion {
    row: ApiKeyRow,
    secret_id: String,
    /// The secret that the new one replaces, as long as nobody else rotates the key.
    replaces: KeySecretId,
    choices: Vec<GraceOption>,
    /// The secret of an earlier rotation, which has to end first.
    live: Option<OldSecret>,
    /// What a new secret does not change, where it might be expected to.
    note: Option<&'static str>,
    /// What keys of Keyfob begin with, where the present secret is of another system.
    new_start: Option<String>,
    errors: FieldErrors,
    alert: Option<String>,
}

/// What is filled in.
#[derive(Deserialize)]
pub struct RotationForm {
    secret_id: String,
    #[serde(default)]
    replaces: String,
    grace: String,
    /// Present when the box is ticked.
    end_previous: Option<String>,
}

impl RotationForm {
    fn parse(&self) -> Result<RotationRequest> {
        let mut errors = FieldErrors::default();
        let id = self.secret_id.parse().map_err(|()| Error::invalid("secret_id", STALE_FORM));
        let (id, grace) = (errors.collect(id)?, errors.collect(Grace::parse(&self.grace))?);
        let (Some(id), Some(grace)) = (id, grace) else { return Err(Error::Invalid(errors)) };
        let (replaces, end_previous) = (self.replaces.parse().ok(), self.end_previous.is_some());
        Ok(RotationRequest { replaces, end_previous, ..RotationRequest::new(id, grace) })
    }
}

impl RotationQuestion {
    fn new(entry: ApiKeyEntry, access: Access, grace: Grace, now: UtcTime) -> Self {
        let key = &entry.key;
        Self {
            secret_id: KeySecretId::mint().to_string(),
            replaces: entry.secret.id.clone(),
            choices: GraceOption::all(grace, key, now),
            live: entry.rotating(now).map(|old| OldSecret::new(old, key, now)),
            note: unchanged(key, now),
            new_start: new_start(&entry),
            row: ApiKeyRow::new(entry, access, now),
            errors: FieldErrors::default(),
            alert: None,
        }
    }
}

/// A program that expects secrets of the other system's form has to learn of Keyfob's first.
fn new_start(entry: &ApiKeyEntry) -> Option<String> {
    let start = format!("{}_{}_", entry.service.key_prefix, entry.key.mode.as_str());
    (entry.secret.origin == SecretOrigin::Imported && !entry.secret.mask.starts_with(&start)).then_some(start)
}

/// What stays as it is, although a new secret may look like a new beginning.
fn unchanged(key: &ApiKey, now: UtcTime) -> Option<&'static str> {
    match key.expires_at {
        Some(end) if end <= now => Some("It is still expired."),
        _ if key.status == KeyStatus::Disabled => Some("It is still disabled."),
        _ => None,
    }
}

/// `GET /api-keys/{id}/rotation`: the pop-up's content, or a page of its own.
pub async fn ask_to_rotate(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let entry = find(&state, &who, parse_id(&id)?).await?;
    power::require_fresh_login(&state, &who, &entry.key)?;
    let question = RotationQuestion::new(entry, who.access, Grace::DEFAULT, state.clock.now());
    if htmx.is_part() {
        return html(StatusCode::OK, &RotationDialog { question });
    }
    html(StatusCode::OK, &RotationPage { shell: Shell::new(SECTION, &who, &session), question })
}

/// `POST /api-keys/{id}/rotation`: besides that of a new key, the only response with a whole key.
pub async fn rotate_api_key(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse> {
    let (id, form) = (parse_id(&id)?, parse_form::<RotationForm>(&body)?);
    let who = match signed_in {
        Ok(who) => who,
        // After the login the question is asked again.
        Err(error) => return ask_again(error, &rotation(&id)),
    };
    who.may(Permission::ManageKeys)?;
    if let Err(error) = power::require_fresh_login_for(&state, &who, &id).await {
        return ask_again(error, &rotation(&id));
    }
    match rotate(&state, &who, &id, &form).await {
        Ok(Rotation::Made { entry, secret, .. }) => {
            tracing::info!(key = %id, operator = %who.operator.id, "an API key was rotated");
            let now = state.clock.now();
            let mut shell = Shell::new(SECTION, &who, &session);
            let done = format!("Success. Key “{}” rotated.", entry.key.name);
            let sentences: Vec<_> = [done.as_str()].into_iter().chain(unchanged(&entry.key, now)).collect();
            shell.toasts.push(Toast::success(sentences.join(" ")));
            let reveal = Reveal::new(&state, &request, &entry.key, secret);
            let view = SecretsView::revealing(&entry, reveal, now);
            draw_with(&state, StatusCode::OK, shell, &who, &id, |page| page.secrets = view).await
        }
        Ok(Rotation::Repeated) => {
            session::leave_toast(&session, &Toast::error(ALREADY_ROTATED))?;
            Ok(see_other(&path(&id)))
        }
        Err(error) => refuse(&state, &session, &who, id, form, error).await,
    }
}

async fn rotate(state: &State, who: &SignedIn, id: &ApiKeyId, form: &RotationForm) -> Result<Rotation> {
    let request = form.parse()?;
    // So that uses before the rotation are not counted as uses after it.
    state.gate.write_down_uses().await;
    let (account, id) = (who.account.clone(), id.clone());
    who.change(state, move |tx| rotation::rotate(tx, &account, &id, request)).await
}

async fn find(state: &State, who: &SignedIn, id: ApiKeyId) -> Result<ApiKeyEntry> {
    let account = who.account.clone();
    state.store.read(move |conn| api_key::find(conn, &account, &id)).await
}

/// The question again, with what is wrong.
async fn refuse(
    state: &State,
    session: &Session,
    who: &SignedIn,
    id: ApiKeyId,
    form: RotationForm,
    error: Error,
) -> Result<HttpResponse> {
    let is_late = matches!(error, Error::ChangedMeanwhile);
    let mut rejection = FormRejection::of(error, NOT_ROTATED)?;
    if is_late {
        rejection.alert = Some(ROTATED_MEANWHILE.to_owned());
    }
    let is_stale = rejection.raise("secret_id");
    let (rejected, errors, alert) = rejection.into_parts();
    let entry = find(state, who, id).await?;
    let grace = Grace::parse(&form.grace).unwrap_or(Grace::DEFAULT);
    let question = RotationQuestion::new(entry, who.access, grace, state.clock.now());
    let secret_id = if is_stale { question.secret_id } else { form.secret_id };
    let question = RotationQuestion { secret_id, errors, alert, ..question };
    rejected.respond(&RotationPage { shell: Shell::new(SECTION, who, session), question })
}
