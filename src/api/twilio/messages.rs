//! `/2010-04-01/Accounts/{AC}/Messages…`: sending messages and reading them.

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::credentials::caller;
use super::form::{Pairs, field};
use super::message_list::{MessageListResource, PageQuery};
use super::refusal::TwilioError;
use super::sid::parse_message_sid;
use super::view::{BodyAccess, MessageResource};
use crate::api::answer_traced;
use crate::api::caller::announce_end;
use crate::api::json_body::check_length;
use crate::domain::callback::CallbackFormat;
use crate::domain::message::{self, Accepted, Message, MessageDraft, MessageFields, MessageOrigin};
use crate::domain::service_scope::{MESSAGES_READ, MESSAGES_SEND};
use crate::domain::text;
use crate::error::{Error, Result};
use crate::gate::KeyRecord;
use crate::http::State;

/// The longest request body, in bytes: the longest text with every byte in three, and
/// what else programs send for Twilio.
pub const MAX_BODY_BYTES: usize = 32 * 1024;

/// `POST …/Messages.json`: 201 once the message is charged and queued, and the transaction
/// is committed.
pub async fn create_message(
    state: Data<State>,
    request: HttpRequest,
    account: Path<String>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, TwilioError> {
    let create = async {
        check_length(&body)?;
        let key = caller(&state, &request, &account, MESSAGES_SEND).await?;
        let draft = draft(&state, &Pairs::of_form(request.headers(), body)?)?;
        let answer = state.sms.send(origin(&key), draft, None, render).await?;
        let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(announce_end(HttpResponse::Created().insert_header(json).body(answer), &key))
    };
    answer_traced(&state, &request, create).await
}

fn origin(key: &KeyRecord) -> MessageOrigin {
    MessageOrigin { account_id: key.account_id.clone(), api_key_id: Some(key.id.clone()), mode: key.mode }
}

/// Reads the form of a new message.
fn draft(state: &State, form: &Pairs) -> Result<MessageDraft> {
    if form.has(field::MEDIA_URL) {
        return Err(Error::invalid(field::MEDIA_URL, "Only text can be sent: leave out MediaUrl."));
    }
    let to = form.filled(field::TO)?;
    let to = to.ok_or_else(|| Error::invalid(field::TO, "To is required: a phone number such as +420777123456."))?;
    let from = form.filled(field::FROM)?;
    if from.is_none() && form.filled(field::MESSAGING_SERVICE_SID)?.is_none() {
        return Err(Error::invalid(field::FROM, "Give From, or MessagingServiceSid to use the default sender."));
    }
    let body = form.only(field::BODY)?.unwrap_or_default();
    if text::is_blank(body) {
        return Err(Error::invalid(field::BODY, "Body is required: the text of the message."));
    }
    let fields = MessageFields {
        to: &[to.to_owned()],
        text: body,
        from,
        reference: None,
        status_callback: form.filled(field::STATUS_CALLBACK)?,
        callback_format: CallbackFormat::Twilio,
        validity_seconds: form.filled(field::VALIDITY_PERIOD)?.map(parse_validity).transpose()?,
    };
    MessageDraft::parse(&fields, &state.callback_networks)
}

fn parse_validity(seconds: &str) -> Result<i64> {
    let wrong = |_| Error::invalid(field::VALIDITY_PERIOD, "Write ValidityPeriod as a number of seconds.");
    seconds.parse().map_err(wrong)
}

fn render(accepted: &Accepted) -> Result<String> {
    let resource = accepted.messages.first().map(|message| MessageResource::new(message, BodyAccess::Shown));
    serde_json::to_string(&resource).map_err(Error::internal)
}

/// A key reads the text of what it sent itself.
fn resource<'a>(message: &'a Message, key: &KeyRecord) -> MessageResource<'a> {
    let is_own = message.api_key_id.as_ref() == Some(&key.id);
    MessageResource::new(message, if is_own { BodyAccess::Shown } else { BodyAccess::Hidden })
}

