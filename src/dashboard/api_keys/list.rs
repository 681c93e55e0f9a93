//! The API Keys page: the list, and what of it was just made.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use super::paths::{PATH, SECTION};
use super::reveal::Reveal;
use super::row::ApiKeyRow;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::services::option::ServiceOption;
use crate::domain::api_key::{self, KeyCursor};
use crate::domain::service::{self, Service};
use crate::error::{Error, Result};
use crate::http::State;
use crate::store::Conn;

/// The page; its block `list` is what htmx gets when it asks for a part.
#[derive(Template)]
#[template(path = "api_keys/page.html", blocks = ["list"])]
pub(super) struct ApiKeysPage {
    shell: Shell,
    services: Vec<ServiceOption>,
    filtered: bool,
    current: ServiceOption,
    rows: Vec<ApiKeyRow>,
    reveal: Option<Reveal>,
    next_page: Option<String>,
    first_page: Option<String>,
}

/// Which part of the list.
#[derive(Default, Deserialize)]
pub struct KeyListQuery {
    /// A service's slug; all services when empty.
    #[serde(default)]
    service: String,
    /// A cursor.
    #[serde(default)]
    after: String,
}

/// What the page shows, read in one go.
struct Listing {
    services: Vec<Service>,
    page: api_key::KeyPage,
}

fn listing(conn: &mut Conn, who: &SignedIn, service: Option<&str>, after: Option<&KeyCursor>) -> Result<Listing> {
    let services = service::list(conn)?;
    let is_known = |slug: &str| services.iter().any(|service| service.slug == slug);
    if service.is_some_and(|slug| !is_known(slug)) {
        return Err(Error::NotFound);
    }
    let page = api_key::list(conn, &who.account, service, after)?;
    Ok(Listing { services, page })
}

/// `GET /api-keys?service=…&after=…`
pub async fn list_api_keys(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    query: Query<KeyListQuery>,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let after: Option<KeyCursor> = match query.after.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|()| Error::NotFound)?),
    };
    let page = draw_list(&state, Shell::new(SECTION, &who, &session), who, query.service, after, None).await?;
    if htmx.is_part() { html(StatusCode::OK, &page.as_list()) } else { html(StatusCode::OK, &page) }
}

/// The page, with the key that was just made when there is one.
///
/// # Errors
/// [`Error::NotFound`] for an unknown service; when the database fails.
pub(super) async fn draw_list(
    state: &State,
    shell: Shell,
    who: SignedIn,
    service: String,
    after: Option<KeyCursor>,
    reveal: Option<Reveal>,
) -> Result<ApiKeysPage> {
    let filter = Some(service).filter(|slug| !slug.is_empty());
    let on_first_page = after.is_none();
    let wanted = filter.clone();
    let Listing { services, page } =
        state.store.read(move |conn| listing(conn, &who, wanted.as_deref(), after.as_ref())).await?;
    let services = ServiceOption::list(services, filter.as_deref());
    let now = state.clock.now();
    let current = services.iter().find(|service| service.selected).or(services.first()).cloned();
    let link = |cursor: Option<&KeyCursor>| list_url(filter.as_deref(), cursor);
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
fn list_url(service: Option<&str>, after: Option<&KeyCursor>) -> String {
    let service = service.map(|slug| format!("service={slug}"));
    let after = after.map(|cursor| format!("after={cursor}"));
    let query: Vec<String> = service.into_iter().chain(after).collect();
    if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", query.join("&")) }
}
