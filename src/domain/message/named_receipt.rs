//! Receipts that name a message by our own id, as the address that they come to does.

use super::carrier_message_id::CarrierMessageId;
use super::lifecycle::lock;
use super::record::{MessageId, MessageStatus};
use super::segment::{self, MessageSegment, SegmentStatus, WHOLE_MESSAGE, segments};
use crate::domain::carrier::CarrierName;
use crate::error::{Error, Result};
use crate::store::{Conn, UtcTime};

/// The whole message of this id, if this carrier has it and gave it no id of its own: its
/// answer is still on its way, never came, or had none that could be read. An id of the
/// receipt becomes its own.
pub(super) fn find_segment(
    conn: &mut Conn,
    carrier: &CarrierName,
    message: &MessageId,
    carrier_id: &CarrierMessageId,
    now: UtcTime,
) -> Result<Option<MessageSegment>> {
    let message = match lock(conn, message) {
        Ok(message) if message.carrier == *carrier => message,
        Ok(_) | Err(Error::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let own_id = Some(carrier_id).filter(|id| !id.is_empty());
    let named = |segment: MessageSegment| MessageSegment {
        carrier: Some(carrier.clone()),
        carrier_id: own_id.map(|id| id.as_str().to_owned()),
        carrier_key: own_id.map(|id| id.key().to_owned()),
        ..segment
    };
    match segments(conn, &message.id)?.into_iter().next() {
        Some(segment) if segment.number == WHOLE_MESSAGE && segment.carrier_id.is_none() => Ok(Some(named(segment))),
        None if message.status == MessageStatus::Sending => {
            let segment = named(MessageSegment {
                message_id: message.id,
                number: WHOLE_MESSAGE,
                status: SegmentStatus::Accepted,
                carrier_id: None,
                carrier_key: None,
                error: None,
                updated_at: now,
                carrier: None,
                carrier_code: None,
            });
            segment::put(conn, &segment, true)?;
            Ok(Some(segment))
        }
        _ => Ok(None),
    }
}
