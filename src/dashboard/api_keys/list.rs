//! The API Keys page: the list, and what of it was just made.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::cards::{Card, FEW_KEYS, cards};
use super::filter_view::{KeyFilterView, Makers, SortLinks};
use super::missed_switch::MissedSwitch;
use super::paths::SECTION;
use super::reveal::Reveal;
use super::row::{ApiKeyRow, draw_sparklines};
use super::rules::expiry_banner::ExpiryBanner;
use super::wanted::WantedKeys;
use crate::dashboard::carriers::trouble::TroubledCarriers;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::position::{Total, position};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::leaks::banner::ReportedKeys;
use crate::dashboard::services::option::ServiceOption;
use crate::domain::account::Permission;
use crate::domain::api_key::{
    self, KEYS_PER_PAGE, KeyFilter, KeyPageStart, KeySort, MAX_KEY_COUNT, SortedKeyPage, SortedKeys, trash,
};
use crate::domain::management;
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
    filter: KeyFilterView,
    sorts: SortLinks,
    cards: Vec<Card>,
    /// Whether there are keys to search and filter.
    has_tools: bool,
    /// Whether the list is empty because of more than the choice of a service.
    is_filtered_away: bool,
    /// Whether an empty list is the place for the first key.
    offers_new_key: bool,
    /// Whether the list is in the order in which it is without a choice.
    is_newest_first: bool,
    /// Whether keys can be selected.
    has_boxes: bool,
    /// How many keys the filter has, in words.
    matching: String,
    /// The filter, as the form of the selection sends it.
    bulk_filter: String,
    rows: Vec<ApiKeyRow>,
    reveal: Option<Reveal>,
    missed: Option<MissedSwitch>,
    banner: Option<ExpiryBanner>,
    reported: Option<ReportedKeys>,
    /// What is said about carriers that take no messages.
    troubled: Vec<String>,
    /// The address of this list.
    url: String,
    position: Option<String>,
    first_page: Option<String>,
    newer_page: Option<String>,
    next_page: Option<String>,
    /// Whether there are deleted keys that can be restored.
    has_trash: bool,
    /// Whether the list brings its messages along: where it takes the place of another one.
    with_toasts: bool,
}

impl ApiKeysPage {
    /// The list for the place of the one that is open.
    pub(super) fn into_part(self) -> Self {
        Self { with_toasts: true, ..self }
    }
}

/// What the page shows, read in one go.
struct Listing {
    services: Vec<Service>,
    makers: Makers,
    page: SortedKeyPage,
    cards: Vec<Card>,
    missed: Option<MissedSwitch>,
    banner: Option<ExpiryBanner>,
    reported: Option<ReportedKeys>,
    troubled: Vec<String>,
    has_trash: bool,
}

fn listing(
    conn: &mut Conn,
    who: &SignedIn,
    carriers: &TroubledCarriers,
    wanted: &WantedKeys,
    now: UtcTime,
) -> Result<Listing> {
    let filter = &wanted.keys.filter;
    let services = services_of_list(conn, who, filter)?;
    let is_known = |slug: &str| services.iter().any(|service| service.slug == slug);
    if filter.service.as_deref().is_some_and(|slug| !is_known(slug)) {
        return Err(Error::NotFound);
    }
    let keys = SortedKeys { account: &who.account, filter, sort: wanted.sort, now };
    // What was typed wrong finds nothing, rather than everything.
    let page = if wanted.keys.errors.is_empty() { keys.page(conn, &wanted.start)? } else { SortedKeyPage::default() };
    let is_plain = filter.is_empty() && wanted.start == KeyPageStart::First;
    let has_cards = is_plain && page.total > FEW_KEYS;
    Ok(Listing {
        services,
        makers: Makers::read(conn, &who.account)?,
        page,
        cards: if has_cards { cards(conn, &who.account, now)? } else { Vec::new() },
        missed: MissedSwitch::read(conn, &who.account, &wanted.missed)?,
        banner: ExpiryBanner::read(conn, &who.account, now)?,
        has_trash: trash::has_any(conn, &who.account, now)?,
        reported: ReportedKeys::read(conn, &who.account, now)?,
        troubled: carriers.sentences(conn)?,
    })
}

