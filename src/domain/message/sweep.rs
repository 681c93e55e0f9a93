//! Periodic work on messages that no worker will finish: expired leases and
//! messages whose validity has ended.

use diesel::prelude::*;

use super::count_fold::has_changes;
use super::error::MessageError;
use super::lifecycle::{StatusChange, advance, lock, stop_waiting_for_receipt};
use super::outcome::{MAX_RETRY_SECONDS, SegmentOutcome, settle};
use super::queue::{LEASE_SECONDS, carriers_with_messages, is_due_in};
use super::receipt;
use super::record::{Message, MessageId, MessageStatus};
use super::segment::{Summary, WHOLE_MESSAGE, segments};
use crate::domain::carrier::CarrierName;
use crate::error::Result;
use crate::store::schema::messages;
use crate::store::{Conn, UtcTime};

/// Whether there is an expired lease, a message whose validity has ended, a receipt
/// that matches no segment yet, or a count to add up. A read alone, so that an idle
/// instance takes no write lock.
///
/// # Errors
/// When the database fails.
pub fn needs_sweep(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    for carrier in &carriers_with_messages(conn)? {
        // Queued messages too: workers lease none whose validity has ended.
        for status in [MessageStatus::Sending, MessageStatus::Sent, MessageStatus::Queued] {
            if is_due_in(conn, carrier, status, now)? {
                return Ok(true);
            }
        }
    }
    Ok(receipt::has_unmatched(conn)? || has_changes(conn)? || has_impossible_due_time(conn, now)?)
}

/// Messages in the queue that wait longer than Keyfob ever lets one wait: the clock
/// was ahead when their time was set.
macro_rules! impossible_due_times {
    ($carrier:expr, $now:expr) => {
        messages::table
            .filter(messages::carrier.eq($carrier))
            .filter(messages::status.eq(MessageStatus::Queued))
            .filter(messages::due_at.gt($now))
            .filter(messages::due_at.gt($now.plus_seconds(MAX_RETRY_SECONDS)).or(messages::created_at.gt($now)))
    };
}

/// Leases that end later than any does.
macro_rules! impossible_leases {
    ($carrier:expr, $now:expr) => {
        messages::table
            .filter(messages::carrier.eq($carrier))
            .filter(messages::status.eq(MessageStatus::Sending))
            .filter(messages::due_at.gt($now.plus_seconds(2 * LEASE_SECONDS)))
    };
}

fn has_impossible_due_time(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    for carrier in &carriers_with_messages(conn)? {
        let queued = impossible_due_times!(carrier, now).select(messages::id).first::<MessageId>(conn).optional()?;
        let leased = impossible_leases!(carrier, now).select(messages::id).first::<MessageId>(conn).optional()?;
        if queued.is_some() || leased.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes queued messages due now whose time was set by a clock that was ahead, and
/// ends leases that are longer than any.
///
/// # Errors
/// When the database fails.
pub fn correct_due_times(conn: &mut Conn, now: UtcTime) -> Result<usize> {
    let mut corrected = 0;
    for carrier in &carriers_with_messages(conn)? {
        let ids = impossible_due_times!(carrier, now).select(messages::id).load::<MessageId>(conn)?;
        let rows = messages::table.filter(messages::id.eq_any(ids)).filter(messages::status.eq(MessageStatus::Queued));
        corrected += diesel::update(rows).set(messages::due_at.eq(now)).execute(conn)?;
        let leases = impossible_leases!(carrier, now);
        corrected += diesel::update(leases).set(messages::due_at.eq(now)).execute(conn)?;
    }
    Ok(corrected)
}

/// Settles up to `limit` messages of each carrier whose lease has expired. Their
/// worker may have submitted them before it died, so they count as unanswered
/// and are not submitted again. `takes_whole` says which carriers take messages as a
/// whole.
///
/// # Errors
/// When the database fails.
pub fn settle_expired_leases(
    conn: &mut Conn,
    takes_whole: impl Fn(&CarrierName) -> bool,
    limit: usize,
    now: UtcTime,
) -> Result<Vec<StatusChange>> {
    let abandoned = due(conn, MessageStatus::Sending, limit, now)?;
    let mut changes = Vec::new();
    for message in &abandoned {
        let known = segments(conn, &message.id)?;
        let is_settled =
            |number: &i64| known.iter().any(|one| one.number == *number && one.status.counts_as_accepted());
        let numbers = if takes_whole(&message.carrier) { WHOLE_MESSAGE..=WHOLE_MESSAGE } else { 1..=message.segments };
        let outcomes: Vec<_> =
            numbers.filter(|number| !is_settled(number)).map(|number| (number, SegmentOutcome::Unanswered)).collect();
        changes.extend(settle(conn, &message.id, message.due_at, &outcomes, now)?);
    }
    Ok(changes)
}

/// Ends up to `limit` messages of each carrier and status: queued ones whose validity
/// has ended, and sent ones whose receipt is overdue.
///
/// # Errors
/// When the database fails.
pub fn end_overdue(conn: &mut Conn, limit: usize, now: UtcTime) -> Result<Vec<StatusChange>> {
    let mut changes = Vec::new();
    for message in &due(conn, MessageStatus::Sent, limit, now)? {
        let message = lock(conn, &message.id)?;
        changes.extend(stop_waiting_for_receipt(conn, &message, now)?);
    }
    let queued: Vec<Message> = due(conn, MessageStatus::Queued, limit, now)?;
    let overdue: Vec<Message> = queued.into_iter().filter(|message| message.valid_until <= now).collect();
    for message in &overdue {
        let known = segments(conn, &message.id)?;
        let is_accepted = known.iter().any(|segment| segment.status.counts_as_accepted());
        let status = if is_accepted { MessageStatus::Undelivered } else { MessageStatus::Failed };
        let message = lock(conn, &message.id)?;
        // What the carrier answered last is why.
        let carrier_code = message.carrier_code.clone();
        let end = Summary { status, error: Some(MessageError::NotSentInTime), carrier_code };
        changes.extend(advance(conn, &message, end, &known, message.tries, now)?);
    }
    Ok(changes)
}

/// Up to `limit` messages of each carrier that are due in a status, those that are
/// overdue longest first.
fn due(conn: &mut Conn, status: MessageStatus, limit: usize, now: UtcTime) -> Result<Vec<Message>> {
    let mut found = Vec::new();
    for carrier in &carriers_with_messages(conn)? {
        let rows = messages::table
            .filter(messages::carrier.eq(carrier))
            .filter(messages::status.eq(status))
            .filter(messages::due_at.le(now))
            .order(messages::due_at)
            .limit(i64::try_from(limit).unwrap_or(i64::MAX));
        found.extend(rows.select(Message::as_select()).load::<Message>(conn)?);
    }
    Ok(found)
}
