//! The Messages page: the list, which asks again by itself while messages are
//! on their way.

use std::collections::HashMap;

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use askama::Template;

use super::export::{EXPORT, MAX_EXPORT_ROWS};
use super::filter::{self, Cause, FilterView, MessageFilterQuery, PageStart, Wanted};
use super::notices::{CarrierNotices, CarriersNow};
use super::paths::SECTION;
use super::picture::{Period, Picture, PictureFigures};
use super::row::{KeyName, MessageRow};
use super::words::{SLOW_POLL, poll_interval};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::position::{Total, position};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::guards::banner::LimitsBanner;
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyName;
use crate::domain::credit;
use crate::domain::message::{self, MAX_COUNT, MESSAGES_PER_PAGE, MessageEntry, MessageError, MessageFilter};
use crate::domain::message::{MessageId, MessageList};
use crate::error::Result;
use crate::format::grouped;
use crate::http::State;
use crate::store::{Conn, UtcTime};

/// The page; its block `list` is what htmx gets when it asks again.
#[derive(Template)]
#[template(path = "messages/page.html", blocks = ["list"])]
struct MessagesPage {
    shell: Shell,
    filter: FilterView,
    /// What became of all messages; `None` where it is not the place for it.
    picture: Option<Picture>,
    causes: Vec<Cause>,
    rows: Vec<MessageRow>,
    limits_banner: LimitsBanner,
    notices: CarrierNotices,
    /// Whether there is more than one carrier, so that each row names its own.
    names_carriers: bool,
    /// The address of what is shown.
    url: String,
    /// The address of the same as a file.
    export: String,
    /// The most messages of such a file, where there may be more.
    export_limit: Option<String>,
    /// The interval of polling, if the page polls.
    poll_interval: Option<&'static str>,
    position: Option<String>,
    first_page: Option<String>,
    newer_page: Option<String>,
    next_page: Option<String>,
}

/// What the database knows about a page.
#[derive(Default)]
struct PageOfMessages {
    keys: Vec<ApiKeyName>,
    limits_banner: LimitsBanner,
    picture: Option<PictureFigures>,
    causes: Vec<(MessageError, i64)>,
    rows: Vec<MessageEntry>,
    notices: CarrierNotices,
    next: Option<MessageId>,
    refunds: HashMap<MessageId, i64>,
    /// How many messages before this page fit.
    newer: usize,
    total: Total,
}

/// `GET /messages?q=…&status=…&error=…&api_key=…&from=…&to=…&after=…`
pub async fn list_messages(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    query: Query<MessageFilterQuery>,
) -> Result<HttpResponse> {
    let wanted = Wanted::parse(&query)?;
    let (account, filter, start) = (who.account.clone(), wanted.filter.clone(), wanted.start.clone());
    let is_wrong = !wanted.errors.is_empty();
    let carriers = CarriersNow::seen_by(who.access, &state.sms);
    // All messages, from the newest on, come with a picture of them.
    let period = (!wanted.is_filtered() && start == PageStart::Newest).then(|| Period::read(wanted.period()));
    let now = state.clock.now();
    let read = move |conn: &mut Conn| {
        let mut page = read(conn, &account, &filter, &start, is_wrong)?;
        if !is_wrong {
            page.add_causes(conn, &account, &filter, period.map(|period| (period, now)))?;
        }
        page.notices = carriers.notices(conn, &account)?;
        page.limits_banner = LimitsBanner::read(conn, &account, now)?;
        Ok(page)
    };
    let page = state.store.read(read).await?;
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = draw(Shell::new(SECTION, &who, &session), &state, &wanted, page);
    if htmx.is_part() { html(status, &page.as_list()) } else { html(status, &page) }
}

