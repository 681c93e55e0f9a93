//! The segments that a carrier was asked to take, and what they add up to.

use diesel::prelude::*;

use super::{Fault, MessageId, Status};
use crate::domain::api_key::secret::Mode;
use crate::error::Result;
use crate::store::schema::{message_segments, messages};
use crate::store::types::text_enum;
use crate::store::{Conn, Steadily, UtcTime};

text_enum! {
    /// How far a segment has come.
    SegmentStatus {
        /// The carrier could not take it yet.
        Waiting = "waiting",
        /// The carrier has it.
        Accepted = "accepted",
        /// The carrier does not take it.
        Refused = "refused",
        /// The carrier was asked and did not answer.
        Unknown = "unknown",
        /// It reached the phone.
        Delivered = "delivered",
        /// It did not reach the phone.
        Undelivered = "undelivered",
        /// Its time was over.
        Expired = "expired",
    }
}

impl SegmentStatus {
    /// Whether it is never to be sent again.
    #[must_use]
    pub const fn is_taken(self) -> bool {
        !matches!(self, Self::Waiting | Self::Refused)
    }

    /// Whether a receipt can still change it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Accepted | Self::Unknown)
    }
}

/// A segment as it is kept.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = message_segments)]
pub struct MessageSegment {
    /// Of which message.
    pub message_id: MessageId,
    /// Its place, from 1.
    pub number: i64,
    /// How far it has come.
    pub status: SegmentStatus,
    /// The carrier's id for it.
    pub carrier_id: Option<String>,
    /// The same in the form in which ids are compared.
    pub carrier_key: Option<String>,
    /// What is wrong, if anything.
    pub error: Option<Fault>,
    /// When that changed last.
    pub updated_at: UtcTime,
    /// The carrier that gave the id.
    pub carrier: Option<String>,
}

/// The segments of a message that a carrier was asked to take, in order.
///
/// # Errors
/// When the database fails.
pub fn segments(conn: &mut Conn, message: &MessageId) -> Result<Vec<MessageSegment>> {
    let rows = message_segments::table.filter(message_segments::message_id.eq(message));
    Ok(rows.order(message_segments::number).select(MessageSegment::as_select()).load(conn)?)
}

/// The carrier's ids, of those that begin with `prefix`, that a receipt is still
/// to come for.
///
/// # Errors
/// When the database fails.
pub fn open_carrier_ids(conn: &mut Conn, prefix: &str) -> Result<Vec<String>> {
    let ids: Vec<Option<String>> = message_segments::table
        .inner_join(messages::table)
        .filter(messages::status.eq(Status::Sent))
        .filter(messages::due_at.is_not_null())
        .filter(messages::mode.eq_any([Mode::Live, Mode::Test]))
        .filter(message_segments::status.eq(SegmentStatus::Accepted))
        .filter(message_segments::carrier_id.like(format!("{prefix}%")))
        .select(message_segments::carrier_id)
        .load(conn)?;
    Ok(ids.into_iter().flatten().collect())
}

pub(super) fn put(conn: &mut Conn, segment: &MessageSegment, is_new: bool) -> Result<()> {
    if is_new {
        diesel::insert_into(message_segments::table).values(segment).steadily().execute(conn)?;
        return Ok(());
    }
    diesel::update(message_segments::table.find((&segment.message_id, segment.number)))
        .set((
            message_segments::status.eq(segment.status),
            message_segments::carrier.eq(&segment.carrier),
            message_segments::carrier_id.eq(&segment.carrier_id),
            message_segments::carrier_key.eq(&segment.carrier_key),
            message_segments::error.eq(segment.error),
            message_segments::updated_at.eq(segment.updated_at),
        ))
        .steadily()
        .execute(conn)?;
    Ok(())
}

/// What the segments of a message of `total` add up to; nothing while some are
/// still to go.
pub(super) fn sum_up(segments: &[MessageSegment], total: i64) -> Option<(Status, Option<Fault>)> {
    use SegmentStatus::{Delivered, Expired, Refused, Undelivered, Waiting};
    let first = |status: SegmentStatus| segments.iter().find(|segment| segment.status == status);
    let fault = |segment: &MessageSegment| segment.error;
    if let Some(refused) = first(Refused) {
        // Without it the phone can't put the others together.
        let is_out = segments.iter().any(|segment| segment.status.is_taken());
        return Some((if is_out { Status::Undelivered } else { Status::Failed }, fault(refused)));
    }
    if first(Waiting).is_some() || i64::try_from(segments.len()).unwrap_or(i64::MAX) < total {
        return None;
    }
    Some(match (first(Undelivered), first(Expired)) {
        (Some(segment), _) => (Status::Undelivered, fault(segment)),
        (None, Some(segment)) => (Status::Expired, fault(segment)),
        (None, None) if segments.iter().all(|segment| segment.status == Delivered) => (Status::Delivered, None),
        (None, None) => (Status::Sent, segments.iter().find_map(fault)),
    })
}

#[cfg(test)]
mod tests {
    use super::SegmentStatus::{Accepted, Delivered, Expired, Refused, Undelivered, Unknown, Waiting};
    use super::*;

    fn sum(statuses: &[SegmentStatus]) -> Option<Status> {
        let segment = |status: &SegmentStatus| MessageSegment {
            message_id: MessageId::mint(),
            number: 1,
            status: *status,
            carrier_id: None,
            carrier_key: None,
            error: None,
            updated_at: UtcTime::from_micros(0),
            carrier: None,
        };
        sum_up(&statuses.iter().map(segment).collect::<Vec<_>>(), 2).map(|(status, _)| status)
    }

    #[test]
    fn a_message_is_what_its_segments_add_up_to() {
        assert_eq!(sum(&[Accepted, Accepted]), Some(Status::Sent));
        assert_eq!(sum(&[Accepted, Delivered]), Some(Status::Sent));
        assert_eq!(sum(&[Unknown, Delivered]), Some(Status::Sent));
        assert_eq!(sum(&[Delivered, Delivered]), Some(Status::Delivered));
        assert_eq!(sum(&[Delivered, Undelivered]), Some(Status::Undelivered));
        assert_eq!(sum(&[Expired, Undelivered]), Some(Status::Undelivered));
        assert_eq!(sum(&[Accepted, Expired]), Some(Status::Expired));
        assert_eq!(sum(&[Refused, Refused]), Some(Status::Failed));
        assert_eq!(sum(&[Accepted, Refused]), Some(Status::Undelivered));
        assert_eq!(sum(&[Unknown, Refused]), Some(Status::Undelivered));
        assert_eq!(sum(&[Waiting, Refused]), Some(Status::Failed));
        assert_eq!(sum(&[Refused]), Some(Status::Failed));
        assert_eq!(sum(&[Accepted, Waiting]), None);
        assert_eq!(sum(&[Accepted]), None);
    }
}
