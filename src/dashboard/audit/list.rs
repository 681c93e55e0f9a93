//! The Audit page: who changed what.

use std::collections::HashSet;

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use askama::Template;

use super::filter::{AuditFilterQuery, AuditFilterView, AuditStart, FilterNames, WantedEvents};
use super::paths::SECTION;
use super::row::AuditRowView;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::position::{Total, position};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::audit::filter::AuditFilter;
use crate::domain::audit::list::{self, AuditList, EVENTS_PER_PAGE, MAX_EVENT_COUNT};
use crate::domain::audit::scope::AuditScope;
use crate::error::Result;
use crate::http::State;
use crate::store::{Conn, UtcTime};

#[derive(Template)]
#[template(path = "audit/page.html")]
struct AuditPage {
    shell: Shell,
    filter: AuditFilterView,
    rows: Vec<AuditRowView>,
    position: Option<String>,
    first_page: Option<String>,
    newer_page: Option<String>,
    next_page: Option<String>,
}

/// What the database knows about a page.
#[derive(Default)]
struct PageOfEvents {
    names: FilterNames,
    list: AuditList,
    existing: HashSet<String>,
    /// How many events before this page fit.
    newer: usize,
    total: Total,
}

/// `GET /audit?actor=…&action=…&target=…&from=…&to=…&after=…`
pub async fn list_events(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    query: Query<AuditFilterQuery>,
) -> Result<HttpResponse> {
    let wanted = WantedEvents::parse(&query)?;
    let scope = AuditScope::of(who.account.clone(), who.access);
    let (filter, start) = (wanted.filter.clone(), wanted.start.clone());
    let is_wrong = !wanted.errors.is_empty();
    let page = state.store.read(move |conn| read(conn, &scope, &filter, &start, is_wrong)).await?;
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html(status, &draw(Shell::new(SECTION, &who, &session), &wanted, page, state.clock.now()))
}

fn read(
    conn: &mut Conn,
    scope: &AuditScope,
    filter: &AuditFilter,
    start: &AuditStart,
    is_wrong: bool,
) -> Result<PageOfEvents> {
    let names = FilterNames::read(conn, scope, filter)?;
    if is_wrong {
        return Ok(PageOfEvents { names, ..PageOfEvents::default() });
    }
    let list = match start {
        AuditStart::Newest => list::list(conn, scope, filter, None, EVENTS_PER_PAGE)?,
        AuditStart::After(place) => list::list(conn, scope, filter, Some(place), EVENTS_PER_PAGE)?,
        AuditStart::Before(place) => list::list_newer(conn, scope, filter, place)?,
    };
    let newer = match list.first.as_ref().filter(|_| *start != AuditStart::Newest) {
        Some(first) => list::count(conn, scope, filter, Some(first))?,
        None => 0,
    };
    let total = if list.next.is_none() {
        Total::Exactly(newer + list.rows.len())
    } else {
        let count = list::count(conn, scope, filter, None)?;
        if count > MAX_EVENT_COUNT { Total::MoreThan(MAX_EVENT_COUNT) } else { Total::Exactly(count) }
    };
    let existing = list::existing_targets(conn, &scope.account, &list.rows)?;
    Ok(PageOfEvents { names, list, existing, newer, total })
}

fn draw(shell: Shell, wanted: &WantedEvents, page: PageOfEvents, now: UtcTime) -> AuditPage {
    let PageOfEvents { names, list, existing, newer, total } = page;
    let AuditList { rows, first, next } = list;
    let before = first.filter(|_| newer > EVENTS_PER_PAGE);
    // An empty page of a list that is shorter now still leads back.
    let is_first = newer == 0 && (wanted.start == AuditStart::Newest || !rows.is_empty());
    let position = (newer <= MAX_EVENT_COUNT).then(|| position(newer, rows.len(), total, ["event", "events"]));
    AuditPage {
        shell,
        filter: AuditFilterView::new(wanted, names),
        rows: rows.into_iter().map(|row| AuditRowView::new(row, wanted, &existing, now)).collect(),
        position: position.flatten(),
        first_page: (!is_first).then(|| wanted.url(&AuditStart::Newest)),
        newer_page: before.map(|place| wanted.url(&AuditStart::Before(place))),
        next_page: next.map(|place| wanted.url(&AuditStart::After(place))),
    }
}
