//! The segments of a message that were submitted, and the message's status that
//! follows from them.

use diesel::prelude::*;

use super::error::MessageError;
use super::record::{MessageId, MessageStatus};
use crate::domain::carrier::CarrierName;
use crate::error::Result;
use crate::store::schema::{message_segments, messages};
use crate::store::types::text_enum;
use crate::store::{Conn, PrepareCached, UtcTime};

text_enum! {
    /// The state of a submitted segment.
    SegmentStatus {
        /// The carrier did not accept it yet; it is submitted again.
        Waiting = "waiting",
        /// The carrier accepted it.
        Accepted = "accepted",
        /// The carrier rejected it.
        Refused = "refused",
        /// No response to the submit came: the carrier may have accepted it.
        Unknown = "unknown",
        /// It reached the phone.
        Delivered = "delivered",
        /// It did not reach the phone.
        Undelivered = "undelivered",
        /// Its validity ended first.
        Expired = "expired",
    }
}

impl SegmentStatus {
    /// Whether the carrier accepted it, or may have: it is not submitted again.
    #[must_use]
    pub const fn counts_as_accepted(self) -> bool {
        !matches!(self, Self::Waiting | Self::Refused)
    }

    /// Whether a receipt can still change the state.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Accepted | Self::Unknown)
    }
}

/// The number of the row that stands for the whole message: some carriers take the text
/// and split it themselves.
pub const WHOLE_MESSAGE: i64 = 0;

/// A row of `message_segments`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = message_segments)]
pub struct MessageSegment {
    /// The message that it is a part of.
    pub message_id: MessageId,
    /// Its number within the message, from 1, or [`WHOLE_MESSAGE`].
    pub number: i64,
    /// Its state.
    pub status: SegmentStatus,
    /// The carrier's id of it, if the carrier assigned one.
    pub carrier_id: Option<String>,
    /// The key of the carrier's id, by which receipts are matched.
    pub carrier_key: Option<String>,
    /// Why it was not delivered, or not yet.
    pub error: Option<MessageError>,
    /// When the state changed last.
    pub updated_at: UtcTime,
    /// The carrier that gave the id.
    pub carrier: Option<CarrierName>,
    /// The carrier's own code for `error`, if it gave one.
    pub carrier_code: Option<String>,
}

/// The submitted segments of a message, in order.
///
/// # Errors
/// When the database fails.
pub fn segments(conn: &mut Conn, message: &MessageId) -> Result<Vec<MessageSegment>> {
    let rows = message_segments::table.filter(message_segments::message_id.eq(message));
    Ok(rows.order(message_segments::number).select(MessageSegment::as_select()).load(conn)?)
}

/// The carrier's ids of segments that no receipt has come for yet.
///
/// # Errors
/// When the database fails.
pub fn carrier_ids_awaiting_receipt(conn: &mut Conn, carrier: &CarrierName) -> Result<Vec<String>> {
    let ids: Vec<Option<String>> = message_segments::table
        .inner_join(messages::table)
        .filter(messages::status.eq(MessageStatus::Sent))
        .filter(messages::due_at.is_not_null())
        .filter(messages::carrier.eq(carrier))
        .filter(message_segments::status.eq(SegmentStatus::Accepted))
        .select(message_segments::carrier_id)
        .load(conn)?;
    Ok(ids.into_iter().flatten().collect())
}

/// Inserts or updates a segment.
pub(super) fn put(conn: &mut Conn, segment: &MessageSegment, is_new: bool) -> Result<()> {
    if is_new {
        diesel::insert_into(message_segments::table).values(segment).prepare_cached().execute(conn)?;
        return Ok(());
    }
    diesel::update(message_segments::table.find((&segment.message_id, segment.number)))
        .set((
            message_segments::status.eq(segment.status),
            message_segments::carrier.eq(&segment.carrier),
            message_segments::carrier_id.eq(&segment.carrier_id),
            message_segments::carrier_key.eq(&segment.carrier_key),
            message_segments::error.eq(segment.error),
            message_segments::carrier_code.eq(&segment.carrier_code),
            message_segments::updated_at.eq(segment.updated_at),
        ))
        .prepare_cached()
        .execute(conn)?;
    Ok(())
}

