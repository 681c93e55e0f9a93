//! Withdrawing a message that no carrier has yet.

use super::lifecycle::{advance, lock};
use super::list::find_for_api;
use super::record::{Message, MessageId, MessageStatus};
use super::segment::{Summary, segments};
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::Mode;
use crate::error::{Error, Result};
use crate::store::{Conn, UtcTime};

/// Ends a message that waits in the queue, refunds it in full and queues its callback.
/// Returns it as it is then.
///
/// # Errors
/// [`Error::NotFound`] for an unknown message and for another account's or mode's;
/// [`Error::WrongState`] once a worker or a carrier has any part of it.
pub fn cancel(conn: &mut Conn, account: &AccountId, mode: Mode, id: &MessageId, now: UtcTime) -> Result<Message> {
    find_for_api(conn, account, mode, id)?;
    // A worker leases queued messages only, so from here on none takes this one.
    let message = lock(conn, id)?;
    let known = segments(conn, id)?;
    if message.status != MessageStatus::Queued || known.iter().any(|segment| segment.status.counts_as_accepted()) {
        return Err(Error::WrongState { sentence: too_late(&message) });
    }
    let end = Summary { status: MessageStatus::Canceled, error: None, carrier_code: None };
    advance(conn, &message, end, &known, message.tries, now)?;
    Ok(find_for_api(conn, account, mode, id)?.message)
}

const fn too_late(message: &Message) -> &'static str {
    match message.status {
        MessageStatus::Canceled => "It was withdrawn before.",
        MessageStatus::Queued | MessageStatus::Sending | MessageStatus::Sent => "It is already with the carrier.",
        _ => "It has ended already.",
    }
}
