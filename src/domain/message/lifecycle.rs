//! Status changes of a message, and what follows from a final one: the refund
//! and the callback.

use diesel::prelude::*;

use super::error::MessageError;
use super::history::record_event;
use super::record::{Message, MessageId, MessageStatus};
use super::segment::{MessageSegment, SegmentStatus};
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
    let waiting = known.iter().filter(|segment| segment.status == SegmentStatus::Waiting);
    let error = waiting.filter_map(|segment| segment.error).next();
    diesel::update(messages::table.find(&message.id))
        .set((
            messages::status.eq(MessageStatus::Queued),
            messages::error.eq(error),
            messages::tries.eq(tries),
            messages::due_at.eq(at.min(message.valid_until)),
            messages::updated_at.eq(now),
        ))
        .prepare_cached()
        .execute(conn)?;
    match error {
        Some(error) => {
            let detail = format!("{} It is tried again.", error.sentence());
            record_event(conn, &message.id, MessageStatus::Queued, detail, now)
        }
        None => Ok(()),
    }
}

/// Sets a later status. A final one also refunds the segments that the carrier
/// did not accept, and enqueues the callback, in the same transaction.
pub(super) fn advance(
    conn: &mut Conn,
    message: &Message,
    status: MessageStatus,
    error: Option<MessageError>,
    known: &[MessageSegment],
    tries: i64,
    now: UtcTime,
) -> Result<()> {
    if message.status.is_final() || (message.status == status && message.error == error) {
        return Ok(());
    }
    diesel::update(messages::table.find(&message.id))
        .set((
            messages::status.eq(status),
            messages::error.eq(error),
            messages::tries.eq(tries),
            messages::due_at.eq((!status.is_final()).then_some(message.valid_until)),
            messages::updated_at.eq(now),
        ))
        .prepare_cached()
        .execute(conn)?;
    if status.is_final() {
        let accepted = known.iter().filter(|segment| segment.status.counts_as_accepted()).count();
        let not_accepted = message.segments - i64::try_from(accepted).unwrap_or(message.segments);
        credit::refund(conn, &message.account_id, &message.id, not_accepted * message.credits_per_segment(), now)?;
        let ended = Message { status, error, tries, due_at: None, updated_at: now, ..message.clone() };
        callback::enqueue(conn, &ended, now)?;
    }
    record_event(conn, &message.id, status, describe(status, error), now)
}

fn describe(status: MessageStatus, error: Option<MessageError>) -> String {
    match (error, status) {
        (Some(error), _) => error.sentence().to_owned(),
        (None, MessageStatus::Sent) => "The carrier has it.".to_owned(),
        (None, MessageStatus::Delivered) => "It reached the phone.".to_owned(),
        (None, status) => status.as_str().to_owned(),
    }
}
