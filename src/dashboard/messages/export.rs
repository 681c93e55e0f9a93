//! The messages that a filter shows, as a file for spreadsheets.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Data, Query};
use futures_util::stream;

use super::filter::{MessageFilterQuery, PageStart, Wanted};
use crate::csv::{BYTE_ORDER_MARK, harmless, push_line};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::AccountId;
use crate::domain::credit;
use crate::domain::message::{self, MessageEntry, MessageFilter, MessageId, MessageList};
use crate::error::{Error, Result};
use crate::http::State;

/// The address of the file.
pub(super) const EXPORT: &str = "/messages.csv";
/// The most messages of one file: about 40 MB, and a tenth of what a spreadsheet takes.
pub(super) const MAX_EXPORT_ROWS: usize = 100_000;
/// Messages that are read at a time, each time within the limit of a read.
const BATCH_ROWS: usize = 1_000;
const COLUMNS: [&str; 18] = [
    "id",
    "accepted_at",
    "updated_at",
    "recipient",
    "sender",
    "text",
    "reference",
    "mode",
    "rehearsed",
    "status",
    "error",
    "carrier_code",
    "segments",
    "credits",
    "credits_refunded",
    "api_key_id",
    "api_key_name",
    "carrier",
];

/// What is still to be sent of a file.
struct Export {
    state: Data<State>,
    account: AccountId,
    filter: MessageFilter,
    after: Option<MessageId>,
    rows_left: usize,
}

/// `GET /messages.csv`, with the query of the list; `after` begins the next file
/// where one ended.
pub async fn export_messages(
    state: Data<State>,
    who: SignedIn,
    query: Query<MessageFilterQuery>,
) -> Result<HttpResponse> {
    let wanted = Wanted::parse(&query)?;
    if !wanted.errors.is_empty() {
        return Err(Error::Invalid(wanted.errors));
    }
    let day = state.clock.now().to_datetime().date();
    let account = who.account.clone();
    let after = match wanted.start {
        PageStart::After(id) => Some(id),
        PageStart::Newest | PageStart::Before(_) => None,
    };
    let export = Export { state, account, filter: wanted.filter, after, rows_left: MAX_EXPORT_ROWS };
    // The first part is read before the answer begins, so that an error is still a page.
    let (first, rest) = export.next().await?;
    let mut header = BYTE_ORDER_MARK.to_owned();
    push_line(&mut header, COLUMNS);
    let rest = stream::try_unfold(rest, |rest| async {
        let Some(rest) = rest else { return Ok::<_, Error>(None) };
        rest.next().await.map(Some)
    });
    let parts = stream::iter([Ok(Bytes::from(header)), Ok(first)]);
    tracing::info!(operator = %who.operator.id, "messages were exported");
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"messages-{day}.csv\"")))
        .streaming(stream::StreamExt::chain(parts, rest)))
}

impl Export {
    /// The next lines, and what is left after them.
    async fn next(mut self) -> Result<(Bytes, Option<Self>)> {
        let (account, filter, after) = (self.account.clone(), self.filter.clone(), self.after.clone());
        let limit = BATCH_ROWS.min(self.rows_left);
        let read = move |conn: &mut _| {
            let page = message::list_many(conn, &account, &filter, after.as_ref(), limit)?;
            let ids: Vec<MessageId> = page.rows.iter().map(|row| row.message.id.clone()).collect();
            let refunds = credit::refunded(conn, &account, &ids)?;
            Ok((page, refunds))
        };
        let (MessageList { rows, next }, refunds) = self.state.store.read(read).await?;
        self.rows_left -= rows.len();
        let mut csv = String::new();
        rows.iter().for_each(|row| push_message(&mut csv, row, &refunds));
        self.after = next;
        let has_more = self.after.is_some() && self.rows_left > 0;
        Ok((Bytes::from(csv), has_more.then_some(self)))
    }
}

fn push_message(csv: &mut String, entry: &MessageEntry, refunds: &HashMap<MessageId, i64>) {
    let MessageEntry { message, api_key, .. } = entry;
    let refunded = refunds.get(&message.id).copied().unwrap_or_default();
    let cells: [&str; COLUMNS.len()] = [
        message.id.as_str(),
        &message.created_at.rfc3339(),
        &message.updated_at.rfc3339(),
        // A plus sign and digits: as a formula it is the number itself.
        message.recipient.as_str(),
        &harmless(message.sender.as_ref().map(|sender| sender.as_str()).unwrap_or_default()),
        &harmless(message.text.as_str()),
        &harmless(&message.reference),
        message.mode.as_str(),
        if message.rehearsed { "true" } else { "false" },
        message.status.as_str(),
        message.error.map_or("", |error| error.as_str()),
        // Written by the carrier.
        &harmless(message.carrier_code.as_deref().unwrap_or_default()),
        &message.segments.to_string(),
        &message.credits.to_string(),
        &refunded.to_string(),
        message.api_key_id.as_ref().map_or("", |id| id.as_str()),
        &harmless(api_key.as_deref().unwrap_or_default()),
        message.carrier.as_str(),
    ];
    push_line(csv, cells);
}
