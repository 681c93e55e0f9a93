//! The queue of messages: a worker leases the messages that are due. A message
//! is handed to the carrier at most once, unless the carrier said that it did
//! not accept it.

use diesel::prelude::*;

use super::record::{Message, MessageId, MessageStatus};
use super::segment::segments;
use crate::domain::carrier::CarrierName;
use crate::error::Result;
use crate::store::schema::messages;
use crate::store::{Conn, UtcTime};

/// How long a worker has to record the outcome of a message, in seconds. Longer
/// than all timeouts of a transport together.
pub const LEASE_SECONDS: i64 = 120;

/// A message that one worker alone is to hand to the carrier now.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The message.
    pub message: Message,
    /// The numbers of the segments that are still to be submitted, from 1.
    pub numbers: Vec<i64>,
}

/// Leases up to `limit` messages that are due for a carrier, oldest first.
///
/// # Errors
/// When the database fails.
pub fn lease(conn: &mut Conn, carrier: &CarrierName, limit: usize, now: UtcTime) -> Result<Vec<Lease>> {
    let due: Vec<MessageId> = messages::table
        .filter(messages::carrier.eq(carrier))
        .filter(messages::status.eq(MessageStatus::Queued))
        .filter(messages::due_at.le(now))
        .filter(messages::valid_until.gt(now))
        .order(messages::due_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(messages::id)
        .load(conn)?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    // The update checks the status again: on PostgreSQL another worker may have
    // leased some of these rows since the select.
    let still_queued = messages::table.filter(messages::id.eq_any(&due));
    let mut leased: Vec<Message> = diesel::update(still_queued.filter(messages::status.eq(MessageStatus::Queued)))
        .set((
            messages::status.eq(MessageStatus::Sending),
            messages::due_at.eq(now.plus_seconds(LEASE_SECONDS)),
            messages::updated_at.eq(now),
        ))
        .returning(messages::all_columns)
        .get_results(conn)?;
    leased.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
    leased.into_iter().map(|message| to_lease(conn, message)).collect()
}

fn to_lease(conn: &mut Conn, message: Message) -> Result<Lease> {
    let submitted = if message.tries == 0 { Vec::new() } else { segments(conn, &message.id)? };
    let is_done = |number: &i64| submitted.iter().any(|one| one.number == *number && one.status.counts_as_accepted());
    let numbers = (1..=message.segments).filter(|number| !is_done(number)).collect();
    Ok(Lease { message, numbers })
}

/// Whether a queued message is due. A read alone, so that an idle worker takes
/// no write lock.
///
/// # Errors
/// When the database fails.
pub fn is_due(conn: &mut Conn, carrier: &CarrierName, now: UtcTime) -> Result<bool> {
    is_due_in(conn, carrier, MessageStatus::Queued, now)
}

pub(super) fn is_due_in(conn: &mut Conn, carrier: &CarrierName, status: MessageStatus, now: UtcTime) -> Result<bool> {
    let due: Option<MessageId> = messages::table
        .filter(messages::carrier.eq(carrier))
        .filter(messages::status.eq(status))
        .filter(messages::due_at.le(now))
        .select(messages::id)
        .first(conn)
        .optional()?;
    Ok(due.is_some())
}

/// The carriers that messages wait for, or wait for a receipt of, whether or not the
/// settings still name them.
///
/// # Errors
/// When the database fails.
pub fn carriers_with_messages(conn: &mut Conn) -> Result<Vec<CarrierName>> {
    let mut found: Vec<CarrierName> = Vec::new();
    loop {
        // One look into the index for each carrier, where DISTINCT would read all messages.
        let last = found.last().map_or("", CarrierName::as_str);
        let rows = messages::table.filter(messages::due_at.is_not_null()).filter(messages::carrier.gt(last));
        match rows.select(diesel::dsl::min(messages::carrier)).first::<Option<CarrierName>>(conn)? {
            Some(carrier) => found.push(carrier),
            None => return Ok(found),
        }
    }
}

/// The state of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFigures {
    /// The messages in it.
    pub length: i64,
    /// When the one that has waited longest was accepted.
    pub oldest: Option<UtcTime>,
}

/// Counts the queued messages of a carrier.
///
/// # Errors
/// When the database fails.
pub fn queue_figures(conn: &mut Conn, carrier: &CarrierName) -> Result<QueueFigures> {
    let queued = messages::table
        .filter(messages::carrier.eq(carrier))
        .filter(messages::status.eq(MessageStatus::Queued))
        .filter(messages::due_at.is_not_null());
    Ok(QueueFigures {
        length: queued.count().get_result(conn)?,
        oldest: queued.select(diesel::dsl::min(messages::created_at)).first::<Option<UtcTime>>(conn)?,
    })
}
