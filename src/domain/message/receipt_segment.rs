//! The segment that a delivery receipt is about, by the carrier's id of it.

use diesel::prelude::*;

use super::carrier_message_id::CarrierMessageId;
use super::phone_number::PhoneNumber;
use super::queue::carriers_with_messages;
use super::segment::MessageSegment;
use crate::domain::carrier::CarrierName;
use crate::error::Result;
use crate::store::Conn;
use crate::store::schema::{message_segments, messages};

/// The fewest characters of an id that two carriers do not give by chance.
const UNIQUE_ID_CHARS: usize = 16;

/// The segment with exactly this id, else the newest one whose id has the same
/// key: carriers reuse ids.
pub(super) fn find_segment(
    conn: &mut Conn,
    carrier: &CarrierName,
    carrier_id: &str,
    carrier_key: &str,
) -> Result<Option<MessageSegment>> {
    let mut found: Vec<MessageSegment> = message_segments::table
        .filter(message_segments::carrier.eq(carrier))
        .filter(message_segments::carrier_key.eq(carrier_key))
        .order(message_segments::message_id.desc())
        .limit(20)
        .select(MessageSegment::as_select())
        .load(conn)?;
    let exact = found.iter().position(|segment| segment.carrier_id.as_deref() == Some(carrier_id));
    Ok(if found.is_empty() { None } else { Some(found.swap_remove(exact.unwrap_or(0))) })
}

/// The segment with this id among those that a carrier got which the settings do not have
/// any more. The id has to be the same, and the phone, since the name of the carrier is
/// not; a receipt without a phone is enough for an id so long that no other carrier gives
/// the same.
pub(super) fn find_under_earlier_name(
    conn: &mut Conn,
    is_known: impl Fn(&CarrierName) -> bool,
    carrier_id: &CarrierMessageId,
    recipient: Option<&str>,
) -> Result<Option<MessageSegment>> {
    let phone = recipient.map(|number| number.trim_start_matches('+'));
    for name in carriers_with_messages(conn)?.iter().filter(|name| !name.is_sandbox() && !is_known(name)) {
        let Some(segment) = find_segment(conn, name, carrier_id.as_str(), carrier_id.key())? else { continue };
        let row = messages::table.find(&segment.message_id).select(messages::recipient);
        let recipient: PhoneNumber = row.first(conn)?;
        let is_same = match phone {
            Some(phone) => phone == recipient.digits(),
            None => carrier_id.as_str().len() >= UNIQUE_ID_CHARS,
        };
        if is_same && segment.carrier_id.as_deref() == Some(carrier_id.as_str()) && segment.status.is_open() {
            return Ok(Some(segment));
        }
    }
    Ok(None)
}
