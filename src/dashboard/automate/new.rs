//! Creating a management key: the form, and the one reveal of what was created.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::form::{ManagementKeyForm, ManagementKeyFormView};
use super::page;
use super::paths::{NEW, PATH, SECTION};
use crate::dashboard::api_keys::new::{NOT_CREATED, create, say_already_created};
use crate::dashboard::api_keys::reveal::Reveal;
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::htmx::{self, Htmx};
use crate::dashboard::frame::layout::{Shell, html, respond};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::{keep_form, keep_part};
use crate::domain::account::Permission;
use crate::domain::api_key::{ApiKeyId, Creation};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

#[derive(Template)]
#[template(path = "automate/_dialog.html")]
struct ManagementKeyDialog {
    form: ManagementKeyFormView,
}

#[derive(Template)]
#[template(path = "automate/_form.html")]
struct ManagementKeyFormPart {
    form: ManagementKeyFormView,
}

#[derive(Template)]
#[template(path = "automate/new.html")]
struct NewManagementKeyPage {
    shell: Shell,
    form: ManagementKeyFormView,
}

/// Who may create a management key, after a login just now.
fn require_maker(state: &State, who: &SignedIn) -> Result<()> {
    who.may(Permission::ManageKeys)?;
    who.require_fresh_login(state.clock.now())
}

/// `GET /automate/new`: the pop-up's content, or a page of its own.
pub async fn new_management_key(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
) -> Result<HttpResponse> {
    require_maker(&state, &who)?;
    let draft = session::take_draft(&session, NEW);
    let mut filled = draft.and_then(|draft| ManagementKeyForm::read(draft.as_bytes()).ok()).unwrap_or_default();
    if filled.key_id.is_empty() {
        filled.key_id = ApiKeyId::mint().to_string();
    }
    let form = ManagementKeyFormView::read(&state, filled, htmx.is_part(), FieldErrors::default(), None).await?;
    if htmx.is_part() {
        return html(StatusCode::OK, &ManagementKeyDialog { form });
    }
    html(StatusCode::OK, &NewManagementKeyPage { shell: Shell::new(SECTION, &who, &session), form })
}

/// `POST /automate`
pub async fn create_management_key(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    htmx: Htmx,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in.and_then(|who| require_maker(&state, &who).map(|()| who)) {
        Ok(who) => who,
        Err(error) if htmx.is_part() => return keep_part(&session, error, &NextPath::parse(NEW), &body),
        Err(error) => return keep_form(error, &NextPath::parse(NEW), &body),
    };
    let filled = ManagementKeyForm::read(&body)?;
    match create(&state, &who, filled.parse()).await {
        Ok(Creation::Made(entry, secret)) => {
            let key = &entry.key;
            tracing::info!(key = %key.id, operator = %who.operator.id, "a management key was created");
            let reveal = Reveal::new(&state, &request, key, secret);
            let toast = Toast::success(format!("Success. Key “{}” created.", key.name));
            show_created(&state, &session, &who, &htmx, &request, (toast, reveal)).await
        }
        Ok(Creation::Repeated) => say_already_created(&session, &htmx, PATH),
        Err(error) => refuse(&state, &session, &who, &htmx, filled, error).await,
    }
}

/// The only answer that carries the whole key; never kept by the browser.
async fn show_created(
    state: &State,
    session: &Session,
    who: &SignedIn,
    htmx: &Htmx,
    request: &HttpRequest,
    (toast, reveal): (Toast, Reveal),
) -> Result<HttpResponse> {
    let mut shell = Shell::new(SECTION, who, session);
    shell.toasts.push(toast);
    let page = page::draw(state, request, shell, who, Some(reveal)).await?;
    if !htmx.is_part() {
        return html(StatusCode::OK, &page);
    }
    let mut response = HttpResponse::Ok();
    response
        .insert_header((htmx::TRIGGER, "dialog:close"))
        .insert_header((htmx::RETARGET, "#management-keys"))
        .insert_header((htmx::RESWAP, "innerHTML"));
    respond(response, &page.into_part().as_list())
}

/// The form again, as it was filled in, with what is wrong.
async fn refuse(
    state: &State,
    session: &Session,
    who: &SignedIn,
    htmx: &Htmx,
    mut filled: ManagementKeyForm,
    error: Error,
) -> Result<HttpResponse> {
    let mut rejection = FormRejection::of(error, NOT_CREATED)?;
    if rejection.raise("key_id") {
        filled.key_id = ApiKeyId::mint().to_string();
    }
    let (rejected, errors, alert) = rejection.into_parts();
    let form = ManagementKeyFormView::read(state, filled, htmx.is_part(), errors, alert).await?;
    if htmx.is_part() {
        return rejected.respond(&ManagementKeyFormPart { form });
    }
    rejected.respond(&NewManagementKeyPage { shell: Shell::new(SECTION, who, session), form })
}
