//! The API Keys page: the list, the form for a new key, and its one reveal.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::api_key_row::ApiKeyRow;
use super::service_option::ServiceOption;
use crate::domain::api_key::{self, ApiKey, ApiKeyEntry, ApiKeyId, Creation, Cursor, NewApiKey};
use crate::domain::key_secret::KeySecret;
use crate::domain::operator::Operator;
use crate::domain::service::{self, Service};
use crate::error::{Error, FieldErrors, Result};
use crate::store::Conn;
use crate::web::State;
use crate::web::base_url::base_url;
use crate::web::htmx::{self, Htmx};
use crate::web::next_path::NextPath;
use crate::web::pages::login;
use crate::web::session::{self, SignedIn};
use crate::web::view::{Shell, Toast, html, respond, see_other};

pub(super) const SECTION: &str = "api-keys";
const REPEATED: &str = "This form was sent before, and its key was made then. The full key was shown once; \
    if you did not copy it, make another one.";

/// The page; its block `list` is what htmx gets when it asks for a part.
#[derive(Template)]
#[template(path = "api_keys/page.html", blocks = ["list"])]
struct ApiKeysPage {
    shell: Shell,
    services: Vec<ServiceOption>,
    filtered: bool,
    current: ServiceOption,
    rows: Vec<ApiKeyRow>,
    reveal: Option<Reveal>,
    next_page: Option<String>,
    first_page: Option<String>,
}

/// The one sight of a new key's secret, in a row under the key's.
struct Reveal {
    id: ApiKeyId,
    name: String,
    key: KeySecret,
    base_url: String,
}

#[derive(Template)]
#[template(path = "api_keys/_created.html")]
struct CreatedApiKey {
    row: ApiKeyRow,
    reveal: Reveal,
    toast: Toast,
}

/// The form, empty or as it was filled in.
struct ApiKeyFormView {
    key_id: String,
    service_slug: String,
    service_name: String,
    name: String,
    description: String,
    errors: FieldErrors,
    alert: Option<String>,
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

/// Which part of the list.
#[derive(Default, Deserialize)]
pub struct ListQuery {
    /// A service's slug; all services when empty.
    #[serde(default)]
    service: String,
    /// A cursor.
    #[serde(default)]
    after: String,
}

/// Which service a new key is for.
#[derive(Deserialize)]
pub struct NewQuery {
    #[serde(default)]
    service: String,
}

/// What is filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ApiKeyForm {
    key_id: String,
    service: String,
    mode: Option<String>,
    name: String,
    description: String,
}

/// What the page shows, read in one go.
struct Listing {
    services: Vec<Service>,
    page: api_key::Page,
}

fn listing(conn: &mut Conn, operator: &Operator, service: Option<&str>, after: Option<&Cursor>) -> Result<Listing> {
    let services = service::list(conn)?;
    let is_known = |slug: &str| services.iter().any(|service| service.slug == slug);
    if service.is_some_and(|slug| !is_known(slug)) {
        return Err(Error::NotFound);
    }
    let page = api_key::list(conn, &operator.account_id, service, after)?;
    Ok(Listing { services, page })
}

/// `GET /api-keys?service=…&after=…`
pub async fn list_api_keys(
    state: Data<State>,
    session: Session,
    SignedIn(operator): SignedIn,
    htmx: Htmx,
    query: Query<ListQuery>,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let after: Option<Cursor> = match query.after.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|()| Error::NotFound)?),
    };
    let page =
        draw_list(&state, Shell::new(SECTION, &operator, &session), operator, query.service, after, None).await?;
    if htmx.is_part() { html(StatusCode::OK, &page.as_list()) } else { html(StatusCode::OK, &page) }
}

async fn draw_list(
    state: &State,
    shell: Shell,
    operator: Operator,
    service: String,
    after: Option<Cursor>,
    reveal: Option<Reveal>,
) -> Result<ApiKeysPage> {
    let filter = Some(service).filter(|slug| !slug.is_empty());
    let on_first_page = after.is_none();
    let wanted = filter.clone();
    let Listing { services, page } =
        state.store.read(move |conn| listing(conn, &operator, wanted.as_deref(), after.as_ref())).await?;
    let services = ServiceOption::list(services, filter.as_deref());
    let now = state.clock.now();
    let current = services.iter().find(|service| service.selected).or(services.first()).cloned();
    let link = |cursor: Option<&Cursor>| list_url(filter.as_deref(), cursor);
    Ok(ApiKeysPage {
        shell,
        filtered: filter.is_some(),
        current: current.ok_or(Error::NotFound)?,
        services,
        next_page: page.next.as_ref().map(|next| link(Some(next))),
        first_page: (!on_first_page).then(|| link(None)),
        rows: page.rows.into_iter().map(|entry| ApiKeyRow::new(entry, now)).collect(),
        reveal,
    })
}

/// Slugs and cursors need no escaping.
fn list_url(service: Option<&str>, after: Option<&Cursor>) -> String {
    let service = service.map(|slug| format!("service={slug}"));
    let after = after.map(|cursor| format!("after={cursor}"));
    let query: Vec<String> = service.into_iter().chain(after).collect();
    if query.is_empty() { "/api-keys".to_owned() } else { format!("/api-keys?{}", query.join("&")) }
}