/// How many of a message's `total` segments the carrier did not accept.
pub(super) fn segments_not_accepted(segments: &[MessageSegment], total: i64) -> i64 {
    let accepted = segments.iter().filter(|segment| segment.status.counts_as_accepted());
    let accepted = accepted.map(|segment| if segment.number == WHOLE_MESSAGE { total } else { 1 }).sum::<i64>();
    (total - accepted).max(0)
}

/// What the segments of a message add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) status: MessageStatus,
    pub(super) error: Option<MessageError>,
    pub(super) carrier_code: Option<String>,
}

impl Summary {
    /// A status with the error of the segment that caused it.
    fn of(status: MessageStatus, segment: &MessageSegment) -> Self {
        Self { status, error: segment.error, carrier_code: segment.carrier_code.clone() }
    }

    const fn without_error(status: MessageStatus) -> Self {
        Self { status, error: None, carrier_code: None }
    }
}

/// What a message of `total` segments has come to; `None` while some are still to
/// be submitted.
pub(super) fn sum_up(segments: &[MessageSegment], total: i64) -> Option<Summary> {
    use SegmentStatus::{Delivered, Expired, Refused, Undelivered, Waiting};
    let first = |status: SegmentStatus| segments.iter().find(|segment| segment.status == status);
    if let Some(refused) = first(Refused) {
        // A phone can't reassemble a message that lacks a segment.
        let is_accepted = segments.iter().any(|segment| segment.status.counts_as_accepted());
        let status = if is_accepted { MessageStatus::Undelivered } else { MessageStatus::Failed };
        return Some(Summary::of(status, refused));
    }
    let total = if segments.iter().any(|segment| segment.number == WHOLE_MESSAGE) { 1 } else { total };
    if first(Waiting).is_some() || i64::try_from(segments.len()).unwrap_or(i64::MAX) < total {
        return None;
    }
    Some(match (first(Undelivered), first(Expired)) {
        (Some(segment), _) => Summary::of(MessageStatus::Undelivered, segment),
        (None, Some(segment)) => Summary::of(MessageStatus::Expired, segment),
        (None, None) if segments.iter().all(|segment| segment.status == Delivered) => {
            Summary::without_error(MessageStatus::Delivered)
        }
        (None, None) => segments
            .iter()
            .find(|segment| segment.error.is_some())
            .map_or(Summary::without_error(MessageStatus::Sent), |segment| Summary::of(MessageStatus::Sent, segment)),
    })
}

#[cfg(test)]
mod tests {
    use super::SegmentStatus::{Accepted, Delivered, Expired, Refused, Undelivered, Unknown, Waiting};
    use super::*;

    fn sum(statuses: &[SegmentStatus]) -> Option<MessageStatus> {
        let segment = |status: &SegmentStatus| MessageSegment {
            message_id: MessageId::mint(),
            number: 1,
            status: *status,
            carrier_id: None,
            carrier_key: None,
            error: None,
            updated_at: UtcTime::from_micros(0),
            carrier: None,
            carrier_code: None,
        };
        sum_up(&statuses.iter().map(segment).collect::<Vec<_>>(), 2).map(|summary| summary.status)
    }

    #[test]
    fn a_message_is_what_its_segments_add_up_to() {
        assert_eq!(sum(&[Accepted, Accepted]), Some(MessageStatus::Sent));
        assert_eq!(sum(&[Accepted, Delivered]), Some(MessageStatus::Sent));
        assert_eq!(sum(&[Unknown, Delivered]), Some(MessageStatus::Sent));
        assert_eq!(sum(&[Delivered, Delivered]), Some(MessageStatus::Delivered));
        assert_eq!(sum(&[Delivered, Undelivered]), Some(MessageStatus::Undelivered));
        assert_eq!(sum(&[Expired, Undelivered]), Some(MessageStatus::Undelivered));
        assert_eq!(sum(&[Accepted, Expired]), Some(MessageStatus::Expired));
        assert_eq!(sum(&[Refused, Refused]), Some(MessageStatus::Failed));
        assert_eq!(sum(&[Accepted, Refused]), Some(MessageStatus::Undelivered));
        assert_eq!(sum(&[Unknown, Refused]), Some(MessageStatus::Undelivered));
        assert_eq!(sum(&[Waiting, Refused]), Some(MessageStatus::Failed));
        assert_eq!(sum(&[Refused]), Some(MessageStatus::Failed));
        assert_eq!(sum(&[Accepted, Waiting]), None);
        assert_eq!(sum(&[Accepted]), None);
    }
}
