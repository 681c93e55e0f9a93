//! Delivery receipts: what a carrier reports about a segment after it accepted
//! it. They may come before the response to the submit, twice, out of order, or
//! for a segment that Keyfob never sent.

use diesel::prelude::*;

use super::carrier_message_id::CarrierMessageId;
use super::error::MessageError;
use super::lifecycle::{StatusChange, advance, lock};
use super::named_receipt;
use super::receipt_segment::{find_segment, find_under_earlier_name};
use super::record::{MessageId, MessageStatus};
use super::segment::{self, MessageSegment, SegmentStatus, segments, sum_up};
use crate::domain::carrier::CarrierName;
use crate::domain::id::id;
use crate::error::Result;
use crate::store::schema::{message_segments, messages, waiting_receipts};
use crate::store::types::text_enum;
use crate::store::{Conn, PrepareCached, UtcTime};

/// How long a receipt that matches no segment is kept, in seconds.
const UNMATCHED_RETENTION_SECONDS: i64 = 600;
/// How long a receipt waits for the response to its submit, in seconds, before
/// it may settle a segment whose response never came.
const RESPONSE_GRACE_SECONDS: i64 = 20;
/// The most receipts without a segment that are kept; more are dropped, so that
/// a carrier can't fill the database.
const MAX_UNMATCHED: i64 = 10_000;

text_enum! {
    /// The state of a segment in a receipt (SMPP 3.4 §5.2.28).
    ReceiptState {
        /// The carrier is still delivering it.
        Enroute = "enroute",
        /// It reached the phone.
        Delivered = "delivered",
        /// Its validity period ended.
        Expired = "expired",
        /// The carrier deleted it.
        Deleted = "deleted",
        /// It is undeliverable.
        Undelivered = "undelivered",
        /// Somebody read it on the subscriber's behalf, such as customer service.
        Accepted = "accepted",
        /// The carrier does not know the state.
        Unknown = "unknown",
        /// The carrier rejected it after it had accepted it.
        Rejected = "rejected",
    }
}

impl ReceiptState {
    /// The status that it gives a segment; `None` for an intermediate state.
    const fn final_status(self) -> Option<(SegmentStatus, Option<MessageError>)> {
        match self {
            Self::Enroute | Self::Accepted => None,
            Self::Delivered => Some((SegmentStatus::Delivered, None)),
            Self::Expired => Some((SegmentStatus::Expired, Some(MessageError::Expired))),
            Self::Deleted => Some((SegmentStatus::Undelivered, Some(MessageError::Deleted))),
            Self::Undelivered => Some((SegmentStatus::Undelivered, Some(MessageError::Undelivered))),
            Self::Unknown => Some((SegmentStatus::Undelivered, Some(MessageError::CarrierUnknown))),
            Self::Rejected => Some((SegmentStatus::Undelivered, Some(MessageError::Rejected))),
        }
    }
}

id! {
    /// The id of a receipt that matches no segment yet.
    ReceiptId = "rcp_"
}

/// A delivery receipt from a carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReceipt {
    /// The carrier's id of the segment, as the receipt writes it.
    pub carrier_id: CarrierMessageId,
    /// What became of the segment.
    pub state: ReceiptState,
    /// The carrier's own error code, at most 20 characters.
    pub error: Option<String>,
    /// The phone's number as the carrier writes it, if the receipt has it.
    pub recipient: Option<String>,
    /// The message, if the carrier names it by our own id.
    pub message: Option<MessageId>,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = waiting_receipts)]
struct WaitingReceipt {
    id: ReceiptId,
    carrier_id: String,
    carrier_key: String,
    state: ReceiptState,
    error: Option<String>,
    recipient: Option<String>,
    created_at: UtcTime,
    carrier: CarrierName,
}

