//! `GET /v1/sms/messages`: the list of messages and what it can be narrowed to.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::messages::SERVICE;
use crate::api::caller::{announce_end, caller};
use crate::api::{answer_traced, list_query};
use crate::domain::message::phone_number::PhoneNumber;
use crate::domain::message::sender::Sender;
use crate::domain::message::{self, MESSAGES_PER_PAGE, MessageFilter, MessageForKey, MessageId, MessageStatus};
use crate::domain::service_scope::MESSAGES_READ;
use crate::error::{Error, Result};
use crate::gate::KeyRecord;
use crate::http::State;
use crate::http::problem::ApiError;

/// The most messages of one page.
const MAX_LIMIT: usize = 100;
const PARAMETERS: &str =
    "This list takes cursor, limit, status, to, from, reference, created_after and created_before, each once.";

/// The query parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageListQuery {
    cursor: Option<String>,
    limit: Option<String>,
    status: Option<String>,
    to: Option<String>,
    from: Option<String>,
    reference: Option<String>,
    created_after: Option<String>,
    created_before: Option<String>,
}

#[derive(Serialize)]
struct ListView<'a> {
    messages: Vec<MessageForKey<'a>>,
    next_cursor: Option<&'a str>,
}

/// `GET /v1/sms/messages`: one page, newest first.
pub async fn list_messages(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let list = async {
        let key = caller(&state, &request, SERVICE, MESSAGES_READ).await?;
        let query: MessageListQuery = list_query::parse(request.query_string(), PARAMETERS)?;
        let limit = list_query::limit(query.limit.as_deref(), MESSAGES_PER_PAGE, MAX_LIMIT)?;
        let (filter, after) =
            (filter(&query, &key)?, list_query::place::<MessageId>("cursor", query.cursor.as_deref())?);
        let account = key.account_id.clone();
        let read = move |conn: &mut _| message::list_many(conn, &account, &filter, after.as_ref(), limit);
        let page = state.store.read(read).await?;
        let view = ListView {
            messages: page.rows.iter().map(|row| MessageForKey::new(&row.message, &key.id)).collect(),
            next_cursor: page.next.as_ref().map(MessageId::as_str),
        };
        Ok(announce_end(HttpResponse::Ok().json(view), &key))
    };
    answer_traced(&state, &request, list).await
}

fn filter(query: &MessageListQuery, key: &KeyRecord) -> Result<MessageFilter> {
    let text = |parameter: &Option<String>| parameter.as_deref().map(with_plus);
    Ok(MessageFilter {
        mode: Some(key.mode),
        status: read_status(query.status.as_deref())?,
        recipient: text(&query.to)
            .map(|to| PhoneNumber::parse("to", &to).map(|number| number.as_str().to_owned()))
            .transpose()
            .map_err(|error| list_query::of_field("to", error))?,
        sender: text(&query.from)
            .map(|from| Sender::parse("from", &from).map(|sender| sender.as_str().to_owned()))
            .transpose()
            .map_err(|error| list_query::of_field("from", error))?,
        reference: read_reference(query.reference.as_deref())?,
        from: list_query::time("created_after", query.created_after.as_deref())?,
        until: list_query::time("created_before", query.created_before.as_deref())?,
        is_for_api: true,
        ..MessageFilter::default()
    })
}

/// In a query a plus sign stands for a space, and few programs write `%2B` for it.
fn with_plus(text: &str) -> String {
    match text.strip_prefix(' ') {
        Some(digits) if digits.starts_with(|first: char| first.is_ascii_digit()) => format!("+{digits}"),
        _ => text.to_owned(),
    }
}

fn read_status(status: Option<&str>) -> Result<Option<MessageStatus>> {
    let wrong = |()| {
        Error::Malformed(format!(
            "Write status as one of {}.",
            MessageStatus::ALL.map(MessageStatus::as_str).join(", ")
        ))
    };
    status.map(str::parse).transpose().map_err(wrong)
}

fn read_reference(reference: Option<&str>) -> Result<Option<String>> {
    match reference.map(str::trim) {
        Some("") => Err(Error::Malformed("Write the reference that you are looking for.".to_owned())),
        reference => Ok(reference.map(str::to_owned)),
    }
}
