//! Periodic work on messages that no worker will finish: expired leases and
//! messages whose validity has ended.

use diesel::prelude::*;

use super::error::MessageError;
use super::lifecycle::{advance, lock};
use super::outcome::{SegmentOutcome, settle};
use super::queue::is_due_in;
use super::receipt;
use super::record::{Message, MessageStatus};
use super::segment::segments;
use crate::domain::api_key::secret::Mode;
use crate::error::Result;
use crate::store::schema::messages;
use crate::store::{Conn, UtcTime};

/// Whether there is an expired lease, a message whose validity has ended, or a
/// receipt that matches no segment yet. A read alone, so that an idle instance
/// takes no write lock.
///
/// # Errors
/// When the database fails.
pub fn needs_sweep(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    for mode in [Mode::Live, Mode::Test] {
        // Queued messages too: workers lease none whose validity has ended.
        for status in [MessageStatus::Sending, MessageStatus::Sent, MessageStatus::Queued] {
            if is_due_in(conn, mode, status, now)? {
                return Ok(true);
            }
        }
    }
    receipt::has_unmatched(conn)
}

/// Settles up to `limit` messages in each mode whose lease has expired. Their
/// worker may have submitted them before it died, so they count as unanswered
/// and are not submitted again. Returns how many.
///
/// # Errors
/// When the database fails.
pub fn settle_expired_leases(conn: &mut Conn, limit: usize, now: UtcTime) -> Result<usize> {
    let abandoned = due(conn, MessageStatus::Sending, limit, now)?;
    for message in &abandoned {
        let known = segments(conn, &message.id)?;
        let is_settled =
            |number: &i64| known.iter().any(|one| one.number == *number && one.status.counts_as_accepted());
        let outcomes: Vec<_> = (1..=message.segments)
            .filter(|number| !is_settled(number))
            .map(|number| (number, SegmentOutcome::Unanswered))
            .collect();
        settle(conn, &message.id, message.due_at, &outcomes, now)?;
    }
    Ok(abandoned.len())
}

/// Ends up to `limit` messages in each mode and status whose validity has
/// ended. Returns how many.
///
/// # Errors
/// When the database fails.
pub fn end_overdue(conn: &mut Conn, limit: usize, now: UtcTime) -> Result<usize> {
    let sent = due(conn, MessageStatus::Sent, limit, now)?;
    for message in &sent {
        let known = segments(conn, &message.id)?;
        let message = lock(conn, &message.id)?;
        advance(conn, &message, MessageStatus::Expired, Some(MessageError::Expired), &known, message.tries, now)?;
    }
    let queued: Vec<Message> = due(conn, MessageStatus::Queued, limit, now)?;
    let overdue: Vec<Message> = queued.into_iter().filter(|message| message.valid_until <= now).collect();
    for message in &overdue {
        let known = segments(conn, &message.id)?;
        let is_accepted = known.iter().any(|segment| segment.status.counts_as_accepted());
        let status = if is_accepted { MessageStatus::Undelivered } else { MessageStatus::Failed };
        let message = lock(conn, &message.id)?;
        advance(conn, &message, status, Some(MessageError::NotSentInTime), &known, message.tries, now)?;
    }
    Ok(sent.len() + overdue.len())
}

/// Up to `limit` messages of each mode that are due in a status, those that are
/// overdue longest first.
fn due(conn: &mut Conn, status: MessageStatus, limit: usize, now: UtcTime) -> Result<Vec<Message>> {
    let mut found = Vec::new();
    for mode in [Mode::Live, Mode::Test] {
        let rows = messages::table
            .filter(messages::mode.eq(mode))
            .filter(messages::status.eq(status))
            .filter(messages::due_at.le(now))
            .order(messages::due_at)
            .limit(i64::try_from(limit).unwrap_or(i64::MAX));
        found.extend(rows.select(Message::as_select()).load::<Message>(conn)?);
    }
    Ok(found)
}
