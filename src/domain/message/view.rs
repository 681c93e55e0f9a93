//! The JSON of a message, in responses of the API and in callbacks.

use serde::Serialize;

use super::error::MessageError;
use super::record::Message;
use crate::domain::api_key::ApiKeyId;

/// The JSON object of one message.
#[derive(Debug, Serialize)]
pub struct MessageView<'a> {
    id: &'a str,
    to: Option<&'a str>,
    from: Option<&'a str>,
    status: &'static str,
    error: Option<MessageErrorView<'a>>,
    encoding: &'static str,
    segments: i64,
    credits: i64,
    mode: &'static str,
    rehearsed: bool,
    reference: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

/// The JSON object of one message for the key that asks about it.
#[derive(Debug, Serialize)]
pub struct MessageForKey<'a> {
    #[serde(flatten)]
    message: MessageView<'a>,
    text: Option<&'a str>,
    api_key_id: Option<&'a str>,
}

impl<'a> MessageForKey<'a> {
    /// With what only the key that sent it may read: the text, which may be a code, and the
    /// id of the key itself.
    #[must_use]
    pub fn new(message: &'a Message, asking: &ApiKeyId) -> Self {
        let sent_with = message.api_key_id.as_ref().filter(|key| *key == asking);
        let text = sent_with.map(|_| message.text.as_str()).filter(|text| !text.is_empty());
        Self { message: MessageView::from(message), text, api_key_id: sent_with.map(ApiKeyId::as_str) }
    }
}

/// The JSON object of an error.
#[derive(Debug, Serialize)]
struct MessageErrorView<'a> {
    code: &'static str,
    message: &'static str,
    carrier_code: Option<&'a str>,
}

impl<'a> MessageErrorView<'a> {
    fn new(error: MessageError, carrier_code: Option<&'a str>) -> Self {
        Self { code: error.as_str(), message: error.sentence(), carrier_code }
    }
}

impl<'a> From<&'a Message> for MessageView<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: message.id.as_str(),
            to: Some(message.recipient.as_str()).filter(|_| !message.recipient.is_removed()),
            from: message.sender.as_ref().map(|sender| sender.as_str()),
            status: message.status.as_str(),
            error: message.error.map(|error| MessageErrorView::new(error, message.carrier_code.as_deref())),
            encoding: message.encoding.as_str(),
            segments: message.segments,
            credits: message.credits,
            mode: message.mode.as_str(),
            rehearsed: message.rehearsed,
            reference: Some(message.reference.as_str()).filter(|reference| !reference.is_empty()),
            created_at: message.created_at.rfc3339(),
            updated_at: message.updated_at.rfc3339(),
        }
    }
}