/// Applies a receipt of a carrier to its segment, or keeps it for a while when there is no
/// such segment yet. A segment that is settled already does not change. `is_known` says
/// which carriers the settings have: a message of another one may have been sent before
/// the carrier was renamed.
///
/// # Errors
/// When the database fails.
pub fn receive(
    conn: &mut Conn,
    carrier: &CarrierName,
    is_known: impl Fn(&CarrierName) -> bool,
    receipt: &DeliveryReceipt,
    now: UtcTime,
) -> Result<Option<StatusChange>> {
    let carrier_id = &receipt.carrier_id;
    let by_id =
        if carrier_id.is_empty() { None } else { find_segment(conn, carrier, carrier_id.as_str(), carrier_id.key())? };
    let found = match (by_id, &receipt.message) {
        (None, Some(message)) if receipt.state.final_status().is_some() => {
            named_receipt::find_segment(conn, carrier, message, carrier_id, now)?
        }
        (None, None) if !carrier.is_sandbox() => {
            find_under_earlier_name(conn, is_known, carrier_id, receipt.recipient.as_deref())?
        }
        (found, _) => found,
    };
    match found {
        Some(segment) => apply(conn, &segment, receipt.state, receipt.error.as_deref(), now),
        // Nothing that comes later could match a receipt without an id.
        None if carrier_id.is_empty() => Ok(None),
        None => keep_unmatched(conn, carrier, receipt, now).map(|()| None),
    }
}

fn apply(
    conn: &mut Conn,
    segment: &MessageSegment,
    state: ReceiptState,
    carrier_code: Option<&str>,
    now: UtcTime,
) -> Result<Option<StatusChange>> {
    let Some((status, error)) = state.final_status() else { return Ok(None) };
    let message = lock(conn, &segment.message_id)?;
    let mut known = segments(conn, &message.id)?;
    let Some(current) = known.iter_mut().find(|known| known.number == segment.number) else { return Ok(None) };
    if !current.status.is_open() {
        return Ok(None);
    }
    *current = MessageSegment {
        status,
        error,
        carrier: segment.carrier.clone(),
        carrier_id: segment.carrier_id.clone(),
        carrier_key: segment.carrier_key.clone(),
        carrier_code: carrier_code.filter(|_| error.is_some()).map(str::to_owned),
        updated_at: now,
        ..current.clone()
    };
    segment::put(conn, current, false)?;
    // While a worker holds the lease, it sums up the segments when it settles them.
    if message.status != MessageStatus::Sent {
        return Ok(None);
    }
    match sum_up(&known, message.segments) {
        Some(summary) => advance(conn, &message, summary, &known, message.tries, now),
        None => Ok(None),
    }
}

fn keep_unmatched(conn: &mut Conn, carrier: &CarrierName, receipt: &DeliveryReceipt, now: UtcTime) -> Result<()> {
    let kept: i64 = waiting_receipts::table.count().get_result(conn)?;
    if receipt.state.final_status().is_none() || kept >= MAX_UNMATCHED {
        return Ok(());
    }
    let row = WaitingReceipt {
        id: ReceiptId::mint(),
        carrier_id: receipt.carrier_id.as_str().to_owned(),
        carrier_key: receipt.carrier_id.key().to_owned(),
        state: receipt.state,
        error: receipt.error.clone(),
        recipient: receipt.recipient.clone(),
        created_at: now,
        carrier: carrier.clone(),
    };
    diesel::insert_into(waiting_receipts::table).values(&row).prepare_cached().execute(conn)?;
    Ok(())
}

/// Applies the receipts of a segment that came before the response to its submit.
pub(super) fn match_early(
    conn: &mut Conn,
    carrier: &CarrierName,
    carrier_id: &CarrierMessageId,
    now: UtcTime,
) -> Result<Vec<StatusChange>> {
    let rows = waiting_receipts::table
        .filter(waiting_receipts::carrier.eq(carrier))
        .filter(waiting_receipts::carrier_key.eq(carrier_id.key()));
    let waiting: Vec<WaitingReceipt> =
        rows.order(waiting_receipts::id).select(WaitingReceipt::as_select()).load(conn)?;
    let mut changes = Vec::new();
    for receipt in &waiting {
        changes.extend(match_one(conn, receipt, now)?);
    }
    Ok(changes)
}

