//! What the dispatcher and a transport agree on.
//!
//! A transport submits a message and returns the carrier's response to each part.
//! The delivery receipt comes later, through the channel that the transport is
//! built with. A transport stores nothing: the queue is in the database.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::domain::message::phone_number::PhoneNumber;
use crate::domain::message::sender::Sender;
use crate::domain::message::sms_text::{Encoding, SmsText};
use crate::domain::message::{DeliveryReceipt, MessageId, SegmentOutcome};
use crate::secret_text::SecretText;

/// The channel for a transport's reports. It is bounded: while it is full, the
/// carrier's receipts are not acknowledged, and it sends fewer.
pub type ReportSender = mpsc::Sender<CarrierReport>;

/// A connection to a carrier, or the sandbox in place of one.
pub trait Transport: Send + Sync + 'static {
    /// How many messages may begin now without waiting; 0 while there is no
    /// connection.
    fn capacity(&self) -> usize;

    /// Resolves when [`capacity`](Self::capacity) may be more than 0, at once if it
    /// is. Check it again: another task may have used it. Never resolves once the
    /// transport is closed.
    fn ready(&self) -> BoxFuture<'_, ()>;

    /// Submits the parts of a message that are still to be submitted, one after the
    /// other up to the first one that is not accepted, and waits for the carrier's
    /// responses. The outcomes come with the numbers of the parts; a transport that
    /// [takes whole messages](Self::takes_whole_messages) has one, for
    /// [`WHOLE_MESSAGE`](crate::domain::message::WHOLE_MESSAGE). Without capacity they
    /// are [`SegmentOutcome::NotSent`]. If the future is dropped, it is unknown whether
    /// the message was sent.
    fn submit(&self, message: OutgoingMessage) -> BoxFuture<'_, Vec<(i64, SegmentOutcome)>>;

    /// Whether the carrier takes a text as a whole and splits it itself.
    fn takes_whole_messages(&self) -> bool {
        false
    }

    /// The state of the connection.
    fn state(&self) -> LinkState {
        LinkState::default()
    }

    /// The path at which receipts come by HTTP, with the secret in it, for the settings of
    /// the carrier's own pages; `None` if they don't come so.
    fn receipt_path(&self) -> Option<SecretText> {
        None
    }

    /// Takes receipts that somebody sent by HTTP, and waits until they are recorded.
    fn take_receipt(&self, _posted: PostedReceipt) -> BoxFuture<'_, ReceiptReply> {
        Box::pin(std::future::ready(ReceiptReply::NotFound))
    }

    /// Waits for outstanding responses and closes the connection. Nothing can be
    /// submitted afterwards.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// The state of the connection to a carrier, as this instance sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinkState {
    /// Why nothing can be sent; `None` while messages are taken.
    pub problem: Option<LinkProblem>,
    /// How long that has been so, or how long the connection has been there.
    pub lasts: Duration,
    /// How long the carrier has been throttling without taking all that it was sent;
    /// `None` while it does not.
    pub throttled_for: Option<Duration>,
    /// The messages per second that the carrier's throttling has taught; `None` while it
    /// has not throttled.
    pub learned_rate: Option<f64>,
}

/// Why nothing can be sent to a carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkProblem {
    /// The end of a sentence for the operator, such as `the carrier refuses the password`.
    pub sentence: String,
    /// Whether it stays so until somebody changes something, as with a wrong password.
    pub needs_operator: bool,
}

/// A message to submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The message.
    pub id: MessageId,
    /// The phone that it goes to.
    pub recipient: PhoneNumber,
    /// The sender that the phone shows; `None` leaves it to the carrier.
    pub sender: Option<Sender>,
    /// The text, as a whole.
    pub text: SmsText,
    /// The numbers of the segments that are still to be submitted, from 1.
    pub numbers: Vec<i64>,
    /// How long the carrier may try to deliver it, from now.
    pub valid_for: Duration,
}

/// Which segment of which message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentId {
    /// The message.
    pub message: MessageId,
    /// The segment's number, from 1.
    pub number: i64,
}

/// One segment to submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The segment.
    pub segment: SegmentId,
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

/// What a carrier sends by itself.
#[derive(Debug)]
pub enum CarrierReport {
    /// A delivery receipt.
    Receipt(IncomingReceipt),
    /// The response to a submit that had timed out.
    LateResponse(LateResponse),
}

/// The response to a submit whose outcome was [`SegmentOutcome::Unanswered`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateResponse {
    /// The segment.
    pub segment: SegmentId,
    /// What the carrier answered.
    pub outcome: SegmentOutcome,
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

/// A request that should be a carrier's, with one or more receipts.
#[derive(Debug)]
pub struct PostedReceipt {
    /// The secret of the address that it came to.
    pub secret: String,
    /// The query of that address.
    pub query: String,
    /// Whether it came with GET.
    pub is_get: bool,
    /// The header `X-Twilio-Signature`.
    pub signature: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What such a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptReply {
    /// All is recorded; the text is the body of the answer.
    Recorded(String),
    /// The carrier sends no receipts by HTTP.
    NotFound,
    /// The carrier sends them with POST.
    OnlyPost,
    /// The secret or the signature is wrong.
    Forbidden,
    /// It can't be read.
    Malformed,
    /// The database did not take it in time: it has to be sent again.
    NotRecorded,
}

/// Why something that a carrier delivers is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoredDelivery {
    /// A message from a phone.
    FromPhone,
    /// A receipt that does not say which message it is about.
    WithoutId,
    /// A receipt that does not say what became of the message.
    WithoutState,
    /// Its mandatory fields can't be read.
    Malformed,
    /// A receipt with an id that no message has.
    Unmatched,
    /// The answer to an accepted message, without the id by which receipts name it.
    AnswerWithoutId,
}

impl IgnoredDelivery {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::FromPhone, Self::WithoutId, Self::WithoutState, Self::Malformed, Self::Unmatched, Self::AnswerWithoutId];

    /// Its name as the value of a label in the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FromPhone => "from_phone",
            Self::WithoutId => "without_id",
            Self::WithoutState => "without_state",
            Self::Malformed => "malformed",
            Self::Unmatched => "unmatched",
            Self::AnswerWithoutId => "answer_without_id",
        }
    }

    /// The end of a sentence that begins with the delivery.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::FromPhone => "is a message from a phone, and Keyfob only sends",
            Self::WithoutId => "is a receipt without the id of a message",
            Self::WithoutState => "is a receipt that does not say what became of the message",
            Self::Malformed => "is malformed",
            Self::Unmatched => "is a receipt with an id that no message has",
            Self::AnswerWithoutId => "accepts a message without an id that can be read",
        }
    }
}
