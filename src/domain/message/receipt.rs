//! Delivery receipts: what a carrier says later about a segment that it took.
//! They come early, late, twice and out of order, and some are about nothing
//! that was ever sent.

use diesel::prelude::*;

use super::segment::{self, MessageSegment, SegmentStatus, segments, sum_up};
use super::sending::{advance, lock};
use super::{Fault, Status};
use crate::domain::id::id;
use crate::error::Result;
use crate::store::schema::{message_segments, messages, waiting_receipts};
use crate::store::types::text_enum;
use crate::store::{Conn, Steadily, UtcTime};

/// How long a receipt is kept that fits nothing yet, in seconds.
const KEPT_SECONDS: i64 = 600;
/// How long a receipt waits for the answer to its submit before it may settle a
/// segment whose answer never came, in seconds.
const ANSWER_SECONDS: i64 = 20;
/// Receipts that fit nothing, kept at most.
const MOST_KEPT: i64 = 10_000;

text_enum! {
    /// What a carrier says about a segment (SMPP 3.4 §5.2.28).
    ReceiptState {
        /// On its way.
        Enroute = "enroute",
        /// It reached the phone.
        Delivered = "delivered",
        /// Its time was over.
        Expired = "expired",
        /// The carrier deleted it.
        Deleted = "deleted",
        /// It can't be delivered.
        Undelivered = "undelivered",
        /// Somebody read it for the phone, such as customer service.
        Accepted = "accepted",
        /// The carrier does not know.
        Unknown = "unknown",
        /// The carrier refused it after all.
        Rejected = "rejected",
    }
}

impl ReceiptState {
    /// What it makes of a segment; nothing where more is to come.
    const fn settles(self) -> Option<(SegmentStatus, Option<Fault>)> {
        match self {
            Self::Enroute | Self::Accepted => None,
            Self::Delivered => Some((SegmentStatus::Delivered, None)),
            Self::Expired => Some((SegmentStatus::Expired, Some(Fault::Expired))),
            Self::Deleted => Some((SegmentStatus::Undelivered, Some(Fault::Deleted))),
            Self::Undelivered => Some((SegmentStatus::Undelivered, Some(Fault::Undelivered))),
            Self::Unknown => Some((SegmentStatus::Undelivered, Some(Fault::CarrierUnknown))),
            Self::Rejected => Some((SegmentStatus::Undelivered, Some(Fault::Rejected))),
        }
    }
}

id! {
    /// Names a receipt that waits.
    ReceiptId = "rcp_"
}

/// What a carrier said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which carrier said it: ids are a carrier's own.
    pub carrier: String,
    /// The carrier's id for the segment, as it stands in the receipt.
    pub carrier_id: String,
    /// The same in the form in which ids are compared.
    pub carrier_key: String,
    /// What became of it.
    pub state: ReceiptState,
    /// The carrier's own code for what went wrong.
    pub error: Option<String>,
    /// To whom the segment was sent, where the receipt tells.
    pub recipient: Option<String>,
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
    carrier: String,
}

/// Takes a receipt. One that fits nothing yet is kept for a while; one about a
/// segment that is settled already changes nothing.
///
/// # Errors
/// When the database fails.
pub fn receive(conn: &mut Conn, receipt: &Receipt, now: UtcTime) -> Result<()> {
    match find(conn, &receipt.carrier, &receipt.carrier_id, &receipt.carrier_key)? {
        Some(segment) => apply(conn, &segment, receipt.state, now),
        None => keep(conn, receipt, now),
    }
}

/// The segment with this id: the same letters if there are such, else what only
/// differs in how the number is written; of several the last one, since
/// carriers use ids again.
fn find(conn: &mut Conn, carrier: &str, carrier_id: &str, carrier_key: &str) -> Result<Option<MessageSegment>> {
    let mut found: Vec<MessageSegment> = message_segments::table
        .filter(message_segments::carrier.eq(carrier))
        .filter(message_segments::carrier_key.eq(carrier_key))
        .order(message_segments::message_id.desc())
        .limit(20)
        .select(MessageSegment::as_select())
        .load(conn)?;
    let exact = found.iter().position(|segment| segment.carrier_id.as_deref() == Some(carrier_id));
    Ok(if found.is_empty() { None } else { Some(found.swap_remove(exact.unwrap_or(0))) })
}

