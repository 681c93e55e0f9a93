//! The JSON of a message in Twilio's form.

use serde::Serialize;

use super::dates::rfc2822;
use crate::domain::callback::{TWILIO_API_VERSION, account_sid, message_sid, twilio_error_code, twilio_status};
use crate::domain::message::{Message, MessageError, MessageStatus};

/// A message in Twilio's form.
#[derive(Debug, Serialize)]
pub(super) struct MessageResource<'a> {
    sid: String,
    account_sid: String,
    api_version: &'static str,
    body: &'a str,
    date_created: String,
    date_updated: String,
    date_sent: Option<String>,
    direction: &'static str,
    error_code: Option<u32>,
    error_message: Option<&'static str>,
    from: Option<&'a str>,
    messaging_service_sid: Option<&'static str>,
    num_media: &'static str,
    num_segments: String,
    price: Option<&'static str>,
    price_unit: Option<&'static str>,
    status: &'static str,
    subresource_uris: SubresourceUris,
    to: Option<&'a str>,
    uri: String,
}

#[derive(Debug, Serialize)]
struct SubresourceUris {
    media: String,
}

/// Whether the reader may see the text of a message: a key reads what it sent itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyAccess {
    Shown,
    Hidden,
}

impl<'a> MessageResource<'a> {
    pub(super) fn new(message: &'a Message, body: BodyAccess) -> Self {
        let (sid, account_sid) = (message_sid(&message.id), account_sid(&message.account_id));
        let path = format!("/{TWILIO_API_VERSION}/Accounts/{account_sid}/Messages/{sid}");
        let error = message.error.filter(|_| has_failed(message.status));
        Self {
            body: if body == BodyAccess::Shown { message.text.as_str() } else { "" },
            date_created: rfc2822(message.created_at),
            date_updated: rfc2822(message.updated_at),
            date_sent: has_left(message.status).then(|| rfc2822(message.created_at)),
            error_code: error.map(twilio_error_code),
            error_message: error.map(MessageError::sentence),
            from: message.sender.as_ref().map(|sender| sender.as_str()),
            num_segments: message.segments.to_string(),
            status: twilio_status(message.status),
            subresource_uris: SubresourceUris { media: format!("{path}/Media.json") },
            to: Some(message.recipient.as_str()).filter(|_| !message.recipient.is_removed()),
            uri: format!("{path}.json"),
            sid,
            account_sid,
            api_version: TWILIO_API_VERSION,
            direction: "outbound-api",
            messaging_service_sid: None,
            num_media: "0",
            // Credits are no money.
            price: None,
            price_unit: None,
        }
    }
}

fn has_failed(status: MessageStatus) -> bool {
    matches!(status, MessageStatus::Undelivered | MessageStatus::Expired | MessageStatus::Failed)
}

fn has_left(status: MessageStatus) -> bool {
    matches!(
        status,
        MessageStatus::Sent | MessageStatus::Delivered | MessageStatus::Undelivered | MessageStatus::Expired
    )
}
