//! What the carrier answered to the segments of a leased message, written to
//! the database.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::carrier_message_id::CarrierMessageId;
use super::error::MessageError;
use super::lifecycle::{StatusChange, advance, lock, requeue};
use super::receipt;
use super::record::{Message, MessageId, MessageStatus};
use super::segment::{self, MessageSegment, SegmentStatus, segments, sum_up};
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// The delay before the retry of a message of which nothing was written to the
/// carrier, in seconds.
const NOT_SENT_RETRY_SECONDS: i64 = 1;
/// The delays before the retries of a message that the carrier has a temporary error
/// with, in seconds; the last one stays. It fails only when its validity ends.
const RETRY_SECONDS: [i64; 6] = [30, 60, 120, 300, 600, 1_800];
/// The longest delay before a throttled message is submitted again, in seconds.
const MAX_THROTTLED_RETRY_SECONDS: i64 = 60;
/// A throttled message waits this part of its age, so that a long queue is not read
/// and written again every second.
const THROTTLED_AGE_DIVISOR: i64 = 10;
/// No delay of this module is longer, jitter included.
pub(super) const MAX_RETRY_SECONDS: i64 = 3_600;

/// Why a carrier does not accept a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierRejection {
    /// The reason.
    pub error: MessageError,
    /// The carrier's own code, if it has one.
    pub carrier_code: Option<String>,
}

/// The outcome of submitting one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentOutcome {
    /// The carrier accepted it under this id.
    Accepted(CarrierMessageId),
    /// The carrier rejected it for good.
    Rejected(CarrierRejection),
    /// The carrier has a temporary error with it.
    Retry(CarrierRejection),
    /// The carrier takes no more at the moment, whatever the message. This does not
    /// count as an attempt.
    Throttled {
        /// What the carrier answered.
        rejection: CarrierRejection,
        /// The least delay before it is submitted again.
        after: Duration,
    },
    /// Nothing was written to the carrier, or it refused the connection.
    NotSent,
    /// It was written to the carrier and no response came: the carrier may have
    /// accepted it, so it is never submitted again.
    Unanswered,
}

impl SegmentOutcome {
    /// Whether the carrier dealt with this very segment.
    const fn is_attempt(&self) -> bool {
        !matches!(self, Self::NotSent | Self::Throttled { .. })
    }
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
) -> Result<Vec<StatusChange>> {
    let message = lock(conn, id)?;
    let is_recorded = match message.status {
        // A withdrawn one was queued: what its last worker reports was recorded before.
        MessageStatus::Queued | MessageStatus::Canceled => true,
        // A different end means that another worker has leased it since.
        MessageStatus::Sending => message.due_at != until,
        _ => false,
    };
    if is_recorded {
        return Ok(Vec::new());
    }
    let mut known = segments(conn, id)?;
    let was_submitted = outcomes.iter().any(|(_, outcome)| outcome.is_attempt());
    let tries = message.tries + i64::from(was_submitted);
    for (number, outcome) in outcomes {
        record_segment(conn, &mut known, &message, *number, outcome, now)?;
    }
    let mut changes = Vec::new();
    match sum_up(&known, message.segments) {
        Some(summary) => {
            reject_waiting_segments(conn, &mut known, now)?;
            changes.extend(advance(conn, &message, summary, &known, tries, now)?);
        }
        None => {
            let at = outcomes.iter().map(|(_, outcome)| retry_at(&message, outcome, tries, now)).max().unwrap_or(now);
            requeue(conn, &message, at, &known, tries, now)?;
        }
    }
    for (_, outcome) in outcomes {
        if let SegmentOutcome::Accepted(carrier_id) = outcome {
            changes.extend(receipt::match_early(conn, &message.carrier, carrier_id, now)?);
        }
    }
    Ok(changes)
}

