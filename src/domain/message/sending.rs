//! The queue: which messages a worker may hand to the carrier, and what became
//! of them. A message that was handed over is never handed over again, unless
//! the carrier said that it did not take it.

use diesel::prelude::*;

use super::history::note;
use super::segment::{self, MessageSegment, SegmentStatus, segments, sum_up};
use super::{Fault, Message, MessageId, Status, receipt};
use crate::domain::api_key::secret::Mode;
use crate::domain::{callback, credit};
use crate::error::Result;
use crate::store::schema::messages;
use crate::store::{Conn, Steadily, UtcTime};

/// How long a worker has to say what became of a message. Longer than any
/// carrier is waited for.
pub const LEASE_SECONDS: i64 = 120;
/// How soon a message is tried again that never left.
const NOT_SENT_SECONDS: i64 = 1;

/// A message that this worker, and no other, is to hand to the carrier now.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The message.
    pub message: Message,
    /// The numbers of its segments that are still to go, from 1.
    pub numbers: Vec<i64>,
}

/// What became of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentOutcome {
    /// The carrier has it.
    Taken {
        /// Which carrier.
        carrier: String,
        /// The carrier's id for it.
        carrier_id: String,
        /// The same in the form in which ids are compared.
        carrier_key: String,
    },
    /// The carrier will not take it.
    Refused(Fault),
    /// The carrier can't take it now.
    Later {
        /// Why.
        fault: Fault,
        /// When to ask again.
        at: UtcTime,
        /// How often to ask at most.
        most: i64,
    },
    /// It never left.
    NotSent,
    /// It left, and no answer came: it may have been taken.
    Unanswered,
}

/// Leases up to `most` messages that are due, oldest first.
///
/// # Errors
/// When the database fails.
pub fn lease(conn: &mut Conn, mode: Mode, most: usize, now: UtcTime) -> Result<Vec<Lease>> {
    let due: Vec<MessageId> = messages::table
        .filter(messages::mode.eq(mode))
        .filter(messages::status.eq(Status::Queued))
        .filter(messages::due_at.le(now))
        .filter(messages::valid_until.gt(now))
        .order(messages::due_at)
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select(messages::id)
        .load(conn)?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    // The status once more: on PostgreSQL another worker may have been quicker.
    let mut leased: Vec<Message> =
        diesel::update(messages::table.filter(messages::id.eq_any(&due)).filter(messages::status.eq(Status::Queued)))
            .set((
                messages::status.eq(Status::Sending),
                messages::due_at.eq(now.plus_seconds(LEASE_SECONDS)),
                messages::updated_at.eq(now),
            ))
            .returning(messages::all_columns)
            .get_results(conn)?;
    leased.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
    leased.into_iter().map(|message| to_lease(conn, message)).collect()
}

fn to_lease(conn: &mut Conn, message: Message) -> Result<Lease> {
    let tried = if message.tries == 0 { Vec::new() } else { segments(conn, &message.id)? };
    let gone = |number: &i64| tried.iter().any(|segment| segment.number == *number && segment.status.is_taken());
    let numbers = (1..=message.segments).filter(|number| !gone(number)).collect();
    Ok(Lease { message, numbers })
}

/// Whether a message waits for its turn.
///
/// # Errors
/// When the database fails.
pub fn is_due(conn: &mut Conn, mode: Mode, now: UtcTime) -> Result<bool> {
    is_due_in(conn, mode, Status::Queued, now)
}

/// Whether there is a message whose worker is gone or whose time is over, or a
/// receipt that waits.
///
/// # Errors
/// When the database fails.
pub fn needs_care(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    for mode in [Mode::Live, Mode::Test] {
        // A queued message is seen to when its time is over: the line leaves it.
        for status in [Status::Sending, Status::Sent, Status::Queued] {
            if is_due_in(conn, mode, status, now)? {
                return Ok(true);
            }
        }
    }
    receipt::is_any_waiting(conn)
}

fn is_due_in(conn: &mut Conn, mode: Mode, status: Status, now: UtcTime) -> Result<bool> {
    let due: Option<MessageId> = messages::table
        .filter(messages::mode.eq(mode))
        .filter(messages::status.eq(status))
        .filter(messages::due_at.le(now))
        .select(messages::id)
        .first(conn)
        .optional()?;
    Ok(due.is_some())
}

