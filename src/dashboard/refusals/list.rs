//! The page of refused requests.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use askama::Template;

use super::filter::{RefusalQuery, WantedRefusals};
use super::fresh;
use super::paths::SECTION;
use super::row::RefusalRow;
use super::unknown::UnknownKeysView;
use crate::dashboard::api_keys;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::list_query::Choice;
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::{AccountId, Permission};
use crate::domain::api_key;
use crate::domain::refusal::{self, REFUSALS_PER_PAGE, RefusalCursor};
use crate::domain::service;
use crate::error::Result;
use crate::http::State;
use crate::store::{Conn, UtcTime};

#[derive(Template)]
#[template(path = "refusals/page.html")]
struct RefusalsPage {
    shell: Shell,
    rows: Vec<RefusalRow>,
    codes: Vec<Choice>,
    /// The key that is chosen.
    key: Option<ChosenKey>,
    is_filtered: bool,
    /// What belongs to no account, for those who answer for the installation.
    unknown: Option<UnknownKeysView>,
    first_page: Option<String>,
    newer_page: Option<String>,
    next_page: Option<String>,
}

/// A key that is chosen, by its address.
struct ChosenKey {
    id: String,
    name: String,
    /// Its page.
    href: String,
    /// The refusals of all keys.
    href_of_all: String,
}

/// What the database knows about a page.
struct PageOfRefusals {
    rows: Vec<RefusalRow>,
    next: Option<RefusalCursor>,
    key: Option<ChosenKey>,
    unknown: Option<UnknownKeysView>,
}

/// `GET /refusals?key=…&code=…&after=…`
pub async fn list_refusals(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    query: Query<RefusalQuery>,
) -> Result<HttpResponse> {
    let wanted = WantedRefusals::parse(&query)?;
    fresh::write_down(&state.gate).await;
    let (account, now) = (who.account.clone(), state.clock.now());
    let sees_unknown = who.access.allows(Permission::ManageServices) && !wanted.is_filtered() && wanted.after.is_none();
    let (page, wanted) =
        state.store.read(move |conn| Ok((read(conn, &account, &wanted, sees_unknown, now)?, wanted))).await?;
    let page = RefusalsPage {
        shell: Shell::new(SECTION, &who, &session),
        rows: page.rows,
        codes: wanted.codes(),
        key: page.key,
        is_filtered: wanted.is_filtered(),
        unknown: page.unknown,
        first_page: wanted.after.as_ref().map(|_| wanted.url(None)),
        newer_page: None,
        next_page: page.next.map(|place| wanted.url(Some(&place))),
    };
    html(StatusCode::OK, &page)
}

fn read(
    conn: &mut Conn,
    account: &AccountId,
    wanted: &WantedRefusals,
    sees_unknown: bool,
    now: UtcTime,
) -> Result<PageOfRefusals> {
    let key = match &wanted.filter.key {
        Some(id) => {
            let key = api_key::find(conn, account, id)?.key;
            let href = api_keys::paths::path(&key.id);
            Some(ChosenKey { id: wanted.key(), name: key.name, href, href_of_all: wanted.url_of_all_keys() })
        }
        None => None,
    };
    let list = refusal::list(conn, account, &wanted.filter, wanted.after.as_ref(), now, REFUSALS_PER_PAGE)?;
    let services = service::list_all(conn)?;
    let unknown = sees_unknown.then(|| UnknownKeysView::read(conn, wanted.all_unknown, now)).transpose()?;
    let rows = list.rows.into_iter().map(|entry| RefusalRow::new(entry, &services, now)).collect();
    Ok(PageOfRefusals { rows, next: list.next, key, unknown })
}
