//! The Carriers page, which asks again by itself while something waits or is wrong.

use std::collections::HashMap;

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use super::card::CarrierCard;
use super::paths::SECTION;
use super::routes_view::{MAX_SEARCH_CHARS, RoutesView};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::Permission;
use crate::domain::carrier::CarrierName;
use crate::domain::message::{self, CarrierCounts, QueueFigures};
use crate::error::Result;
use crate::http::State;
use crate::store::{Conn, UtcTime};

/// How often the page asks again while something waits or is wrong.
const POLL_INTERVAL: &str = "5s";

/// The page; its block `list` is what htmx gets when it asks again.
#[derive(Template)]
#[template(path = "carriers/page.html", blocks = ["list"])]
struct CarriersPage {
    shell: Shell,
    cards: Vec<CarrierCard>,
    /// The routes; `None` without a carrier.
    routes: Option<RoutesView>,
    poll_interval: Option<&'static str>,
}

/// What of the routes is to be shown.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RoutesQuery {
    q: String,
    routes: String,
}

/// What the database knows.
struct CarrierFigures {
    queues: HashMap<CarrierName, QueueFigures>,
    counts: CarrierCounts,
}

/// `GET /carriers?q=…&routes=all`
pub async fn show_carriers(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    query: Query<RoutesQuery>,
) -> Result<HttpResponse> {
    who.may(Permission::ViewCarriers)?;
    let now = state.clock.now();
    let figures = state.store.read(move |conn| CarrierFigures::read(conn, now)).await?;
    let cards = cards(&state, figures, now);
    let carriers = state.sms.carriers().filter(|carriers| !carriers.rehearse_all());
    let search: String = query.q.chars().take(MAX_SEARCH_CHARS).collect();
    let page = CarriersPage {
        shell: Shell::new(SECTION, &who, &session),
        poll_interval: cards.iter().any(CarrierCard::is_moving).then_some(POLL_INTERVAL),
        cards,
        routes: carriers.map(|carriers| RoutesView::new(carriers.routes(), &search, query.routes == "all")),
    };
    if htmx.is_part() { html(StatusCode::OK, &page.as_list()) } else { html(StatusCode::OK, &page) }
}

impl CarrierFigures {
    fn read(conn: &mut Conn, now: UtcTime) -> Result<Self> {
        let names = message::carriers_with_messages(conn)?.into_iter().filter(|name| !name.is_sandbox());
        let queues = names.map(|name| message::queue_figures(conn, &name).map(|figures| (name, figures)));
        Ok(Self { queues: queues.collect::<Result<_>>()?, counts: message::carrier_counts(conn, now)? })
    }
}

/// The carriers that are on, those that are off, and those that the settings no longer have
/// while messages wait for them.
fn cards(state: &State, figures: CarrierFigures, now: UtcTime) -> Vec<CarrierCard> {
    let CarrierFigures { mut queues, counts } = figures;
    let mut queue = |name: &CarrierName| queues.remove(name).unwrap_or(QueueFigures { length: 0, oldest: None });
    let mut cards = Vec::new();
    if let Some(carriers) = state.sms.carriers() {
        let on = carriers.list().iter();
        cards.extend(on.map(|carrier| CarrierCard::of(carrier, &queue(&carrier.name), &counts, now)));
        let off = carriers.switched_off();
        cards.extend(off.map(|carrier| CarrierCard::off(carrier, &queue(&carrier.name), &counts, now)));
    }
    let mut removed: Vec<_> = queues.into_iter().filter(|(_, queue)| queue.length > 0).collect();
    removed.sort_by(|(one, _), (other, _)| one.cmp(other));
    cards.extend(removed.into_iter().map(|(name, queue)| CarrierCard::removed(name, &queue, &counts, now)));
    cards
}
