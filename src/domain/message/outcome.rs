//! What the carrier answered to the segments of a leased message, written to
//! the database.

use super::carrier_message_id::CarrierMessageId;
use super::error::MessageError;
use super::lifecycle::{advance, lock, requeue};
use super::receipt;
use super::record::{MessageId, MessageStatus};
use super::segment::{self, MessageSegment, SegmentStatus, segments, sum_up};
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// The delay before the retry of a message of which nothing was written to the
/// carrier, in seconds.
const NOT_SENT_RETRY_SECONDS: i64 = 1;

/// The outcome of submitting one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentOutcome {
    /// The carrier accepted it under this id.
    Accepted(CarrierMessageId),
    /// The carrier rejected it for good.
    Rejected(MessageError),
    /// The carrier does not accept it at the moment.
    Retry {
        /// The reason that the carrier gave.
        error: MessageError,
        /// When to submit it again.
        at: UtcTime,
        /// The attempts after which it counts as rejected.
        max_attempts: i64,
    },
    /// Nothing was written to the carrier.
    NotSent,
    /// It was written to the carrier and no response came: the carrier may have
    /// accepted it, so it is never submitted again.
    Unanswered,
}

/// Records the outcomes of the segments of a message whose lease ends at
/// `until`. Idempotent: a worker that does not know whether its commit
/// succeeded records the same again.
///
/// # Errors
/// When the database fails.
pub fn settle(
    conn: &mut Conn,
    id: &MessageId,
    until: Option<UtcTime>,
    outcomes: &[(i64, SegmentOutcome)],
    now: UtcTime,
) -> Result<()> {
    let message = lock(conn, id)?;
    let is_recorded = match message.status {
        MessageStatus::Queued => true,
        // A different end means that another worker has leased it since.
        MessageStatus::Sending => message.due_at != until,
        _ => false,
    };
    if is_recorded {
        return Ok(());
    }
    let mut known = segments(conn, id)?;
    let was_submitted = outcomes.iter().any(|(_, outcome)| *outcome != SegmentOutcome::NotSent);
    let tries = message.tries + i64::from(was_submitted);
    for (number, outcome) in outcomes {
        record_segment(conn, &mut known, &message.id, *number, outcome, tries, now)?;
    }
    match sum_up(&known, message.segments) {
        Some((status, error)) => {
            reject_waiting_segments(conn, &mut known, now)?;
            advance(conn, &message, status, error, &known, tries, now)?;
        }
        None => {
            let at = outcomes.iter().map(|(_, outcome)| retry_at(outcome, now)).max().unwrap_or(now);
            requeue(conn, &message, at, &known, tries, now)?;
        }
    }
    for (_, outcome) in outcomes {
        if let SegmentOutcome::Accepted(carrier_id) = outcome {
            receipt::match_early(conn, carrier_id, now)?;
        }
    }
    Ok(())
}

const fn retry_at(outcome: &SegmentOutcome, now: UtcTime) -> UtcTime {
    match outcome {
        SegmentOutcome::Retry { at, .. } => *at,
        _ => now.plus_seconds(NOT_SENT_RETRY_SECONDS),
    }
}

fn record_segment(
    conn: &mut Conn,
    known: &mut Vec<MessageSegment>,
    message: &MessageId,
    number: i64,
    outcome: &SegmentOutcome,
    tries: i64,
    now: UtcTime,
) -> Result<()> {
    let (status, error) = match outcome {
        SegmentOutcome::Accepted(_) => (SegmentStatus::Accepted, None),
        SegmentOutcome::Rejected(error) => (SegmentStatus::Refused, Some(*error)),
        SegmentOutcome::Retry { error, max_attempts, .. } if tries >= *max_attempts => {
            (SegmentStatus::Refused, Some(*error))
        }
        SegmentOutcome::Retry { error, .. } => (SegmentStatus::Waiting, Some(*error)),
        SegmentOutcome::NotSent => return Ok(()),
        SegmentOutcome::Unanswered => (SegmentStatus::Unknown, Some(MessageError::OutcomeUnknown)),
    };
    let carrier_id = match outcome {
        SegmentOutcome::Accepted(carrier_id) if !carrier_id.is_empty() => Some(carrier_id),
        _ => None,
    };
    let segment = MessageSegment {
        message_id: message.clone(),
        number,
        status,
        carrier_id: carrier_id.map(|id| id.as_str().to_owned()),
        carrier_key: carrier_id.map(|id| id.key().to_owned()),
        error,
        updated_at: now,
        carrier: carrier_id.map(|id| id.carrier().to_owned()),
    };
    let existing = known.iter_mut().find(|segment| segment.number == number);
    // A receipt may have come before the response; what it said stays.
    if existing
        .as_ref()
        .is_some_and(|known| known.status.counts_as_accepted() && known.status != SegmentStatus::Unknown)
    {
        return Ok(());
    }
    segment::put(conn, &segment, existing.is_none())?;
    match existing {
        Some(existing) => *existing = segment,
        None => known.push(segment),
    }
    Ok(())
}

/// A phone can't show a message that lacks a segment, so the segments that wait
/// for a retry are not submitted once another one is rejected.
fn reject_waiting_segments(conn: &mut Conn, known: &mut [MessageSegment], now: UtcTime) -> Result<()> {
    let Some(refused) = known.iter().find(|segment| segment.status == SegmentStatus::Refused) else { return Ok(()) };
    let error = refused.error;
    for segment in known.iter_mut().filter(|segment| segment.status == SegmentStatus::Waiting) {
        *segment = MessageSegment { status: SegmentStatus::Refused, error, updated_at: now, ..segment.clone() };
        segment::put(conn, segment, false)?;
    }
    Ok(())
}