/// Records the carrier's response to a segment that had timed out. `None` when the
/// time-out itself is not recorded yet: try again.
///
/// # Errors
/// When the database fails.
pub fn settle_late(
    conn: &mut Conn,
    id: &MessageId,
    number: i64,
    outcome: &SegmentOutcome,
    now: UtcTime,
) -> Result<Option<Vec<StatusChange>>> {
    let message = lock(conn, id)?;
    if message.status == MessageStatus::Sending {
        return Ok(None);
    }
    let mut known = segments(conn, id)?;
    let unknown = |segment: &&mut MessageSegment| segment.number == number && segment.status == SegmentStatus::Unknown;
    // A receipt may have said more since.
    let Some(segment) = known.iter_mut().find(unknown) else { return Ok(Some(Vec::new())) };
    // What was announced as unknown can't go back into the queue, so a temporary
    // refusal counts as one for good.
    let outcome = match outcome {
        SegmentOutcome::Retry(rejection) | SegmentOutcome::Throttled { rejection, .. } => {
            &SegmentOutcome::Rejected(rejection.clone())
        }
        outcome => outcome,
    };
    if let Some(settled) = to_segment(&message, number, outcome, now) {
        segment::put(conn, &settled, false)?;
        *segment = settled;
    }
    let mut changes = Vec::new();
    if let Some(summary) = sum_up(&known, message.segments) {
        reject_waiting_segments(conn, &mut known, now)?;
        changes.extend(advance(conn, &message, summary, &known, message.tries, now)?);
    }
    if let SegmentOutcome::Accepted(carrier_id) = outcome {
        changes.extend(receipt::match_early(conn, &message.carrier, carrier_id, now)?);
    }
    Ok(Some(changes))
}

/// When to submit a message again. Delays are longer by up to a quarter, so that
/// messages that were refused together do not come back together.
fn retry_at(message: &Message, outcome: &SegmentOutcome, tries: i64, now: UtcTime) -> UtcTime {
    let seconds = match outcome {
        SegmentOutcome::Retry(_) => {
            let last = RETRY_SECONDS.len() - 1;
            RETRY_SECONDS[usize::try_from(tries - 1).unwrap_or(0).min(last)]
        }
        SegmentOutcome::Throttled { after, .. } => {
            let age = (now.micros() - message.created_at.micros()) / 1_000_000;
            let least = i64::try_from(after.as_secs()).unwrap_or(i64::MAX).min(MAX_THROTTLED_RETRY_SECONDS);
            (age / THROTTLED_AGE_DIVISOR).clamp(least, MAX_THROTTLED_RETRY_SECONDS)
        }
        _ => NOT_SENT_RETRY_SECONDS,
    };
    let micros = seconds * 1_000_000;
    UtcTime::from_micros(now.micros() + micros + micros / 100 * jitter_percent(&message.id, tries))
}

/// 0 to 25, another one for each message and attempt.
fn jitter_percent(id: &MessageId, tries: i64) -> i64 {
    let mut hasher = DefaultHasher::new();
    (id.as_str(), tries).hash(&mut hasher);
    i64::try_from(hasher.finish() % 26).unwrap_or_default()
}

/// The row of a segment after an outcome; `None` when nothing was submitted.
fn to_segment(message: &Message, number: i64, outcome: &SegmentOutcome, now: UtcTime) -> Option<MessageSegment> {
    let (status, error, carrier_code) = match outcome {
        SegmentOutcome::Accepted(_) => (SegmentStatus::Accepted, None, None),
        SegmentOutcome::Rejected(CarrierRejection { error, carrier_code }) => {
            (SegmentStatus::Refused, Some(*error), carrier_code.clone())
        }
        SegmentOutcome::Retry(rejection) | SegmentOutcome::Throttled { rejection, .. } => {
            (SegmentStatus::Waiting, Some(rejection.error), rejection.carrier_code.clone())
        }
        SegmentOutcome::NotSent => return None,
        SegmentOutcome::Unanswered => (SegmentStatus::Unknown, Some(MessageError::OutcomeUnknown), None),
    };
    let carrier_id = match outcome {
        SegmentOutcome::Accepted(carrier_id) if !carrier_id.is_empty() => Some(carrier_id),
        _ => None,
    };
    Some(MessageSegment {
        message_id: message.id.clone(),
        number,
        status,
        carrier_id: carrier_id.map(|id| id.as_str().to_owned()),
        carrier_key: carrier_id.map(|id| id.key().to_owned()),
        error,
        updated_at: now,
        carrier: carrier_id.map(|_| message.carrier.clone()),
        carrier_code,
    })
}

fn record_segment(
    conn: &mut Conn,
    known: &mut Vec<MessageSegment>,
    message: &Message,
    number: i64,
    outcome: &SegmentOutcome,
    now: UtcTime,
) -> Result<()> {
    let Some(segment) = to_segment(message, number, outcome, now) else { return Ok(()) };
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
    let (error, carrier_code) = (refused.error, refused.carrier_code.clone());
    for segment in known.iter_mut().filter(|segment| segment.status == SegmentStatus::Waiting) {
        let carrier_code = carrier_code.clone();
        *segment =
            MessageSegment { status: SegmentStatus::Refused, error, carrier_code, updated_at: now, ..segment.clone() };
        segment::put(conn, segment, false)?;
    }
    Ok(())
}
