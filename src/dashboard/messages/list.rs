//! The Messages page: the list, which asks again by itself while messages are
//! on their way.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use askama::Template;

use super::filter::{self, FilterView, MessageFilterQuery, Wanted};
use super::paths::SECTION;
use super::row::{KeyName, MessageRow};
use super::words::poll_interval;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::message::{self, MessageEntry, MessageList};
use crate::error::Result;
use crate::http::State;
use crate::sms::CarrierState;
use crate::store::UtcTime;

/// The page; its block `list` is what htmx gets when it asks again.
#[derive(Template)]
#[template(path = "messages/page.html", blocks = ["list"])]
struct MessagesPage {
    shell: Shell,
    filter: FilterView,
    rows: Vec<MessageRow>,
    carrier: CarrierState,
    /// The address of what is shown.
    url: String,
    /// The interval of polling, if the page polls.
    poll_interval: Option<&'static str>,
    next_page: Option<String>,
    first_page: Option<String>,
}

/// `GET /messages?status=…&api_key=…&recipient=…&after=…`
pub async fn list_messages(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    query: Query<MessageFilterQuery>,
) -> Result<HttpResponse> {
    let wanted = Wanted::parse(&query)?;
    let (account, filter, after) = (who.account.clone(), wanted.filter.clone(), wanted.after.clone());
    let is_wrong = !wanted.errors.is_empty();
    let read = move |conn: &mut _| {
        let keys = filter::keys(conn, &account, filter.api_key.as_ref())?;
        let nothing = MessageList { rows: Vec::new(), next: None };
        let page = if is_wrong { nothing } else { message::list(conn, &account, &filter, after.as_ref())? };
        Ok((keys, page))
    };
    let (keys, page) = state.store.read(read).await?;
    let now = state.clock.now();
    let page = MessagesPage {
        shell: Shell::new(SECTION, &who, &session),
        filter: FilterView::new(&wanted, keys),
        url: wanted.url(wanted.after.as_ref()),
        poll_interval: poll_interval(page.rows.iter().map(moves), now),
        next_page: page.next.as_ref().map(|next| wanted.url(Some(next))),
        first_page: wanted.after.is_some().then(|| wanted.url(None)),
        rows: rows(page, now),
        carrier: state.sms.carrier_state(),
    };
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    if htmx.is_part() { html(status, &page.as_list()) } else { html(status, &page) }
}

const fn moves(entry: &MessageEntry) -> (message::MessageStatus, UtcTime) {
    (entry.message.status, entry.message.updated_at)
}

fn rows(page: MessageList, now: UtcTime) -> Vec<MessageRow> {
    page.rows.into_iter().map(|entry| MessageRow::new(entry, now)).collect()
}
