//! A list of messages: which of them, and the addresses of its pages.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::dates::parse_span;
use super::form::{Pairs, field};
use super::sid::parse_message_sid;
use super::view::MessageResource;
use crate::domain::callback::{TWILIO_API_VERSION, account_sid, message_sid};
use crate::domain::message::phone_number::PhoneNumber;
use crate::domain::message::sender::Sender;
use crate::domain::message::{MessageFilter, MessageId};
use crate::error::{Error, Result};
use crate::gate::KeyRecord;
use crate::store::UtcTime;

const DEFAULT_PAGE_SIZE: usize = 50;
/// Larger pages are cut down to this.
const MAX_PAGE_SIZE: usize = 1000;
/// Stands before the sid of the message that a page begins after.
const PAGE_TOKEN_PREFIX: &str = "PA";

const DATE_SENT: &str = "DateSent";
const DATE_SENT_FROM: &str = "DateSent>";
const DATE_SENT_UNTIL: &str = "DateSent<";
const PAGE: &str = "Page";
const PAGE_SIZE: &str = "PageSize";
const PAGE_TOKEN: &str = "PageToken";

/// Which page of which messages is wanted.
#[derive(Debug)]
pub(super) struct PageQuery {
    pub(super) filter: MessageFilter,
    pub(super) after: Option<MessageId>,
    pub(super) page_size: usize,
    page: u32,
    /// The parameters of the filter, as they stand in the addresses of other pages.
    parameters: String,
}

impl PageQuery {
    /// Reads the query of a request with this key.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(super) fn parse(query: &str, key: &KeyRecord) -> Result<Self> {
        let pairs = Pairs::parse(query.as_bytes())?;
        let after = pairs.filled(PAGE_TOKEN)?.map(parse_page_token).transpose()?;
        let page = pairs.filled(PAGE)?.map(|page| parse_number(PAGE, page)).transpose()?.unwrap_or_default();
        // A page is found by its token alone: its number would be another one as messages come.
        if page > 0 && after.is_none() {
            return Err(Error::Malformed("Take the address of a page from next_page_uri.".to_owned()));
        }
        let mut query = Self {
            filter: MessageFilter { mode: Some(key.mode), is_for_api: true, ..MessageFilter::default() },
            after,
            page_size: parse_page_size(pairs.filled(PAGE_SIZE)?)?,
            page,
            parameters: String::new(),
        };
        query.read_filter(&pairs)?;
        Ok(query)
    }

    fn read_filter(&mut self, pairs: &Pairs) -> Result<()> {
        for name in [field::TO, field::FROM, DATE_SENT, DATE_SENT_FROM, DATE_SENT_UNTIL] {
            let Some(value) = pairs.filled(name)? else { continue };
            let filter = &mut self.filter;
            match name {
                DATE_SENT_FROM => filter.from = filter.from.max(Some(parse_span(name, value)?.from)),
                DATE_SENT_UNTIL => filter.until = earlier(filter.until, parse_span(name, value)?.until),
                DATE_SENT => {
                    let span = parse_span(name, value)?;
                    (filter.from, filter.until) = (filter.from.max(Some(span.from)), earlier(filter.until, span.until));
                }
                field::TO => filter.recipient = Some(PhoneNumber::parse("to", value)?.as_str().to_owned()),
                _ => filter.sender = Some(Sender::parse("from", value)?.as_str().to_owned()),
            }
            let _ = write!(self.parameters, "{}={}&", encoded(name), encoded(value));
        }
        Ok(())
    }

    /// The address of a page of the same list.
    fn address(&self, account_sid: &str, page: u32, after: Option<&MessageId>) -> String {
        let (parameters, size) = (&self.parameters, self.page_size);
        let token = after.map(|id| format!("&{PAGE_TOKEN}={PAGE_TOKEN_PREFIX}{}", message_sid(id))).unwrap_or_default();
        format!(
            "/{TWILIO_API_VERSION}/Accounts/{account_sid}/Messages.json?{parameters}{PAGE_SIZE}={size}&{PAGE}={page}{token}"
        )
    }
}

/// One page of messages in Twilio's form. Clients take the only member that they don't know
/// for the list, so that there can be no other.
#[derive(Serialize)]
pub(super) struct MessageListResource<'a> {
    messages: Vec<MessageResource<'a>>,
    page: u32,
    page_size: usize,
    start: usize,
    end: usize,
    uri: String,
    first_page_uri: String,
    next_page_uri: Option<String>,
    /// There is none: pages are followed forwards.
    previous_page_uri: Option<String>,
}

impl<'a> MessageListResource<'a> {
    pub(super) fn new(
        query: &PageQuery,
        key: &KeyRecord,
        messages: Vec<MessageResource<'a>>,
        next: Option<&MessageId>,
    ) -> Self {
        let sid = account_sid(&key.account_id);
        let start = query.page_size.saturating_mul(query.page as usize);
        Self {
            page: query.page,
            page_size: query.page_size,
            start,
            end: start.saturating_add(messages.len().saturating_sub(1)),
            uri: query.address(&sid, query.page, query.after.as_ref()),
            first_page_uri: query.address(&sid, 0, None),
            next_page_uri: next.map(|id| query.address(&sid, query.page.saturating_add(1), Some(id))),
            previous_page_uri: None,
            messages,
        }
    }
}

fn earlier(one: Option<UtcTime>, other: UtcTime) -> Option<UtcTime> {
    Some(one.map_or(other, |one| one.min(other)))
}

fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

fn parse_page_token(token: &str) -> Result<MessageId> {
    let wrong = || Error::Malformed("Take PageToken from next_page_uri.".to_owned());
    token.strip_prefix(PAGE_TOKEN_PREFIX).and_then(parse_message_sid).ok_or_else(wrong)
}

fn parse_page_size(size: Option<&str>) -> Result<usize> {
    match size.map(|size| parse_number(PAGE_SIZE, size)).transpose()? {
        None => Ok(DEFAULT_PAGE_SIZE),
        Some(0) => Err(Error::Malformed(format!("{PAGE_SIZE} is at least 1."))),
        Some(size) => Ok(MAX_PAGE_SIZE.min(size as usize)),
    }
}

fn parse_number(name: &str, text: &str) -> Result<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number);
    number.ok_or_else(|| Error::Malformed(format!("Write {name} as a whole number.")))
}
