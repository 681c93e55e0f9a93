//! One message's page: everything that is known about it.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use askama::Template;

use super::callback::CallbackRow;
use super::filter::{MessageFilterQuery, Wanted};
use super::paths::{PATH, SECTION};
use super::row::{KeyName, MessageRow};
use super::words::{poll_interval, segment_words, status_word};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, When, html};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::AccountId;
use crate::domain::callback::{self, Delivery, DeliveryStatus};
use crate::domain::credit;
use crate::domain::message::sms_text::Encoding;
use crate::domain::message::{self, Message, MessageEntry, MessageEvent, MessageId, MessageSegment, MessageStatus};
use crate::error::{Error, Result};
use crate::format::{count, grouped};
use crate::http::State;
use crate::sms::Sms;
use crate::store::Conn;

/// The page; its block `facts` is what htmx gets when it asks again.
#[derive(Template)]
#[template(path = "message/page.html", blocks = ["facts"])]
struct MessagePage {
    shell: Shell,
    row: MessageRow,
    /// The list that led here.
    list: String,
    poll_interval: Option<&'static str>,
    /// By which carrier it goes and why, if it is not rehearsed.
    carrier: Option<String>,
    carrier_code: Option<String>,
    /// Whether the retention has removed the text and the number.
    is_removed: bool,
    sender: Option<String>,
    reference: String,
    text: String,
    size: String,
    cost: String,
    history: Vec<EventRow>,
    segments: Vec<SegmentRow>,
    callbacks: Vec<CallbackRow>,
}

/// Something that happened.
struct EventRow {
    when: When,
    word: &'static str,
    detail: String,
}

/// A segment that a carrier was asked to take.
struct SegmentRow {
    number: i64,
    words: &'static str,
    carrier_id: Option<String>,
    fault: Option<&'static str>,
    carrier_code: Option<String>,
    when: When,
}

/// Everything that is kept about a message.
struct MessageDetails {
    entry: MessageEntry,
    history: Vec<MessageEvent>,
    segments: Vec<MessageSegment>,
    refunded: i64,
    callbacks: Vec<Delivery>,
}

/// `GET /messages/{id}`, with the query of the list that led here.
pub async fn show_message(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
    list: Query<MessageFilterQuery>,
) -> Result<HttpResponse> {
    let id: MessageId = id.parse().map_err(|()| Error::NotFound)?;
    let account = who.account.clone();
    let known = state.store.read(move |conn| read(conn, &account, &id)).await?;
    // What no list has leads back to all messages.
    let suffix = Wanted::parse(&list).map(|wanted| wanted.suffix(wanted.filter.error, &wanted.start));
    let page = draw(Shell::new(SECTION, &who, &session), known, &suffix.unwrap_or_default(), &state);
    if htmx.is_part() { html(StatusCode::OK, &page.as_facts()) } else { html(StatusCode::OK, &page) }
}

fn read(conn: &mut Conn, account: &AccountId, id: &MessageId) -> Result<MessageDetails> {
    Ok(MessageDetails {
        entry: message::find(conn, account, None, id)?,
        history: message::history(conn, id)?,
        segments: message::segments(conn, id)?,
        refunded: credit::refunded(conn, account, std::slice::from_ref(id))?.remove(id).unwrap_or_default(),
        callbacks: callback::list_by_message(conn, id)?,
    })
}

fn draw(shell: Shell, known: MessageDetails, suffix: &str, state: &State) -> MessagePage {
    let MessageDetails { entry, history, segments, refunded, callbacks } = known;
    let now = state.clock.now();
    // News that waits is watched like a message that waits.
    let waiting = callbacks.iter().filter(|delivery| delivery.status == DeliveryStatus::Waiting);
    let waiting = waiting.map(|delivery| (MessageStatus::Queued, delivery.updated_at));
    let message = entry.message.clone();
    MessagePage {
        shell,
        poll_interval: poll_interval(waiting.chain([(message.status, message.updated_at)]), now),
        carrier: (!message.carrier.is_sandbox()).then(|| carrier(&state.sms, &message)),
        carrier_code: message.carrier_code.clone(),
        is_removed: message.recipient.is_removed(),
        sender: message.sender.as_ref().map(|sender| sender.as_str().to_owned()),
        size: size(&message),
        cost: cost(message.credits, refunded),
        history: history.into_iter().map(EventRow::from).collect(),
        segments: segments.into_iter().map(SegmentRow::from).collect(),
        callbacks: callbacks.iter().map(CallbackRow::from).collect(),
        reference: message.reference,
        text: message.text.as_str().to_owned(),
        row: MessageRow::new(entry, refunded, suffix, now),
        list: format!("{PATH}{suffix}"),
    }
}

/// The carrier, its route and its price, as in `twilio (route +420, 2 credits a segment)`. The
/// route is left out if the settings have changed since.
fn carrier(sms: &Sms, message: &Message) -> String {
    let price = format!("{} a segment", count(message.credits / message.segments, "credit"));
    let routes = sms.carriers().into_iter().flat_map(|carriers| carriers.routes().iter());
    let fits = |prefix: &str| !message.recipient.is_removed() && message.recipient.digits().starts_with(prefix);
    let route = routes.filter(|(prefix, _)| fits(prefix)).max_by_key(|(prefix, _)| prefix.len());
    match route.filter(|(_, route)| route.carriers.contains(&message.carrier)) {
        Some((prefix, _)) if !prefix.is_empty() => format!("{} (route +{prefix}, {price})", message.carrier),
        _ => format!("{} ({price})", message.carrier),
    }
}

fn cost(credits: i64, refunded: i64) -> String {
    let cost = count(credits, "credit");
    match refunded {
        0 => cost,
        all if all == credits => format!("{cost}, refunded"),
        some => format!("{cost}, {} refunded", grouped(some)),
    }
}

fn size(message: &Message) -> String {
    let alphabet = match message.encoding {
        Encoding::Gsm7 => "GSM 7-bit alphabet",
        Encoding::Ucs2 => "Unicode (UCS-2)",
    };
    format!("{}, {alphabet}", count(message.segments, "segment"))
}

impl From<MessageEvent> for EventRow {
    fn from(event: MessageEvent) -> Self {
        Self { when: event.created_at.into(), word: status_word(event.status), detail: event.detail }
    }
}

impl From<MessageSegment> for SegmentRow {
    fn from(segment: MessageSegment) -> Self {
        Self {
            number: segment.number,
            words: segment_words(&segment),
            fault: segment.error.map(|fault| fault.sentence()),
            carrier_code: segment.carrier_code,
            when: segment.updated_at.into(),
            carrier_id: segment.carrier_id,
        }
    }
}