/// `GET …/Messages.json`: one page, newest first.
pub async fn list_messages(
    state: Data<State>,
    request: HttpRequest,
    account: Path<String>,
) -> Result<HttpResponse, TwilioError> {
    let list = async {
        let key = caller(&state, &request, &account, MESSAGES_READ).await?;
        let query = PageQuery::parse(request.query_string(), &key)?;
        let (account, filter) = (key.account_id.clone(), query.filter.clone());
        let (after, size) = (query.after.clone(), query.page_size);
        let read = move |conn: &mut _| message::list_many(conn, &account, &filter, after.as_ref(), size);
        let page = state.store.read(read).await?;
        let messages = page.rows.iter().map(|row| resource(&row.message, &key)).collect();
        let list = MessageListResource::new(&query, &key, messages, page.next.as_ref());
        Ok(announce_end(HttpResponse::Ok().json(list), &key))
    };
    answer_traced(&state, &request, list).await
}

/// `GET …/Messages/{SM}.json`
pub async fn fetch_message(
    state: Data<State>,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Result<HttpResponse, TwilioError> {
    let fetch = async {
        let (account, sid) = &*path;
        let key = caller(&state, &request, account, MESSAGES_READ).await?;
        let message = find(&state, &key, sid).await?;
        Ok(announce_end(HttpResponse::Ok().json(resource(&message, &key)), &key))
    };
    answer_traced(&state, &request, fetch).await
}

async fn find(state: &State, key: &KeyRecord, sid: &str) -> Result<Message> {
    let id = parse_message_sid(sid).ok_or(Error::NotFound)?;
    let (account, mode) = (key.account_id.clone(), key.mode);
    Ok(state.store.read(move |conn| message::find_for_api(conn, &account, mode, &id)).await?.message)
}

/// What an update asks for.
#[derive(Debug, Clone, Copy)]
enum MessageUpdate {
    /// Remove the text.
    Redact,
    /// Don't send it.
    Cancel,
}

impl MessageUpdate {
    fn parse(form: &Pairs) -> Result<Self> {
        match (form.only(field::BODY)?, form.filled(field::STATUS)?) {
            (Some(""), None) => Ok(Self::Redact),
            (None, Some("canceled")) => Ok(Self::Cancel),
            _ => Err(Error::invalid(field::UPDATE, "Give either Body, empty, or Status=canceled.")),
        }
    }

    /// Twilio has a code of its own for this.
    fn not_canceled(error: Error) -> Error {
        match error {
            Error::WrongState { sentence } => Error::invalid(field::CANCEL, sentence),
            error => error,
        }
    }
}

/// `POST …/Messages/{SM}.json`: removes the text of a message, or withdraws it.
pub async fn update_message(
    state: Data<State>,
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, TwilioError> {
    let update = async {
        check_length(&body)?;
        let (account, sid) = &*path;
        let key = caller(&state, &request, account, MESSAGES_SEND).await?;
        let update = MessageUpdate::parse(&Pairs::of_form(request.headers(), body)?)?;
        let id = parse_message_sid(sid).ok_or(Error::NotFound)?;
        let message = match update {
            MessageUpdate::Redact => state.sms.redact(&key.account_id, key.mode, &id).await?,
            MessageUpdate::Cancel => {
                state.sms.cancel(&key.account_id, key.mode, &id).await.map_err(MessageUpdate::not_canceled)?
            }
        };
        Ok(announce_end(HttpResponse::Ok().json(resource(&message, &key)), &key))
    };
    answer_traced(&state, &request, update).await
}

/// `DELETE …/Messages/{SM}.json`
pub async fn delete_message(
    state: Data<State>,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Result<HttpResponse, TwilioError> {
    let delete = async {
        let (account, sid) = &*path;
        let key = caller(&state, &request, account, MESSAGES_SEND).await?;
        let id = parse_message_sid(sid).ok_or(Error::NotFound)?;
        state.sms.erase(&key.account_id, key.mode, &id).await?;
        Ok(announce_end(HttpResponse::NoContent().finish(), &key))
    };
    answer_traced(&state, &request, delete).await
}
