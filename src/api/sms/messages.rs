//! `/v1/sms/messages`: sending messages, reading their status and withdrawing them.

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use crate::api::answer_traced;
use crate::api::caller::{announce_end, caller};
use crate::api::idempotency_key::idempotent_request;
use crate::api::json_body::{check_length, parse};
use crate::domain::carrier::Assignment;
use crate::domain::message::phone_number::PhoneNumber;
use crate::domain::message::{
    self, Accepted, MessageDraft, MessageFields, MessageForKey, MessageId, MessageOrigin, MessageView,
};
use crate::domain::service_scope::{MESSAGES_READ, MESSAGES_SEND};
use crate::error::{Error, Result};
use crate::gate::KeyRecord;
use crate::http::State;
use crate::http::problem::ApiError;

/// The slug of the service whose keys can send.
pub(in crate::api) const SERVICE: &str = "sms";
/// The longest request body, in bytes: a hundred numbers and the longest text, with
/// every character escaped in 12 bytes.
pub const MAX_BODY_BYTES: usize = 32 * 1024;
/// The endpoint of idempotency keys.
const SEND_ENDPOINT: &str = "sms_messages";

/// The member `to`: one recipient or a list.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Recipients {
    One(String),
    Several(Vec<String>),
}

impl Recipients {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(number) => std::slice::from_ref(number),
            Self::Several(numbers) => numbers,
        }
    }
}

/// The request body. Unknown members are refused: with a misspelt `from` the message
/// would go out with another sender.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SendRequest {
    to: Recipients,
    text: String,
    from: Option<String>,
    reference: Option<String>,
    // Left out of the digest where they are not used, so that a request from before they
    // came is still known by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_callback: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_seconds: Option<i64>,
}

impl SendRequest {
    const FORM: &str = "{\"to\": \"+420777123456\", \"text\": \"…\"}, and \"from\" and \"reference\" if you like";

    fn draft(&self, state: &State) -> Result<MessageDraft> {
        let fields = MessageFields {
            to: self.to.as_slice(),
            text: &self.text,
            from: self.from.as_deref(),
            reference: self.reference.as_deref(),
            status_callback: self.status_callback.as_deref(),
            validity_seconds: self.validity_seconds,
            ..MessageFields::default()
        };
        MessageDraft::parse(&fields, &state.callback_networks)
    }
}

/// `POST /v1/sms/messages`: 202 once the messages are charged and queued, and the
/// transaction is committed.
pub async fn send_messages(
    state: Data<State>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let send = async {
        check_length(&body)?;
        let key = caller(&state, &request, SERVICE, MESSAGES_SEND).await?;
        let parsed: SendRequest = parse(request.headers(), body, SendRequest::FORM)?;
        let draft = parsed.draft(&state)?;
        let idempotent = idempotent_request(&request, &key, SEND_ENDPOINT, &parsed)?;
        let answer = state.sms.send(origin(&key), draft, idempotent, render).await?;
        let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(announce_end(HttpResponse::Accepted().insert_header(json).body(answer), &key))
    };
    answer_traced(&state, &request, send).await
}

fn origin(key: &KeyRecord) -> MessageOrigin {
    MessageOrigin { account_id: key.account_id.clone(), api_key_id: Some(key.id.clone()), mode: key.mode }
}

/// The response body of an accepted request.
#[derive(Serialize)]
struct MessagesView<'a> {
    messages: Vec<MessageView<'a>>,
    credits_left: i64,
}

fn render(accepted: &Accepted) -> Result<String> {
    let messages: Vec<_> = accepted.messages.iter().map(MessageView::from).collect();
    serde_json::to_string(&MessagesView { messages, credits_left: accepted.credits_left }).map_err(Error::internal)
}

/// `GET /v1/sms/messages/{id}`
pub async fn show_message(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let show = async {
        let key = caller(&state, &request, SERVICE, MESSAGES_READ).await?;
        let id: MessageId = id.parse().map_err(|()| Error::NotFound)?;
        let (account, mode) = (key.account_id.clone(), key.mode);
        let entry = state.store.read(move |conn| message::find_for_api(conn, &account, mode, &id)).await?;
        Ok(announce_end(HttpResponse::Ok().json(MessageForKey::new(&entry.message, &key.id)), &key))
    };
    answer_traced(&state, &request, show).await
}

/// `DELETE /v1/sms/messages/{id}`: withdraws a message that no carrier has yet.
pub async fn cancel_message(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let cancel = async {
        let key = caller(&state, &request, SERVICE, MESSAGES_SEND).await?;
        let id: MessageId = id.parse().map_err(|()| Error::NotFound)?;
        let canceled = state.sms.cancel(&key.account_id, key.mode, &id).await?;
        Ok(announce_end(HttpResponse::Ok().json(MessageForKey::new(&canceled, &key.id)), &key))
    };
    answer_traced(&state, &request, cancel).await
}

/// The request body of an estimate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EstimateRequest {
    to: Option<Recipients>,
    text: String,
    from: Option<String>,
    reference: Option<String>,
    status_callback: Option<String>,
    validity_seconds: Option<i64>,
}

#[derive(Serialize)]
struct EstimateView<'a> {
    encoding: &'static str,
    segments: i64,
    recipients: usize,
    credits: i64,
    messages: Vec<RecipientEstimate<'a>>,
}

/// The price of the message to one recipient.
#[derive(Serialize)]
struct RecipientEstimate<'a> {
    to: &'a str,
    segments: i64,
    credits: i64,
}

/// Why an estimate without a recipient may be impossible.
const PRICE_BY_NUMBER: &str = "Name a recipient: the price depends on the number.";

fn by_recipient<'a>(draft: &'a MessageDraft, assignments: &[Assignment]) -> Vec<RecipientEstimate<'a>> {
    let estimate = |(to, assignment): (&'a PhoneNumber, &Assignment)| RecipientEstimate {
        to: to.as_str(),
        segments: draft.segments(),
        credits: draft.segments().saturating_mul(assignment.credits_per_segment),
    };
    draft.recipients().iter().zip(assignments).map(estimate).collect()
}

/// `POST /v1/sms/messages/estimate`: validates a request and returns its price; sends
/// nothing.
pub async fn estimate_messages(
    state: Data<State>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let estimate = async {
        check_length(&body)?;
        let key = caller(&state, &request, SERVICE, MESSAGES_SEND).await?;
        let EstimateRequest { to, text, from, reference, status_callback, validity_seconds } =
            parse(request.headers(), body, SendRequest::FORM)?;
        let has_recipients = to.is_some();
        // Without `to`, the price is that of one message; the number stands for any.
        let to = to.unwrap_or_else(|| Recipients::One("+10000000".to_owned()));
        let draft = SendRequest { to, text, from, reference, status_callback, validity_seconds }.draft(&state)?;
        let no_number = |error| if has_recipients { error } else { Error::invalid("to", PRICE_BY_NUMBER) };
        let assignments = state.sms.assign(&draft, key.mode).map_err(no_number)?;
        let credits = message::cost(&draft, &assignments);
        let view = EstimateView {
            messages: if has_recipients { by_recipient(&draft, &assignments) } else { Vec::new() },
            encoding: draft.text().encoding().as_str(),
            segments: draft.segments(),
            recipients: draft.recipients().len(),
            credits,
        };
        Ok(announce_end(HttpResponse::Ok().json(view), &key))
    };
    answer_traced(&state, &request, estimate).await
}
