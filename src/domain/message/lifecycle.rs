//! Status changes of a message, and what follows from a final one: the refund
//! and the callback.

use diesel::prelude::*;

use super::count_change::count_moved;
use super::error::MessageError;
use super::history::record_event;
use super::record::{Message, MessageId, MessageStatus};
use super::segment::{MessageSegment, SegmentStatus, Summary, segments_not_accepted};
use crate::domain::carrier::CarrierName;
use crate::domain::{callback, credit};
use crate::error::Result;
use crate::store::schema::messages;
use crate::store::{Conn, PrepareCached, UtcTime};

/// Reads a message and locks its row until the end of the transaction, so that
/// one transaction at a time changes its segments.
pub(super) fn lock(conn: &mut Conn, id: &MessageId) -> Result<Message> {
    // An update that changes nothing locks the row on both databases.
    Ok(diesel::update(messages::table.find(id))
        .set(messages::tries.eq(messages::tries))
        .returning(messages::all_columns)
        .prepare_cached()
        .get_result(conn)?)
}

/// Ends the lease and puts the message back into the queue, to be leased again
/// from `at` on.
pub(super) fn requeue(
    conn: &mut Conn,
    message: &Message,
    at: UtcTime,
    known: &[MessageSegment],
    tries: i64,
    now: UtcTime,
) -> Result<()> {
    let waiting = known.iter().find(|segment| segment.status == SegmentStatus::Waiting && segment.error.is_some());
    let error = waiting.and_then(|segment| segment.error);
    let carrier_code = waiting.and_then(|segment| segment.carrier_code.clone());
    diesel::update(messages::table.find(&message.id))
        .set((
            messages::status.eq(MessageStatus::Queued),
            messages::error.eq(error),
            messages::carrier_code.eq(carrier_code),
            messages::tries.eq(tries),
            messages::due_at.eq(at.min(message.valid_until)),
            messages::updated_at.eq(now),
        ))
        .prepare_cached()
        .execute(conn)?;
    count_moved(conn, message, MessageStatus::Queued, error, 0)?;
    match error {
        // Once for each cause: a busy carrier may refuse a message hundreds of times.
        Some(error) if message.error != Some(error) => {
            let detail = format!("{} It is tried again.", error.sentence());
            record_event(conn, &message.id, MessageStatus::Queued, detail, now)
        }
        _ => Ok(()),
    }
}

/// A message that came to a new status, or to the end of the wait for its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// The carrier that it waits for, or that has it; the sandbox for a rehearsal.
    pub carrier: CarrierName,
    /// The status.
    pub status: MessageStatus,
    /// What is wrong.
    pub error: Option<MessageError>,
    /// Whether it is a rehearsal.
    pub rehearsed: bool,
}

/// Sets a later status. A final one also refunds the segments that the carrier did
/// not accept, in the same transaction.
pub(super) fn advance(
    conn: &mut Conn,
    message: &Message,
    to: Summary,
    known: &[MessageSegment],
    tries: i64,
    now: UtcTime,
) -> Result<Option<StatusChange>> {
    let is_same = message.status == to.status && message.error == to.error && message.carrier_code == to.carrier_code;
    // Without a receipt in time, only a final status is news.
    let is_old_news = message.has_ended() && !to.status.is_final();
    if message.status.is_final() || is_same || is_old_news {
        return Ok(None);
    }
    let Summary { status, error, carrier_code } = to;
    let due_at = (!status.is_final()).then(|| message.receipt_due());
    let updated = Message { status, error, carrier_code, tries, due_at, updated_at: now, ..message.clone() };
    let mut refunded = 0;
    if status.is_final() {
        let credits = segments_not_accepted(known, message.segments) * message.credits_per_segment();
        refunded = credit::refund(conn, &message.account_id, &message.id, credits, now)?;
    }
    count_moved(conn, message, status, error, refunded)?;
    put(conn, message, &updated).map(Some)
}

/// Stops waiting for the receipt of a sent message. What became of it is not known,
/// so its status stays; a receipt that comes later still counts.
pub(super) fn stop_waiting_for_receipt(
    conn: &mut Conn,
    message: &Message,
    now: UtcTime,
) -> Result<Option<StatusChange>> {
    if message.status != MessageStatus::Sent || message.has_ended() {
        return Ok(None);
    }
    let error = message.error.or(Some(MessageError::NoReceipt));
    count_moved(conn, message, message.status, error, 0)?;
    put(conn, message, &Message { error, due_at: None, updated_at: now, ..message.clone() }).map(Some)
}

/// Writes a new state with its event and its callback.
fn put(conn: &mut Conn, before: &Message, message: &Message) -> Result<StatusChange> {
    diesel::update(messages::table.find(&message.id))
        .set((
            messages::status.eq(message.status),
            messages::error.eq(message.error),
            messages::carrier_code.eq(&message.carrier_code),
            messages::tries.eq(message.tries),
            messages::due_at.eq(message.due_at),
            messages::updated_at.eq(message.updated_at),
        ))
        .prepare_cached()
        .execute(conn)?;
    callback::enqueue(conn, before.status, message, message.updated_at)?;
    record_event(conn, &message.id, message.status, describe(message), message.updated_at)?;
    Ok(StatusChange {
        carrier: message.carrier.clone(),
        status: message.status,
        error: message.error,
        rehearsed: message.rehearsed,
    })
}

fn describe(message: &Message) -> String {
    match (message.error, message.status) {
        (Some(error), _) => error.sentence().to_owned(),
        (None, MessageStatus::Sent) if message.rehearsed => "The sandbox has it.".to_owned(),
        (None, MessageStatus::Sent) => "The carrier has it.".to_owned(),
        (None, MessageStatus::Delivered) if message.rehearsed => "Rehearsed: no phone was involved.".to_owned(),
        (None, MessageStatus::Delivered) => "It reached the phone.".to_owned(),
        (None, MessageStatus::Canceled) => "Your application withdrew it before it was sent.".to_owned(),
        (None, status) => status.as_str().to_owned(),
    }
}
