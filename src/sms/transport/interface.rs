//! What the dispatcher and a transport agree on.
//!
//! A transport submits one segment at a time and returns the carrier's response.
//! The delivery receipt comes later, through the channel that the transport is
//! built with. A transport stores nothing: the queue is in the database.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::domain::message::phone_number::PhoneNumber;
use crate::domain::message::sender::Sender;
use crate::domain::message::sms_text::Encoding;
use crate::domain::message::{CarrierMessageId, DeliveryReceipt, MessageError};

/// The channel for a transport's receipts. It is bounded: while it is full, the
/// carrier's receipts are not acknowledged, and it sends fewer.
pub type ReceiptSender = mpsc::Sender<IncomingReceipt>;

/// A connection to a carrier, or the sandbox in place of one.
pub trait Transport: Send + Sync + 'static {
    /// Its name: `sandbox` or `smpp`.
    fn name(&self) -> &'static str;

    /// How many submits may begin now without waiting; 0 while there is no
    /// connection.
    fn capacity(&self) -> usize;

    /// Resolves when [`capacity`](Self::capacity) may be more than 0, at once if it
    /// is. Check it again: another task may have used it. Never resolves once the
    /// transport is closed.
    fn ready(&self) -> BoxFuture<'_, ()>;

    /// Submits one segment and waits for the carrier's response. Without capacity
    /// it returns [`SubmitOutcome::NotSent`]. If the future is dropped, it is
    /// unknown whether the segment was sent.
    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome>;

    /// Why there is no connection, as a sentence for the operator; `None` when
    /// there is one.
    fn unavailable_reason(&self) -> Option<String> {
        None
    }

    /// Waits for outstanding responses and closes the connection. Nothing can be
    /// submitted afterwards.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// One segment to submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The phone that it goes to.
    pub recipient: PhoneNumber,
    /// The sender that the phone shows; `None` leaves it to the carrier.
    pub sender: Option<Sender>,
    /// The alphabet of `payload`.
    pub encoding: Encoding,
    /// As [`Segment::payload`](crate::domain::message::sms_text::Segment::payload).
    pub payload: Vec<u8>,
    /// Its place in a concatenated message; `None` when it is the only segment.
    pub part: Option<Part>,
    /// How long the carrier may try to deliver it, from now.
    pub valid_for: Duration,
}

/// The place of a segment in a concatenated message (3GPP TS 23.040
/// §9.2.3.24.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The concatenation reference: the same for all segments of a message, and
    /// another one for the next message to the same phone.
    pub reference: u8,
    /// The number of segments.
    pub total: u8,
    /// The segment's number, from 1 to `total`.
    pub number: u8,
}

/// The outcome of a submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The carrier accepted the segment.
    Accepted {
        /// The id that the carrier assigned, which the receipt refers to.
        carrier_id: CarrierMessageId,
    },
    /// The carrier rejected the segment for good; its credit is refunded.
    Rejected(CarrierRejection),
    /// The carrier does not accept the segment at the moment.
    Retry {
        /// Why.
        rejection: CarrierRejection,
        /// The delay before the next attempt.
        after: Duration,
        /// The attempts after which the segment counts as rejected.
        max_attempts: u32,
    },
    /// Nothing was written to the carrier. The message is queued again, and this
    /// does not count as an attempt.
    NotSent,
    /// The segment was written and no response came. It is never submitted again,
    /// since the carrier may have accepted it.
    Unanswered,
}

/// Why a carrier does not accept a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CarrierRejection {
    /// The reason.
    pub error: MessageError,
    /// The carrier's own code (`command_status`, SMPP 3.4 §5.1.3), if it has one.
    pub carrier_status: Option<u32>,
}

/// A receipt that the carrier waits to have acknowledged.
#[derive(Debug)]
pub struct IncomingReceipt {
    /// The receipt.
    pub receipt: DeliveryReceipt,
    /// Sending acknowledges the receipt to the carrier, so send after the commit.
    /// If it is dropped, the carrier is asked to deliver the receipt again.
    pub acknowledge: oneshot::Sender<()>,
}
