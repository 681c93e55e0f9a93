//! The Credits page as it is drawn: the balance, what was spent, the forms and the ledger.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::forms::Forms;
use super::ledger_row::LedgerRow;
use super::outlook::{Outlook, OutlookFigures};
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::list_query::query_string;
use crate::dashboard::frame::position::{Total, position};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::guards::banner::LimitsBanner;
use crate::dashboard::messages::row::KeyName;
use crate::domain::account::AccountId;
use crate::domain::credit::{self, ENTRIES_PER_PAGE, LedgerCursor, LedgerPage, Reason};
use crate::error::Result;
use crate::format::grouped;
use crate::http::State;
use crate::store::{Conn, UtcTime};

const SECTION: &str = "credits";
pub(super) const PATH: &str = "/credits";
/// Entries are counted up to this number: the rest would take longer than the page itself.
const MAX_COUNT: usize = 10_000;
/// Below this balance the page warns.
const LOW_BALANCE: i64 = 10;
/// The reasons to choose from, with their words.
const REASONS: [(Option<Reason>, &str); 5] = [
    (None, "All"),
    (Some(Reason::Message), "Spent"),
    (Some(Reason::Refund), "Refunds"),
    (Some(Reason::TopUp), "Top-ups"),
    (Some(Reason::Correction), "Corrections"),
];

/// `credits/page.html`
#[derive(Template)]
#[template(path = "credits/page.html")]
struct CreditsPage {
    shell: Shell,
    balance: String,
    limits_banner: LimitsBanner,
    hint: Option<&'static str>,
    /// What was spent; `None` where it is not the place for it.
    outlook: Option<Outlook>,
    reasons: Vec<ReasonLink>,
    is_filtered: bool,
    rows: Vec<LedgerRow>,
    forms: Forms,
    position: Option<String>,
    first_page: Option<String>,
    newer_page: Option<String>,
    next_page: Option<String>,
}

/// A link to the entries with one reason, or to all.
struct ReasonLink {
    words: &'static str,
    href: String,
    is_chosen: bool,
}

/// Which part of the ledger.
#[derive(Clone, Default)]
pub(super) struct LedgerPart {
    pub(super) reason: Option<Reason>,
    pub(super) start: LedgerStart,
}

/// The beginning of a page.
#[derive(Clone, Default)]
pub(super) enum LedgerStart {
    #[default]
    Newest,
    After(LedgerCursor),
    Before(LedgerCursor),
}

/// What the database knows about a page.
struct LedgerView {
    balance: i64,
    limits_banner: LimitsBanner,
    page: LedgerPage,
    /// How many entries are before this page.
    newer: usize,
    total: Total,
    figures: Option<OutlookFigures>,
}

impl LedgerPart {
    /// Whether it is the beginning of the whole ledger.
    const fn is_first_page(&self) -> bool {
        self.reason.is_none() && matches!(self.start, LedgerStart::Newest)
    }
}

/// The address of the ledger with a reason, from a place on.
fn url(reason: Option<Reason>, place: (&str, &str)) -> String {
    format!("{PATH}{}", query_string(&[("reason", reason.map_or("", Reason::as_str)), place]))
}

pub(super) async fn draw(
    state: &State,
    session: &Session,
    who: &SignedIn,
    status: StatusCode,
    forms: Forms,
    part: LedgerPart,
) -> Result<HttpResponse> {
    let (account, now, reason) = (who.account.clone(), state.clock.now(), part.reason);
    let view = state.store.read(move |conn| read(conn, &account, &part, now)).await?;
    let LedgerView { balance, limits_banner, page, newer, total, figures } = view;
    let before = page.first().filter(|_| newer > ENTRIES_PER_PAGE);
    let link = |(wanted, words)| ReasonLink { words, href: url(wanted, ("", "")), is_chosen: wanted == reason };
    let page = CreditsPage {
        shell: Shell::new(SECTION, who, session),
        balance: grouped(balance),
        limits_banner,
        hint: hint(balance),
        outlook: figures.and_then(|figures| Outlook::new(figures, balance, now)),
        reasons: REASONS.map(link).into(),
        is_filtered: reason.is_some(),
        position: (newer <= MAX_COUNT)
            .then(|| position(newer, page.lines.len(), total, ["entry", "entries"]))
            .flatten(),
        first_page: (newer > 0).then(|| url(reason, ("", ""))),
        newer_page: before.map(|place| url(reason, ("before", &place.to_string()))),
        next_page: page.next.map(|next| url(reason, ("after", &next.to_string()))),
        rows: page.lines.into_iter().map(LedgerRow::from).collect(),
        forms: forms.ready(),
    };
    html(status, &page)
}

fn read(conn: &mut Conn, account: &AccountId, part: &LedgerPart, now: UtcTime) -> Result<LedgerView> {
    let reason = part.reason;
    let page = match &part.start {
        LedgerStart::Newest => credit::ledger(conn, account, reason, None)?,
        LedgerStart::After(place) => credit::ledger(conn, account, reason, Some(place))?,
        LedgerStart::Before(place) => credit::ledger_newer(conn, account, reason, place)?,
    };
    let newer = match (&part.start, page.first()) {
        (LedgerStart::Newest, _) => 0,
        // After the last entry: what there is, is newer.
        (_, first) => credit::count_entries(conn, account, reason, first.as_ref(), MAX_COUNT)?,
    };
    let total = match page.next {
        None => Total::Exactly(newer + page.lines.len()),
        Some(_) => match credit::count_entries(conn, account, reason, None, MAX_COUNT)? {
            count if count > MAX_COUNT => Total::MoreThan(MAX_COUNT),
            count => Total::Exactly(count),
        },
    };
    let figures = if part.is_first_page() { Some(OutlookFigures::read(conn, account, now)?) } else { None };
    let limits_banner = LimitsBanner::read(conn, account, now)?;
    Ok(LedgerView { balance: credit::balance(conn, account)?, limits_banner, page, newer, total, figures })
}

const fn hint(balance: i64) -> Option<&'static str> {
    match balance {
        ..=0 => Some("No credits left: live messages are refused until some are added. Test messages cost nothing."),
        1..LOW_BALANCE => Some("Few credits left. Without credits, live messages are refused."),
        _ => None,
    }
}