/// Writes down what became of the segments of a message that was leased `until`
/// then. The same again changes nothing: a worker may not know that it was
/// written.
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
    let is_written = match message.status {
        Status::Queued => true,
        // Somebody has leased it again.
        Status::Sending => message.due_at != until,
        _ => false,
    };
    if is_written {
        return Ok(());
    }
    let mut known = segments(conn, id)?;
    let was_asked = outcomes.iter().any(|(_, outcome)| *outcome != SegmentOutcome::NotSent);
    let tries = message.tries + i64::from(was_asked);
    for (number, outcome) in outcomes {
        apply(conn, &mut known, &message.id, *number, outcome, tries, now)?;
    }
    match sum_up(&known, message.segments) {
        Some((status, fault)) => {
            give_up_the_rest(conn, &mut known, now)?;
            advance(conn, &message, status, fault, &known, tries, now)?;
        }
        None => {
            let at = outcomes.iter().map(|(_, outcome)| next_try(outcome, now)).max().unwrap_or(now);
            back_in_line(conn, &message, at, &known, tries, now)?;
        }
    }
    for (_, outcome) in outcomes {
        if let SegmentOutcome::Taken { carrier, carrier_key, .. } = outcome {
            receipt::match_early(conn, carrier, carrier_key, now)?;
        }
    }
    Ok(())
}

/// The message, with its row locked: who changes its segments is alone.
pub(super) fn lock(conn: &mut Conn, id: &MessageId) -> Result<Message> {
    Ok(diesel::update(messages::table.find(id))
        .set(messages::tries.eq(messages::tries))
        .returning(messages::all_columns)
        .steadily()
        .get_result(conn)?)
}

const fn next_try(outcome: &SegmentOutcome, now: UtcTime) -> UtcTime {
    match outcome {
        SegmentOutcome::Later { at, .. } => *at,
        _ => now.plus_seconds(NOT_SENT_SECONDS),
    }
}

fn apply(
    conn: &mut Conn,
    known: &mut Vec<MessageSegment>,
    message: &MessageId,
    number: i64,
    outcome: &SegmentOutcome,
    tries: i64,
    now: UtcTime,
) -> Result<()> {
    let (status, error) = match outcome {
        SegmentOutcome::Taken { .. } => (SegmentStatus::Accepted, None),
        SegmentOutcome::Refused(fault) => (SegmentStatus::Refused, Some(*fault)),
        SegmentOutcome::Later { fault, most, .. } if tries >= *most => (SegmentStatus::Refused, Some(*fault)),
        SegmentOutcome::Later { fault, .. } => (SegmentStatus::Waiting, Some(*fault)),
        SegmentOutcome::NotSent => return Ok(()),
        SegmentOutcome::Unanswered => (SegmentStatus::Unknown, Some(Fault::OutcomeUnknown)),
    };
    let (carrier, carrier_id, carrier_key) = match outcome {
        // Without an id there is nothing that a receipt could name.
        SegmentOutcome::Taken { carrier, carrier_id, carrier_key } if !carrier_id.is_empty() => {
            (Some(carrier.clone()), Some(carrier_id.clone()), Some(carrier_key.clone()))
        }
        _ => (None, None, None),
    };
    let segment = MessageSegment {
        message_id: message.clone(),
        number,
        status,
        carrier_id,
        carrier_key,
        error,
        updated_at: now,
        carrier,
    };
    let place = known.iter_mut().find(|segment| segment.number == number);
    // What a receipt has settled meanwhile stays as it is.
    if place.as_ref().is_some_and(|known| known.status.is_taken() && known.status != SegmentStatus::Unknown) {
        return Ok(());
    }
    segment::put(conn, &segment, place.is_none())?;
    match place {
        Some(place) => *place = segment,
        None => known.push(segment),
    }
    Ok(())
}

/// Without one of its segments a message is of no use: what waits is not sent.
fn give_up_the_rest(conn: &mut Conn, known: &mut [MessageSegment], now: UtcTime) -> Result<()> {
    let Some(refused) = known.iter().find(|segment| segment.status == SegmentStatus::Refused) else { return Ok(()) };
    let error = refused.error;
    for segment in known.iter_mut().filter(|segment| segment.status == SegmentStatus::Waiting) {
        *segment = MessageSegment { status: SegmentStatus::Refused, error, updated_at: now, ..segment.clone() };
        segment::put(conn, segment, false)?;
    }
    Ok(())
}