/// The services to choose from. That of management keys is among them where it is chosen or has keys.
fn services_of_list(conn: &mut Conn, who: &SignedIn, filter: &KeyFilter) -> Result<Vec<Service>> {
    let is_chosen = filter.service.as_deref() == Some(management::SERVICE);
    if is_chosen || !api_key::names(conn, &who.account, management::SERVICE, 1)?.is_empty() {
        return service::list_all(conn);
    }
    service::list(conn)
}

/// `GET /api-keys?q=…&status=…&sort=…&after=…` or `&before=…`
pub async fn list_api_keys(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let wanted = WantedKeys::parse(request.query_string())?;
    let is_wrong = !wanted.keys.errors.is_empty();
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = draw_list(&state, Shell::new(SECTION, &who, &session), who, wanted, None).await?;
    if htmx.is_part() { html(status, &page.as_list()) } else { html(status, &page) }
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
    let carriers = TroubledCarriers::seen_by(access, &state.sms);
    let Listing { services, makers, page, cards, missed, banner, reported, troubled, has_trash } =
        state.store.read(move |conn| listing(conn, &who, &carriers, &read, now)).await?;
    let services = ServiceOption::list(services, wanted.keys.filter.service.as_deref());
    let chosen = services.iter().find(|service| service.selected);
    let filter = KeyFilterView::new(&wanted, &makers, chosen.map(|service| service.name.clone()));
    let current = chosen.or(services.first()).cloned();
    let total = if page.total > MAX_KEY_COUNT { Total::MoreThan(MAX_KEY_COUNT) } else { Total::Exactly(page.total) };
    let is_plain = wanted.keys.is_plain();
    let position = position(page.before, page.rows.len(), total, ["key", "keys"]);
    let position = position.filter(|_| page.total > KEYS_PER_PAGE && page.before <= MAX_KEY_COUNT);
    let mut rows: Vec<_> = page.rows.into_iter().map(|entry| ApiKeyRow::new(entry, access, now)).collect();
    rows.iter_mut().for_each(|row| row.is_in_trash = wanted.keys.filter.in_trash);
    draw_sparklines(state, &mut rows).await?;
    Ok(ApiKeysPage {
        shell,
        filtered: wanted.keys.filter.service.is_some(),
        current: current.ok_or(Error::NotFound)?,
        services,
        filter,
        sorts: if page.total > FEW_KEYS { SortLinks::new(&wanted) } else { SortLinks::default() },
        cards,
        has_tools: page.total > 0 || page.before > 0 || !is_plain,
        is_filtered_away: !is_plain && page.before == 0,
        offers_new_key: is_plain && page.before == 0,
        has_boxes: access.allows(Permission::ManageKeys)
            && !rows.is_empty()
            && (page.total > FEW_KEYS || !is_plain || page.before > 0),
        matching: matching_words(page.total),
        bulk_filter: wanted.keys.query(),
        is_newest_first: wanted.sort == KeySort::Newest,
        missed,
        banner,
        reported,
        troubled,
        url: wanted.own_url(),
        position,
        first_page: (page.before > 0).then(|| wanted.url(&KeyPageStart::First)),
        newer_page: page
            .first
            .filter(|_| page.before > KEYS_PER_PAGE)
            .map(|place| wanted.url(&KeyPageStart::Before(place))),
        next_page: page.last.map(|place| wanted.url(&KeyPageStart::After(place))),
        rows,
        reveal,
        has_trash,
        with_toasts: false,
    })
}

fn matching_words(total: usize) -> String {
    if total > MAX_KEY_COUNT { "1,000+".to_owned() } else { total.to_string() }
}
