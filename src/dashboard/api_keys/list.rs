//! The API Keys page: the list, and what of it was just made.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use super::missed_switch::MissedSwitch;
use super::paths::{PATH, SECTION};
use super::reveal::Reveal;
use super::row::{ApiKeyRow, draw_sparklines};
use super::rules::expiry_banner::ExpiryBanner;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::position::{Total, position};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::leaks::banner::ReportedKeys;
use crate::dashboard::services::option::ServiceOption;
use crate::domain::api_key::{self, KEYS_PER_PAGE, KeyCursor};
use crate::domain::service::{self, Service};
use crate::error::{Error, Result};
use crate::http::State;
use crate::store::{Conn, UtcTime};

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
    missed: Option<MissedSwitch>,
    banner: Option<ExpiryBanner>,
    reported: Option<ReportedKeys>,
    /// The address of this list.
    url: String,
    position: Option<String>,
    first_page: Option<String>,
    newer_page: Option<String>,
    next_page: Option<String>,
    /// Whether the list brings its messages along: where it takes the place of another one.
    with_toasts: bool,
}

impl ApiKeysPage {
    /// The list for the place of the one that is open.
    pub(super) fn into_part(self) -> Self {
        Self { with_toasts: true, ..self }
    }
}

/// Which part of the list.
#[derive(Default, Deserialize)]
pub struct KeyListQuery {
    /// A service's slug; all services when empty.
    #[serde(default)]
    service: String,
    /// A cursor: what is older than it.
    #[serde(default)]
    after: String,
    /// A cursor: what is newer than it.
    #[serde(default)]
    before: String,
    /// A switch that was used after the session had ended.
    #[serde(default)]
    missed: String,
}

/// The beginning of a page.
#[derive(Clone, Default)]
enum ListStart {
    #[default]
    Newest,
    After(KeyCursor),
    Before(KeyCursor),
}

/// What of the list is wanted.
#[derive(Clone, Default)]
pub(super) struct WantedKeys {
    service: Option<String>,
    start: ListStart,
    missed: String,
}

impl WantedKeys {
    /// The newest keys of a service, or of all.
    pub(super) fn newest(service: Option<String>) -> Self {
        Self { service, ..Self::default() }
    }

    fn parse(KeyListQuery { service, after, before, missed }: KeyListQuery) -> Result<Self> {
        let cursor = |text: &str| text.parse().map_err(|()| Error::NotFound);
        let start = match (after.as_str(), before.as_str()) {
            ("", "") => ListStart::Newest,
            ("", before) => ListStart::Before(cursor(before)?),
            (after, _) => ListStart::After(cursor(after)?),
        };
        Ok(Self { service: Some(service).filter(|slug| !slug.is_empty()), start, missed })
    }

    /// The address of a page of this list, from here on.
    fn url(&self, name: &str, cursor: Option<&KeyCursor>) -> String {
        let service = self.service.as_ref().map(|slug| format!("service={slug}"));
        let start = cursor.map(|cursor| format!("{name}={cursor}"));
        // Slugs and cursors need no escaping.
        let query: Vec<String> = service.into_iter().chain(start).collect();
        if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", query.join("&")) }
    }

    fn own_url(&self) -> String {
        match &self.start {
            ListStart::Newest => self.url("", None),
            ListStart::After(place) => self.url("after", Some(place)),
            ListStart::Before(place) => self.url("before", Some(place)),
        }
    }
}

/// What the page shows, read in one go.
struct Listing {
    services: Vec<Service>,
    page: api_key::KeyPage,
    /// How many keys are before this page.
    newer: usize,
    total: usize,
    missed: Option<MissedSwitch>,
    banner: Option<ExpiryBanner>,
    reported: Option<ReportedKeys>,
}

fn listing(conn: &mut Conn, who: &SignedIn, wanted: &WantedKeys, now: UtcTime) -> Result<Listing> {
    let services = service::list(conn)?;
    let service = wanted.service.as_deref();
    let is_known = |slug: &str| services.iter().any(|service| service.slug == slug);
    if service.is_some_and(|slug| !is_known(slug)) {
        return Err(Error::NotFound);
    }
    let page = match &wanted.start {
        ListStart::Newest => api_key::list(conn, &who.account, service, None)?,
        ListStart::After(place) => api_key::list(conn, &who.account, service, Some(place))?,
        ListStart::Before(place) => api_key::list_newer(conn, &who.account, service, place)?,
    };
    let newer = match (&wanted.start, page.first()) {
        (ListStart::Newest, _) => 0,
        // After the last key: what there is, is newer.
        (_, first) => api_key::count(conn, &who.account, service, first.as_ref())?,
    };
    let total = match page.next {
        None => newer + page.rows.len(),
        Some(_) => api_key::count(conn, &who.account, service, None)?,
    };
    let missed = MissedSwitch::read(conn, &who.account, &wanted.missed)?;
    let banner = ExpiryBanner::read(conn, &who.account, now)?;
    let reported = ReportedKeys::read(conn, &who.account, now)?;
    Ok(Listing { services, page, newer, total, missed, banner, reported })
}

/// `GET /api-keys?service=…&after=…` or `&before=…`
pub async fn list_api_keys(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    query: Query<KeyListQuery>,
) -> Result<HttpResponse> {
    let wanted = WantedKeys::parse(query.into_inner())?;
    let page = draw_list(&state, Shell::new(SECTION, &who, &session), who, wanted, None).await?;
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
    wanted: WantedKeys,
    reveal: Option<Reveal>,
) -> Result<ApiKeysPage> {
    let read = wanted.clone();
    let (access, now) = (who.access, state.clock.now());
    let Listing { services, page, newer, total, missed, banner, reported } =
        state.store.read(move |conn| listing(conn, &who, &read, now)).await?;
    let services = ServiceOption::list(services, wanted.service.as_deref());
    let current = services.iter().find(|service| service.selected).or(services.first()).cloned();
    let before = page.first().filter(|_| newer > KEYS_PER_PAGE);
    let position = position(newer, page.rows.len(), Total::Exactly(total), ["key", "keys"]);
    let mut rows: Vec<_> = page.rows.into_iter().map(|entry| ApiKeyRow::new(entry, access, now)).collect();
    draw_sparklines(state, &mut rows).await?;
    Ok(ApiKeysPage {
        shell,
        filtered: wanted.service.is_some(),
        current: current.ok_or(Error::NotFound)?,
        services,
        missed,
        banner,
        reported,
        url: wanted.own_url(),
        position: position.filter(|_| total > KEYS_PER_PAGE),
        first_page: (newer > 0).then(|| wanted.url("", None)),
        newer_page: before.map(|place| wanted.url("before", Some(&place))),
        next_page: page.next.as_ref().map(|next| wanted.url("after", Some(next))),
        rows,
        reveal,
        with_toasts: false,
    })
}
