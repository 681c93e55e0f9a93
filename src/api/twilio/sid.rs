//! Twilio's ids, which are two letters and 32 hexadecimal digits. The digits are the 128
//! bits of our own ids, so that nothing has to be stored for them.

use crate::domain::message::MessageId;

pub(super) fn parse_message_sid(sid: &str) -> Option<MessageId> {
    sid.strip_prefix("SM").and_then(MessageId::from_hex)
}