fn apply(conn: &mut Conn, segment: &MessageSegment, state: ReceiptState, now: UtcTime) -> Result<()> {
    let Some((status, error)) = state.settles() else { return Ok(()) };
    let message = lock(conn, &segment.message_id)?;
    let mut known = segments(conn, &message.id)?;
    let Some(place) = known.iter_mut().find(|known| known.number == segment.number) else { return Ok(()) };
    if !place.status.is_open() {
        return Ok(());
    }
    *place = MessageSegment {
        status,
        error,
        carrier: segment.carrier.clone(),
        carrier_id: segment.carrier_id.clone(),
        carrier_key: segment.carrier_key.clone(),
        updated_at: now,
        ..place.clone()
    };
    segment::put(conn, place, false)?;
    // While segments are on their way to the carrier, their worker sums up.
    if message.status != Status::Sent {
        return Ok(());
    }
    match sum_up(&known, message.segments) {
        Some((status, fault)) => advance(conn, &message, status, fault, &known, message.tries, now),
        None => Ok(()),
    }
}

fn keep(conn: &mut Conn, receipt: &Receipt, now: UtcTime) -> Result<()> {
    let kept: i64 = waiting_receipts::table.count().get_result(conn)?;
    if receipt.state.settles().is_none() || kept >= MOST_KEPT {
        return Ok(());
    }
    let row = WaitingReceipt {
        id: ReceiptId::mint(),
        carrier_id: receipt.carrier_id.clone(),
        carrier_key: receipt.carrier_key.clone(),
        state: receipt.state,
        error: receipt.error.clone(),
        recipient: receipt.recipient.clone(),
        created_at: now,
        carrier: receipt.carrier.clone(),
    };
    diesel::insert_into(waiting_receipts::table).values(&row).steadily().execute(conn)?;
    Ok(())
}

/// Applies receipts that came before the answer with their id.
pub(super) fn match_early(conn: &mut Conn, carrier: &str, carrier_key: &str, now: UtcTime) -> Result<()> {
    let rows = waiting_receipts::table
        .filter(waiting_receipts::carrier.eq(carrier))
        .filter(waiting_receipts::carrier_key.eq(carrier_key));
    let waiting: Vec<WaitingReceipt> =
        rows.order(waiting_receipts::id).select(WaitingReceipt::as_select()).load(conn)?;
    waiting.iter().try_for_each(|receipt| match_one(conn, receipt, now).map(drop))
}

fn match_one(conn: &mut Conn, receipt: &WaitingReceipt, now: UtcTime) -> Result<bool> {
    let found = match find(conn, &receipt.carrier, &receipt.carrier_id, &receipt.carrier_key)? {
        Some(segment) => Some(segment),
        None if receipt.created_at.plus_seconds(ANSWER_SECONDS) <= now => find_unanswered(conn, receipt)?,
        None => None,
    };
    let Some(segment) = found else { return Ok(false) };
    apply(conn, &segment, receipt.state, now)?;
    diesel::delete(waiting_receipts::table.find(&receipt.id)).execute(conn)?;
    Ok(true)
}

/// A segment whose answer never came has no id that a receipt could name. Where
/// there is one message only to that recipient of which this is so, the receipt
/// is taken for it.
fn find_unanswered(conn: &mut Conn, receipt: &WaitingReceipt) -> Result<Option<MessageSegment>> {
    let Some(recipient) = receipt.recipient.as_deref().map(|number| number.trim_start_matches('+')) else {
        return Ok(None);
    };
    let open: Vec<MessageSegment> = message_segments::table
        .inner_join(messages::table)
        .filter(messages::status.eq(Status::Sent))
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

pub(super) fn is_any_waiting(conn: &mut Conn) -> Result<bool> {
    let first = waiting_receipts::table.select(waiting_receipts::id).first::<ReceiptId>(conn).optional()?;
    Ok(first.is_some())
}

/// Tries again to find what the receipts that wait are about. Gives how many
/// were matched.
///
/// # Errors
/// When the database fails.
pub fn match_receipts(conn: &mut Conn, most: usize, now: UtcTime) -> Result<usize> {
    let waiting: Vec<WaitingReceipt> = waiting_receipts::table
        .order(waiting_receipts::created_at)
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select(WaitingReceipt::as_select())
        .load(conn)?;
    let mut matched = 0;
    for receipt in &waiting {
        matched += usize::from(match_one(conn, receipt, now)?);
    }
    Ok(matched)
}

/// Forgets receipts that fitted nothing for ten minutes; gives the carrier's
/// ids in them, for the log.
///
/// # Errors
/// When the database fails.
pub fn forget_receipts(conn: &mut Conn, now: UtcTime) -> Result<Vec<String>> {
    let old = waiting_receipts::table.filter(waiting_receipts::created_at.le(now.plus_seconds(-KEPT_SECONDS)));
    let ids: Vec<String> = old.select(waiting_receipts::carrier_id).limit(1_000).load(conn)?;
    if !ids.is_empty() {
        diesel::delete(old).execute(conn)?;
    }
    Ok(ids)
}