/// `GET /api-keys/new?service=sms`: the pop-up's content, or a page of its own.
pub async fn new_api_key(
    state: Data<State>,
    session: Session,
    SignedIn(operator): SignedIn,
    htmx: Htmx,
    query: Query<NewQuery>,
) -> Result<HttpResponse> {
    let mut filled = ApiKeyForm { service: query.into_inner().service, ..ApiKeyForm::default() };
    if let Some(draft) = session::take_draft(&session).and_then(|draft| parse_form(draft.as_bytes()).ok()) {
        filled = draft;
    }
    if filled.key_id.is_empty() {
        filled.key_id = ApiKeyId::mint().to_string();
    }
    if filled.service.is_empty() {
        filled.service = "sms".to_owned();
    }
    let form = draw_form(&state, filled, FieldErrors::default(), None).await?;
    if htmx.is_part() {
        return html(StatusCode::OK, &ApiKeyDialog { form });
    }
    html(StatusCode::OK, &NewApiKeyPage { shell: Shell::new(SECTION, &operator, &session), form })
}

async fn draw_form(
    state: &State,
    filled: ApiKeyForm,
    errors: FieldErrors,
    alert: Option<String>,
) -> Result<ApiKeyFormView> {
    let slug = filled.service;
    let service = state.store.read(move |conn| service::find(conn, &slug)).await?;
    Ok(ApiKeyFormView {
        key_id: filled.key_id,
        service_slug: service.slug,
        service_name: service.name,
        name: filled.name,
        description: filled.description,
        errors,
        alert,
    })
}

fn parse_form(body: &[u8]) -> Result<ApiKeyForm> {
    Query::<ApiKeyForm>::from_query(&String::from_utf8_lossy(body))
        .map(Query::into_inner)
        .map_err(|error| Error::Malformed(format!("The form can't be read: {error}.")))
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
    let SignedIn(operator) = match signed_in {
        Err(Error::Unauthenticated) if !htmx.is_part() => {
            let draft = String::from_utf8_lossy(&body).into_owned();
            return login::ask_to_log_in(&NextPath::parse("/api-keys/new"), draft);
        }
        signed_in => signed_in?,
    };
    let filled = parse_form(&body)?;
    match create(&state, &operator, &filled).await {
        Ok(Creation::Made(key, secret)) => {
            tracing::info!(key = %key.id, operator = %operator.id, "an API key was made");
            let base_url = base_url(&state, &request);
            let reveal = Reveal { id: key.id.clone(), name: key.name.clone(), key: secret, base_url };
            show_created(&state, &session, operator, &htmx, *key, reveal).await
        }
        Ok(Creation::Repeated) => {
            session::leave_toast(&session, &Toast::error(REPEATED))?;
            let list = list_url(None, None);
            if htmx.is_part() {
                Ok(HttpResponse::Ok().insert_header((htmx::REDIRECT, list)).finish())
            } else {
                Ok(see_other(&list))
            }
        }
        Err(error) => refuse(&state, &session, &operator, &htmx, filled, error).await,
    }
}

async fn create(state: &State, operator: &Operator, filled: &ApiKeyForm) -> Result<Creation> {
    let new = NewApiKey::parse(
        &filled.key_id,
        &filled.service,
        filled.mode.as_deref().unwrap_or("live"),
        &filled.name,
        &filled.description,
    )?;
    let (operator, now) = (operator.clone(), state.clock.now());
    state.store.write(move |conn| api_key::create(conn, &operator, new, now)).await
}

/// The only answer that carries a whole key; never kept by the browser.
async fn show_created(
    state: &State,
    session: &Session,
    operator: Operator,
    htmx: &Htmx,
    key: ApiKey,
    reveal: Reveal,
) -> Result<HttpResponse> {
    let toast = Toast::success(format!("Success. The key “{}” was created.", key.name));
    if htmx.is_part() {
        let slug = key.service.clone();
        let service = state.store.read(move |conn| service::find(conn, &slug)).await?;
        let mut response = HttpResponse::Ok();
        response
            .insert_header((htmx::RETARGET, "#api-keys-rows"))
            .insert_header((htmx::RESWAP, "afterbegin"))
            .insert_header((htmx::TRIGGER, "dialog:close"));
        let row = ApiKeyRow::new(ApiKeyEntry { key, service, usage: None }, state.clock.now());
        return respond(response, &CreatedApiKey { row, reveal, toast });
    }
    let mut shell = Shell::new(SECTION, &operator, session);
    shell.toasts.push(toast);
    let page = draw_list(state, shell, operator, key.service, None, Some(reveal)).await?;
    html(StatusCode::OK, &page)
}

/// The form again, as it was filled in, with what is wrong.
async fn refuse(
    state: &State,
    session: &Session,
    operator: &Operator,
    htmx: &Htmx,
    mut filled: ApiKeyForm,
    error: Error,
) -> Result<HttpResponse> {
    let (status, errors, alert) = match error {
        Error::Invalid(errors) => {
            let stale = errors.get("key_id").map(str::to_owned);
            if stale.is_some() {
                filled.key_id = ApiKeyId::mint().to_string();
            }
            (StatusCode::UNPROCESSABLE_ENTITY, errors, stale)
        }
        Error::Unavailable { reason, .. } => {
            let alert = format!("{} The key was not created; try again in a moment.", reason.sentence());
            (StatusCode::SERVICE_UNAVAILABLE, FieldErrors::default(), Some(alert))
        }
        error => return Err(error),
    };
    let form = draw_form(state, filled, errors, alert).await?;
    if htmx.is_part() {
        return html(status, &ApiKeyFormPart { form });
    }
    html(status, &NewApiKeyPage { shell: Shell::new(SECTION, operator, session), form })
}
