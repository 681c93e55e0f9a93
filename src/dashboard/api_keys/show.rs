//! One key's page: what it is called, what it is, and how it was used.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path, Query};
use askama::Template;
use serde::Deserialize;

use super::callback::view::{CallbackDraft, CallbackView};
use super::first_request::SMS;
use super::key_details::KeyDetails;
use super::paths::{
    SECTION, allowed_ips_form, callback_form, expiry_form, limits_form, parse_id, path, reason_form, scopes_form,
};
use super::row::ApiKeyRow;
use super::trash::show_trashed;
use crate::dashboard::automate;
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{self, ApiKeyEntry, ApiKeyId, Label};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";
const EDIT_CONFLICT: &str = "Somebody changed this key while you were editing. Save again to overwrite it.";

/// `api_key/page.html`
#[derive(Template)]
#[template(path = "api_key/page.html")]
struct ApiKeyPage {
    shell: Shell,
    row: ApiKeyRow,
    known: KeyDetails,
    form: LabelFormView,
    /// Whether live messages are really sent.
    has_carrier: bool,
    /// The list of the messages that were sent with this key, where it can send some.
    messages: Option<String>,
}

/// How the page was reached.
#[derive(Deserialize)]
pub struct KeyPageQuery {
    /// A switch that was used after the session had ended.
    #[serde(default)]
    missed: String,
}

/// The form, as the key is or as it was filled in.
struct LabelFormView {
    name: String,
    description: String,
    version: i64,
    errors: FieldErrors,
    alert: Option<String>,
    /// What somebody else saved while the form was being filled in.
    saved_meanwhile: bool,
}

/// What is filled in.
#[derive(Clone, Deserialize)]
pub struct LabelForm {
    name: String,
    description: String,
    version: i64,
}

/// `GET /api-keys/{id}`
pub async fn show_api_key(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    id: Path<String>,
    query: Query<KeyPageQuery>,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let mut known = match KeyDetails::read(&state, &who, &id, &query.missed).await {
        Err(Error::NotFound) => return show_trashed(&state, &session, &who, id).await,
        read => read?,
    };
    let callback = session::take_draft(&session, callback_form(&id).as_str());
    if let Some(CallbackDraft { url }) = callback.and_then(|draft| parse_form(draft.as_bytes()).ok()) {
        known.callback = known.callback.map(|callback| CallbackView { url, ..callback });
    }
    known.reason.fill_in_draft(session::take_draft(&session, reason_form(&id).as_str()));
    known.expiry.fill_in_draft(session::take_draft(&session, expiry_form(&id).as_str()));
    known.scopes.fill_in_draft(session::take_draft(&session, scopes_form(&id).as_str()));
    known.allowed_ips.fill_in_draft(session::take_draft(&session, allowed_ips_form(&id).as_str()));
    if let Some(limits) = &mut known.limits {
        limits.fill_in_draft(session::take_draft(&session, limits_form(&id).as_str()));
    }
    let draft = session::take_draft(&session, &path(&id)).and_then(|draft| parse_form(draft.as_bytes()).ok());
    let form = match draft {
        Some(draft) => LabelFormView::filled(draft, FieldErrors::default(), None),
        None => LabelFormView::of(&known),
    };
    draw(&state, StatusCode::OK, Shell::new(SECTION, &who, &session), known, form)
}

/// `POST /api-keys/{id}`
pub async fn relabel_api_key(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let filled = parse_form::<LabelForm>(&body)?;
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &NextPath::parse(&path(&id)), &body),
    };
    who.may(Permission::ManageKeys)?;
    match relabel(&state, &who, &id, &filled).await {
        Ok(entry) => {
            tracing::info!(key = %id, operator = %who.operator.id, "an API key was relabelled");
            session::leave_toast(&session, &Toast::success(format!("Success. Key “{}” saved.", entry.key.name)))?;
            Ok(see_other(&path(&id)))
        }
        Err(error) => {
            let rejection = rejection(error)?;
            let known = KeyDetails::read(&state, &who, &id, "").await?;
            let form = LabelFormView::rejected(filled, &rejection, &known);
            let shell = Shell::new(SECTION, &who, &session);
            draw(&state, rejection.status, shell, known, form)
        }
    }
}

/// The page of a key, with what `filled_in` changes of it.
pub(super) async fn draw_with(
    state: &State,
    status: StatusCode,
    shell: Shell,
    who: &SignedIn,
    id: &ApiKeyId,
    filled_in: impl FnOnce(&mut KeyDetails),
) -> Result<HttpResponse> {
    let mut known = KeyDetails::read(state, who, id, "").await?;
    filled_in(&mut known);
    let form = LabelFormView::of(&known);
    draw(state, status, shell, known, form)
}

async fn relabel(state: &State, who: &SignedIn, id: &ApiKeyId, filled: &LabelForm) -> Result<ApiKeyEntry> {
    let label = Label::parse(&filled.name, &filled.description)?;
    let (account, id, version) = (who.account.clone(), id.clone(), filled.version);
    who.change(state, move |tx| api_key::relabel(tx, &account, &id, &label, version)).await
}

fn draw(
    state: &State,
    status: StatusCode,
    mut shell: Shell,
    known: KeyDetails,
    form: LabelFormView,
) -> Result<HttpResponse> {
    if known.bounds.is_some() {
        shell.section = automate::paths::SECTION;
    }
    let row = ApiKeyRow::new(known.entry.clone(), shell.access, state.clock.now());
    let has_carrier = !state.sms.rehearses(Mode::Live);
    let messages = (known.entry.key.service == SMS).then(|| format!("/messages?api_key={}", row.id));
    html(status, &ApiKeyPage { shell, row, known, form, has_carrier, messages })
}

impl LabelFormView {
    fn of(KeyDetails { entry: ApiKeyEntry { key, .. }, .. }: &KeyDetails) -> Self {
        let filled = LabelForm { name: key.name.clone(), description: key.description.clone(), version: key.version };
        Self::filled(filled, FieldErrors::default(), None)
    }

    fn filled(LabelForm { name, description, version }: LabelForm, errors: FieldErrors, alert: Option<String>) -> Self {
        Self { name, description, version, errors, alert, saved_meanwhile: false }
    }

    /// Keeps what was typed. After a change by somebody else the next try
    /// builds on that change, which is shown beside it.
    fn rejected(filled: LabelForm, rejection: &FormRejection, known: &KeyDetails) -> Self {
        let saved_meanwhile = is_edit_conflict(rejection);
        let version = if saved_meanwhile { known.entry.key.version } else { filled.version };
        let form = Self::filled(filled, rejection.errors.clone(), rejection.alert.clone());
        Self { version, saved_meanwhile, ..form }
    }
}

fn rejection(error: Error) -> Result<FormRejection> {
    let rejection = FormRejection::of(error, NOT_SAVED)?;
    let alert = if is_edit_conflict(&rejection) { Some(EDIT_CONFLICT.to_owned()) } else { rejection.alert };
    Ok(FormRejection { alert, ..rejection })
}

fn is_edit_conflict(rejection: &FormRejection) -> bool {
    rejection.status == StatusCode::CONFLICT
}