fn read(
    conn: &mut Conn,
    account: &AccountId,
    filter: &MessageFilter,
    start: &PageStart,
    is_wrong: bool,
) -> Result<PageOfMessages> {
    let keys = filter::keys(conn, account, filter.api_key.as_ref())?;
    if is_wrong {
        return Ok(PageOfMessages { keys, ..PageOfMessages::default() });
    }
    let MessageList { rows, next } = match start {
        PageStart::Newest => message::list(conn, account, filter, None)?,
        PageStart::After(id) => message::list(conn, account, filter, Some(id))?,
        PageStart::Before(id) => message::list_newer(conn, account, filter, id)?,
    };
    let newer = match rows.first().filter(|_| *start != PageStart::Newest) {
        Some(first) => message::count(conn, account, filter, Some(&first.message.id))?,
        None => 0,
    };
    let ids: Vec<MessageId> = rows.iter().map(|row| row.message.id.clone()).collect();
    Ok(PageOfMessages {
        total: total(conn, account, filter, newer + rows.len(), next.is_none())?,
        refunds: credit::refunded(conn, account, &ids)?,
        keys,
        rows,
        next,
        newer,
        ..PageOfMessages::default()
    })
}

impl PageOfMessages {
    /// Adds why messages failed: those of a period, with its picture, or those that fit the
    /// filter.
    fn add_causes(
        &mut self,
        conn: &mut Conn,
        account: &AccountId,
        filter: &MessageFilter,
        period: Option<(Period, UtcTime)>,
    ) -> Result<()> {
        match period {
            Some((period, now)) if !self.rows.is_empty() => {
                self.picture = Some(PictureFigures::read(conn, account, period, now)?);
            }
            Some(_) => {}
            None => self.causes = message::causes(conn, account, filter)?,
        }
        Ok(())
    }
}

/// How many messages fit; `seen` of them on this page and before it.
fn total(
    conn: &mut Conn,
    account: &AccountId,
    filter: &MessageFilter,
    seen: usize,
    is_last_page: bool,
) -> Result<Total> {
    if is_last_page {
        return Ok(Total::Exactly(seen));
    }
    // A search reads every message, which would take as long again.
    if filter.search.is_some() {
        return Ok(Total::Unknown);
    }
    let count = message::count(conn, account, filter, None)?;
    Ok(if count > MAX_COUNT { Total::MoreThan(MAX_COUNT) } else { Total::Exactly(count) })
}

fn draw(shell: Shell, state: &State, wanted: &Wanted, page: PageOfMessages) -> MessagesPage {
    let now = state.clock.now();
    let PageOfMessages { keys, limits_banner, picture, causes, rows, notices, next, refunds, newer, total } = page;
    let suffix = wanted.suffix(wanted.filter.error, &wanted.start);
    let before = rows.first().filter(|_| newer > MESSAGES_PER_PAGE).map(|row| row.message.id.clone());
    // An empty page of a list that is shorter now still leads back.
    let is_first = newer == 0 && (wanted.start == PageStart::Newest || !rows.is_empty());
    MessagesPage {
        shell,
        notices,
        names_carriers: state.sms.carriers().is_some_and(|carriers| carriers.names().nth(1).is_some()),
        filter: FilterView::new(wanted, keys),
        picture: picture.map(|figures| Picture::new(figures, wanted)),
        causes: causes.into_iter().map(|(error, count)| Cause::new(wanted, error, count)).collect(),
        url: wanted.url(&wanted.start),
        export: format!("{EXPORT}{}", wanted.suffix(wanted.filter.error, &PageStart::Newest)),
        // A count stops long before the limit of a file.
        export_limit: (!matches!(total, Total::Exactly(_))).then(|| grouped(MAX_EXPORT_ROWS as i64)),
        // A search reads every message, so it is not repeated every moment.
        poll_interval: poll_interval(rows.iter().map(moves), now)
            .map(|interval| if wanted.filter.search.is_some() { SLOW_POLL } else { interval }),
        position: (newer <= MAX_COUNT).then(|| position(newer, rows.len(), total, ["message", "messages"])).flatten(),
        first_page: (!is_first).then(|| wanted.url(&PageStart::Newest)),
        newer_page: before.map(|id| wanted.url(&PageStart::Before(id))),
        next_page: next.map(|next| wanted.url(&PageStart::After(next))),
        rows: rows
            .into_iter()
            .map(|entry| {
                let refunded = refunds.get(&entry.message.id).copied().unwrap_or_default();
                MessageRow::new(entry, refunded, &suffix, now)
            })
            .collect(),
        limits_banner,
    }
}

const fn moves(entry: &MessageEntry) -> (message::MessageStatus, UtcTime) {
    (entry.message.status, entry.message.updated_at)
}