fn back_in_line(
    conn: &mut Conn,
    message: &Message,
    at: UtcTime,
    known: &[MessageSegment],
    tries: i64,
    now: UtcTime,
) -> Result<()> {
    let waiting = known.iter().filter(|segment| segment.status == SegmentStatus::Waiting);
    let fault = waiting.filter_map(|segment| segment.error).next();
    diesel::update(messages::table.find(&message.id))
        .set((
            messages::status.eq(Status::Queued),
            messages::error.eq(fault),
            messages::tries.eq(tries),
            messages::due_at.eq(at.min(message.valid_until)),
            messages::updated_at.eq(now),
        ))
        .steadily()
        .execute(conn)?;
    match fault {
        Some(fault) => note(conn, &message.id, Status::Queued, format!("{} It is tried again.", fault.sentence()), now),
        None => Ok(()),
    }
}

/// Moves a message on; once it is at its end, refunds what no carrier took and
/// tells whoever wants to know.
pub(super) fn advance(
    conn: &mut Conn,
    message: &Message,
    status: Status,
    fault: Option<Fault>,
    known: &[MessageSegment],
    tries: i64,
    now: UtcTime,
) -> Result<()> {
    if message.status.is_final() || (message.status == status && message.error == fault) {
        return Ok(());
    }
    diesel::update(messages::table.find(&message.id))
        .set((
            messages::status.eq(status),
            messages::error.eq(fault),
            messages::tries.eq(tries),
            messages::due_at.eq((!status.is_final()).then_some(message.valid_until)),
            messages::updated_at.eq(now),
        ))
        .steadily()
        .execute(conn)?;
    if status.is_final() {
        let taken = known.iter().filter(|segment| segment.status.is_taken()).count();
        let lost = message.segments - i64::try_from(taken).unwrap_or(message.segments);
        credit::refund(conn, &message.account_id, &message.id, lost * message.credits_per_segment(), now)?;
        let ended = Message { status, error: fault, tries, due_at: None, updated_at: now, ..message.clone() };
        callback::tell(conn, &ended, now)?;
    }
    note(conn, &message.id, status, describe(status, fault), now)
}

fn describe(status: Status, fault: Option<Fault>) -> String {
    match (fault, status) {
        (Some(fault), _) => fault.sentence().to_owned(),
        (None, Status::Sent) => "The carrier has it.".to_owned(),
        (None, Status::Delivered) => "It reached the phone.".to_owned(),
        (None, status) => status.as_str().to_owned(),
    }
}

/// Settles messages whose worker is gone: they may have been sent, so they are
/// not sent again. Gives how many.
///
/// # Errors
/// When the database fails.
pub fn settle_lost(conn: &mut Conn, most: usize, now: UtcTime) -> Result<usize> {
    let lost = due(conn, Status::Sending, most, now)?;
    for message in &lost {
        let known = segments(conn, &message.id)?;
        let is_settled = |number: &i64| known.iter().any(|one| one.number == *number && one.status.is_taken());
        let outcomes: Vec<_> = (1..=message.segments)
            .filter(|number| !is_settled(number))
            .map(|number| (number, SegmentOutcome::Unanswered))
            .collect();
        settle(conn, &message.id, message.due_at, &outcomes, now)?;
    }
    Ok(lost.len())
}

/// Ends messages whose time is over. Gives how many.
///
/// # Errors
/// When the database fails.
pub fn end_in_time(conn: &mut Conn, most: usize, now: UtcTime) -> Result<usize> {
    let sent = due(conn, Status::Sent, most, now)?;
    for message in &sent {
        let known = segments(conn, &message.id)?;
        let message = lock(conn, &message.id)?;
        advance(conn, &message, Status::Expired, Some(Fault::Expired), &known, message.tries, now)?;
    }
    let queued: Vec<Message> = due(conn, Status::Queued, most, now)?;
    let late: Vec<Message> = queued.into_iter().filter(|message| message.valid_until <= now).collect();
    for message in &late {
        let known = segments(conn, &message.id)?;
        let is_taken = known.iter().any(|segment| segment.status.is_taken());
        let status = if is_taken { Status::Undelivered } else { Status::Failed };
        let message = lock(conn, &message.id)?;
        advance(conn, &message, status, Some(Fault::NotSentInTime), &known, message.tries, now)?;
    }
    Ok(sent.len() + late.len())
}

/// Messages of both modes that are due in a status, the longest first.
fn due(conn: &mut Conn, status: Status, most: usize, now: UtcTime) -> Result<Vec<Message>> {
    let mut found = Vec::new();
    for mode in [Mode::Live, Mode::Test] {
        let rows = messages::table
            .filter(messages::mode.eq(mode))
            .filter(messages::status.eq(status))
            .filter(messages::due_at.le(now))
            .order(messages::due_at)
            .limit(i64::try_from(most).unwrap_or(i64::MAX));
        found.extend(rows.select(Message::as_select()).load::<Message>(conn)?);
    }
    Ok(found)
}