fn match_one(conn: &mut Conn, receipt: &WaitingReceipt, now: UtcTime) -> Result<Option<StatusChange>> {
    let found = match find_segment(conn, &receipt.carrier, &receipt.carrier_id, &receipt.carrier_key)? {
        Some(segment) => Some(segment),
        None if receipt.created_at.plus_seconds(RESPONSE_GRACE_SECONDS) <= now => find_unanswered(conn, receipt)?,
        None => None,
    };
    let Some(segment) = found else { return Ok(None) };
    let change = apply(conn, &segment, receipt.state, receipt.error.as_deref(), now)?;
    diesel::delete(waiting_receipts::table.find(&receipt.id)).execute(conn)?;
    Ok(change)
}

/// A segment whose response never came has no carrier id that a receipt could
/// match. The receipt is taken for it if exactly one message to that recipient
/// has such segments; with two it would be a guess.
fn find_unanswered(conn: &mut Conn, receipt: &WaitingReceipt) -> Result<Option<MessageSegment>> {
    let Some(recipient) = receipt.recipient.as_deref().map(|number| number.trim_start_matches('+')) else {
        return Ok(None);
    };
    let open: Vec<MessageSegment> = message_segments::table
        .inner_join(messages::table)
        .filter(messages::carrier.eq(&receipt.carrier))
        .filter(messages::status.eq(MessageStatus::Sent))
        .filter(messages::recipient.eq(format!("+{recipient}")))
        .filter(message_segments::status.eq(SegmentStatus::Unknown))
        .filter(message_segments::carrier_id.is_null())
        .order((message_segments::message_id, message_segments::number))
        .limit(256)
        .select(MessageSegment::as_select())
        .load(conn)?;
    let Some(first) = open.first() else { return Ok(None) };
    let is_one_message = open.iter().all(|segment| segment.message_id == first.message_id);
    Ok(is_one_message.then(|| MessageSegment {
        carrier: Some(receipt.carrier.clone()),
        carrier_id: Some(receipt.carrier_id.clone()),
        carrier_key: Some(receipt.carrier_key.clone()),
        ..first.clone()
    }))
}

pub(super) fn has_unmatched(conn: &mut Conn) -> Result<bool> {
    let first = waiting_receipts::table.select(waiting_receipts::id).first::<ReceiptId>(conn).optional()?;
    Ok(first.is_some())
}

/// Matches up to `limit` waiting receipts again, oldest first.
///
/// # Errors
/// When the database fails.
pub fn match_receipts(conn: &mut Conn, limit: usize, now: UtcTime) -> Result<Vec<StatusChange>> {
    let waiting: Vec<WaitingReceipt> = waiting_receipts::table
        .order(waiting_receipts::created_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(WaitingReceipt::as_select())
        .load(conn)?;
    let mut changes = Vec::new();
    for receipt in &waiting {
        changes.extend(match_one(conn, receipt, now)?);
    }
    Ok(changes)
}

/// Deletes receipts that matched no segment for ten minutes. Returns up to 1,000
/// of their carriers and the ids in them, for the log.
///
/// # Errors
/// When the database fails.
pub fn delete_unmatched_receipts(conn: &mut Conn, now: UtcTime) -> Result<Vec<(CarrierName, String)>> {
    let cutoff = now.plus_seconds(-UNMATCHED_RETENTION_SECONDS);
    let old = waiting_receipts::table.filter(waiting_receipts::created_at.le(cutoff));
    let ids: Vec<(CarrierName, String)> =
        old.select((waiting_receipts::carrier, waiting_receipts::carrier_id)).limit(1_000).load(conn)?;
    if !ids.is_empty() {
        diesel::delete(old).execute(conn)?;
    }
    Ok(ids)
}
