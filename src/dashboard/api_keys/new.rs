//! Making a key: the form, and the one reveal of what was made.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::list;
use super::new_form::{ApiKeyForm, ApiKeyFormView, CHOOSE_SERVICE};
use super::paths::{self, PATH, SECTION};
use super::reveal::Reveal;
use super::row::ApiKeyRow;
use super::wanted::WantedKeys;
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::htmx::{self, Htmx};
use crate::dashboard::frame::layout::{Shell, html, respond, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::api_key::{self, ApiKeyEntry, ApiKeyId, Creation, NewApiKey};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

pub(in crate::dashboard) const NOT_CREATED: &str = "The key was not created. Try again in a moment.";
const ALREADY_CREATED: &str = "This form was already sent, and its key was created then. The full key was shown \
    once. If you did not copy it, create another one.";

#[derive(Template)]
#[template(path = "api_keys/_created.html")]
struct CreatedApiKey {
    row: ApiKeyRow,
    reveal: Reveal,
    toast: Toast,
}

#[derive(Template)]
#[template(path = "api_keys/_dialog.html")]
struct ApiKeyDialog {
    form: ApiKeyFormView,
}

#[derive(Template)]
#[template(path = "api_keys/_form.html")]
struct ApiKeyFormPart {
    form: ApiKeyFormView,
}

#[derive(Template)]
#[template(path = "api_keys/new.html")]
struct NewApiKeyPage {
    shell: Shell,
    form: ApiKeyFormView,
}

/// Which service a new key is for.
#[derive(Deserialize)]
pub struct NewQuery {
    #[serde(default)]
    service: String,
}

/// `GET /api-keys/new?service=sms`, or without a service to choose one: the pop-up's content, or a page of its own.
pub async fn new_api_key(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    query: Query<NewQuery>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let mut filled = ApiKeyForm::for_service(query.into_inner().service);
    if let Some(draft) =
        session::take_draft(&session, paths::NEW).and_then(|draft| ApiKeyForm::read(draft.as_bytes()).ok())
    {
        filled = draft;
    }
    if filled.key_id.is_empty() {
        filled.key_id = ApiKeyId::mint().to_string();
    }
    if filled.service.is_empty() {
        filled.choose = CHOOSE_SERVICE.to_owned();
    }
    let form = ApiKeyFormView::read(&state, filled, htmx.is_part(), FieldErrors::default(), None).await?;
    if htmx.is_part() {
        return html(StatusCode::OK, &ApiKeyDialog { form });
    }
    html(StatusCode::OK, &NewApiKeyPage { shell: Shell::new(SECTION, &who, &session), form })
}

/// `POST /api-keys`
pub async fn create_api_key(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    htmx: Htmx,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Err(error) if !htmx.is_part() => return keep_form(error, &NextPath::parse(paths::NEW), &body),
        signed_in => signed_in?,
    };
    who.may(Permission::ManageKeys)?;
    let filled = ApiKeyForm::read(&body)?;
    match create(&state, &who, filled.parse()).await {
        Ok(Creation::Made(entry, secret)) => {
            let key = &entry.key;
            tracing::info!(key = %key.id, operator = %who.operator.id, "an API key was made");
            let reveal = Reveal::new(&state, &request, key, secret);
            let service = Some(key.service.clone()).filter(|_| filled.choose != CHOOSE_SERVICE);
            let wanted = WantedKeys::newest(service);
            show_created(&state, &session, who, &htmx, wanted, (*entry, reveal)).await
        }
        Ok(Creation::Repeated) => say_already_created(&session, &htmx, PATH),
        Err(error) => refuse(&state, &session, &who, &htmx, filled, error).await,
    }
}

/// Creates the key of a form, if the form is valid.
pub(in crate::dashboard) async fn create(state: &State, who: &SignedIn, new: Result<NewApiKey>) -> Result<Creation> {
    let new = new?;
    let (account, by) = (who.account.clone(), who.operator.id.clone());
    who.change(state, move |tx| api_key::create(tx, &account, Some(&by), new)).await
}

/// Leads a form that was sent before back to its list, with a word about it.
pub(in crate::dashboard) fn say_already_created(session: &Session, htmx: &Htmx, list: &str) -> Result<HttpResponse> {
    session::leave_toast(session, &Toast::error(ALREADY_CREATED))?;
    if htmx.is_part() {
        return Ok(HttpResponse::Ok().insert_header((htmx::REDIRECT, list)).finish());
    }
    Ok(see_other(list))
}

/// The only answer that carries a whole key; never kept by the browser.
async fn show_created(
    state: &State,
    session: &Session,
    who: SignedIn,
    htmx: &Htmx,
    wanted: WantedKeys,
    (entry, reveal): (ApiKeyEntry, Reveal),
) -> Result<HttpResponse> {
    let toast = Toast::success(format!("Success. Key “{}” created.", entry.key.name));
    let mut response = HttpResponse::Ok();
    response.insert_header((htmx::TRIGGER, "dialog:close"));
    if is_on_first_page(htmx) {
        response.insert_header((htmx::RETARGET, "#api-keys-rows")).insert_header((htmx::RESWAP, "afterbegin"));
        let row = ApiKeyRow::new(entry, who.access, state.clock.now());
        return respond(response, &CreatedApiKey { row, reveal, toast });
    }
    let mut shell = Shell::new(SECTION, &who, session);
    shell.toasts.push(toast);
    let page = list::draw_list(state, shell, who, wanted, Some(reveal)).await?;
    if htmx.is_part() {
        // The new key is on the first page, so that page takes the place of the open one.
        response.insert_header((htmx::RETARGET, "#api-keys-list")).insert_header((htmx::RESWAP, "innerHTML"));
        return respond(response, &page.into_part().as_list());
    }
    html(StatusCode::OK, &page)
}

/// Whether the list that is open begins with the newest key.
fn is_on_first_page(htmx: &Htmx) -> bool {
    let Htmx::Part { current_url, .. } = htmx else { return false };
    !["after=", "before="].iter().any(|cursor| current_url.contains(cursor))
}

/// The form again, as it was filled in, with what is wrong.
async fn refuse(
    state: &State,
    session: &Session,
    who: &SignedIn,
    htmx: &Htmx,
    mut filled: ApiKeyForm,
    error: Error,
) -> Result<HttpResponse> {
    let mut rejection = FormRejection::of(error, NOT_CREATED)?;
    if rejection.raise("key_id") {
        filled.key_id = ApiKeyId::mint().to_string();
    }
    let (rejected, errors, alert) = rejection.into_parts();
    let form = ApiKeyFormView::read(state, filled, htmx.is_part(), errors, alert).await?;
    if htmx.is_part() {
        return rejected.respond(&ApiKeyFormPart { form });
    }
    rejected.respond(&NewApiKeyPage { shell: Shell::new(SECTION, who, session), form })
}
