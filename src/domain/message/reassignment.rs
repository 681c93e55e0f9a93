//! Queued messages that go by another carrier than the one that they waited for.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::count_change::count_carrier_moved;
use super::history::record_event;
use super::phone_number::PhoneNumber;
use super::record::{Message, MessageId, MessageStatus};
use super::segment::SegmentStatus;
use crate::domain::carrier::CarrierName;
use crate::error::Result;
use crate::store::schema::{message_segments, messages};
use crate::store::{Conn, UtcTime};

/// The states of a segment that no carrier has: it was refused for the moment, or for
/// good.
const NOT_TAKEN: [SegmentStatus; 2] = [SegmentStatus::Waiting, SegmentStatus::Refused];

/// A message that waits for a carrier, and of which no carrier has a part.
#[derive(Debug, Clone, Queryable)]
pub struct QueuedMessage {
    /// Its id.
    pub id: MessageId,
    /// The phone that it goes to.
    pub recipient: PhoneNumber,
    /// When it is to be submitted.
    pub due_at: Option<UtcTime>,
}

/// Up to `limit` messages that wait for a carrier, in the order in which they are due,
/// from the one after `after` on. Those of which the carrier has a part, or may have
/// one, are not among them: they stay with it.
///
/// # Errors
/// When the database fails.
pub fn list_movable(
    conn: &mut Conn,
    carrier: &CarrierName,
    after: Option<&QueuedMessage>,
    limit: usize,
) -> Result<Vec<QueuedMessage>> {
    let taken = message_segments::table
        .filter(message_segments::message_id.eq(messages::id))
        .filter(message_segments::status.ne_all(NOT_TAKEN));
    let mut rows = messages::table
        .filter(messages::carrier.eq(carrier))
        .filter(messages::status.eq(MessageStatus::Queued))
        .filter(messages::due_at.is_not_null())
        .filter(not(exists(taken)))
        .order((messages::due_at, messages::id))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((messages::id, messages::recipient, messages::due_at))
        .into_boxed();
    if let Some(QueuedMessage { id, due_at, .. }) = after {
        let is_later = messages::due_at.gt(*due_at).or(messages::due_at.eq(*due_at).and(messages::id.gt(id)));
        // The first condition says the same less exactly, for the index.
        rows = rows.filter(messages::due_at.ge(*due_at)).filter(is_later.assume_not_null());
    }
    Ok(rows.load(conn)?)
}

/// Lets those of the messages that still wait for `from` wait for `to`; `reason` is the
/// sentence in their history. Returns how many they are.
///
/// # Errors
/// When the database fails.
pub fn reassign(
    conn: &mut Conn,
    ids: &[MessageId],
    (from, to): (&CarrierName, &CarrierName),
    reason: &str,
    now: UtcTime,
) -> Result<usize> {
    // The rows are locked by the update, so that no worker leases one of them meanwhile.
    let waiting = messages::table
        .filter(messages::id.eq_any(ids))
        .filter(messages::carrier.eq(from))
        .filter(messages::status.eq(MessageStatus::Queued));
    let mut moved: Vec<Message> = diesel::update(waiting)
        .set((messages::carrier.eq(to), messages::updated_at.eq(now)))
        .returning(messages::all_columns)
        .get_results(conn)?;
    // Read behind the lock: the carrier may have taken a part since the list was made.
    let ids: Vec<&MessageId> = moved.iter().map(|message| &message.id).collect();
    let taken: Vec<MessageId> = message_segments::table
        .filter(message_segments::message_id.eq_any(ids))
        .filter(message_segments::status.ne_all(NOT_TAKEN))
        .select(message_segments::message_id)
        .distinct()
        .load(conn)?;
    if !taken.is_empty() {
        diesel::update(messages::table.filter(messages::id.eq_any(&taken)))
            .set(messages::carrier.eq(from))
            .execute(conn)?;
        moved.retain(|message| !taken.contains(&message.id));
    }
    let ids: Vec<&MessageId> = moved.iter().map(|message| &message.id).collect();
    // The new carrier may number the parts in another way, and has refused none of them.
    diesel::delete(message_segments::table.filter(message_segments::message_id.eq_any(&ids))).execute(conn)?;
    let later = messages::table.filter(messages::id.eq_any(&ids)).filter(messages::due_at.gt(now));
    diesel::update(later).set(messages::due_at.eq(now)).execute(conn)?;
    for id in ids {
        record_event(conn, id, MessageStatus::Queued, reason.to_owned(), now)?;
    }
    count_carrier_moved(conn, &moved, from)?;
    Ok(moved.len())
}
