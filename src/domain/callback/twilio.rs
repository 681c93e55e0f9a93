//! Callbacks as Twilio sends them, for programs that were written for Twilio
//! (<https://www.twilio.com/docs/messaging/guides/track-outbound-message-status>).

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use url::form_urlencoded;

use crate::domain::account::AccountId;
use crate::domain::message::{Message, MessageError, MessageId, MessageStatus};
use crate::error::{Error, Result};

/// The version of Twilio's API, which is part of its paths and its callbacks.
pub const TWILIO_API_VERSION: &str = "2010-04-01";

/// The id of a message in Twilio's form.
#[must_use]
pub fn message_sid(id: &MessageId) -> String {
    format!("SM{}", id.as_hex())
}

/// The id of an account in Twilio's form.
#[must_use]
pub fn account_sid(id: &AccountId) -> String {
    format!("AC{}", id.as_hex())
}

/// Twilio's word for a status. It has none for a message that expired.
#[must_use]
pub const fn twilio_status(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Expired => MessageStatus::Undelivered.as_str(),
        status => status.as_str(),
    }
}

/// Twilio's number for an error (<https://www.twilio.com/docs/api/errors>).
#[must_use]
pub const fn twilio_error_code(error: MessageError) -> u32 {
    match error {
        MessageError::Throttled | MessageError::QueueFull => 30_001, // queue overflow
        MessageError::Undelivered | MessageError::Expired => 30_003, // unreachable destination handset
        MessageError::InvalidRecipient => 30_005,                    // unknown destination handset
        MessageError::InvalidMessage | MessageError::Rejected => 30_007, // filtered by the carrier
        MessageError::NotSentInTime => 30_036,                       // validity period expired
        _ => 30_008,                                                 // unknown error
    }
}

/// Whether Twilio calls about a status; it is also final here, or the carrier has the message.
pub(super) const fn is_reported(status: MessageStatus) -> bool {
    !matches!(status, MessageStatus::Queued | MessageStatus::Sending)
}

/// The body of a callback about a message: a form.
pub(super) fn payload(message: &Message) -> String {
    let (sid, status) = (message_sid(&message.id), twilio_status(message.status));
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SmsSid", &sid)
        .append_pair("SmsStatus", status)
        .append_pair("MessageStatus", status)
        .append_pair("To", message.recipient.as_str())
        .append_pair("MessageSid", &sid)
        .append_pair("AccountSid", &account_sid(&message.account_id))
        .append_pair("From", message.sender.as_ref().map_or("", |sender| sender.as_str()))
        .append_pair("ApiVersion", TWILIO_API_VERSION);
    if let Some(error) = message.error.filter(|_| message.status.is_final()) {
        form.append_pair("ErrorCode", &twilio_error_code(error).to_string());
    }
    form.finish()
}

/// Twilio's signature of a request with a form: the base 64 of an HMAC-SHA1 over the
/// URL and the form's fields, sorted by name
/// (<https://www.twilio.com/docs/usage/security#validating-requests>).
pub(super) fn sign(key: &[u8], url: &str, body: &str) -> Result<String> {
    let mut fields: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
    fields.sort();
    let mut mac = Hmac::<Sha1>::new_from_slice(key).map_err(Error::internal)?;
    mac.update(url.as_bytes());
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    Ok(BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_holds() {
        // <https://www.twilio.com/docs/usage/security#test-the-validity-of-your-webhook-signature>
        let body = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
        let signature = sign(b"12345", "https://mycompany.com/myapp.php?foo=1&bar=2", body).unwrap();
        assert_eq!(signature, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    }
}
