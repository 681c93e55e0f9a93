//! A message as applications see it: in answers of the API, and in callbacks.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::{Fault, Message};
use crate::store::UtcTime;

/// One message.
#[derive(Debug, Serialize)]
pub struct MessageView<'a> {
    id: &'a str,
    to: &'a str,
    from: Option<&'a str>,
    status: &'static str,
    error: Option<FaultView>,
    encoding: &'static str,
    segments: i64,
    credits: i64,
    mode: &'static str,
    reference: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

/// Why it did not get where it should.
#[derive(Debug, Serialize)]
struct FaultView {
    code: &'static str,
    message: &'static str,
}

impl From<Fault> for FaultView {
    fn from(fault: Fault) -> Self {
        Self { code: fault.as_str(), message: fault.sentence() }
    }
}

impl<'a> From<&'a Message> for MessageView<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: message.id.as_str(),
            to: message.recipient.as_str(),
            from: message.sender.as_ref().map(|sender| sender.as_str()),
            status: message.status.as_str(),
            error: message.error.map(FaultView::from),
            encoding: message.encoding.as_str(),
            segments: message.segments,
            credits: message.credits,
            mode: message.mode.as_str(),
            reference: Some(message.reference.as_str()).filter(|reference| !reference.is_empty()),
            created_at: rfc3339(message.created_at),
            updated_at: rfc3339(message.updated_at),
        }
    }
}

/// A time as programs read it (RFC 3339).
pub(crate) fn rfc3339(time: UtcTime) -> String {
    time.to_datetime().format(&Rfc3339).unwrap_or_default()
}
