//! Ways out to the phones, behind one small trait.
//!
//! A transport takes one segment at a time and says what became of it; what
//! the phone did comes later, as a [`Receipt`], through the channel that the
//! transport is built with. It keeps nothing: the queue does.

pub mod sandbox;
pub mod smpp;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

pub use crate::domain::message::ReceiptState;
use sandbox::Sandbox;
use smpp::{Smpp, SmppConfig};

use crate::domain::message::phone_number::PhoneNumber;
use crate::domain::message::sender::Sender;
use crate::domain::message::sms_text::Encoding;

/// Which way out live messages take.
#[derive(Debug, Clone)]
pub enum TransportConfig {
    /// None: a carrier in this process that only rehearses.
    Sandbox {
        /// Between taking a segment and its receipt.
        delay: Duration,
    },
    /// A carrier that speaks SMPP.
    Smpp(Box<SmppConfig>),
}

impl TransportConfig {
    /// Opens it; within a Tokio runtime.
    #[must_use]
    pub fn open(&self, receipts: ReceiptSender) -> Arc<dyn Transport> {
        match self {
            Self::Sandbox { delay } => Arc::new(Sandbox::new(*delay, receipts)),
            Self::Smpp(config) => Arc::new(Smpp::start((**config).clone(), receipts)),
        }
    }

    /// How long the sandbox for test keys lets its receipts wait.
    #[must_use]
    pub const fn sandbox_delay(&self) -> Duration {
        match self {
            Self::Sandbox { delay } => *delay,
            Self::Smpp(_) => SANDBOX_DELAY,
        }
    }
}

impl FromStr for TransportConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sandbox" => Ok(Self::Sandbox { delay: SANDBOX_DELAY }),
            // The text is not told: it may hold a password.
            _ if text.starts_with("smpp") => {
                let config = text.parse().map_err(|problem| format!("--sms-transport: {problem}"))?;
                Ok(Self::Smpp(Box::new(config)))
            }
            _ => Err("--sms-transport is no way out; write sandbox, or smpp://USER:PASSWORD@HOST:PORT".to_owned()),
        }
    }
}

/// Where a transport puts its receipts. Give it a bound: a full channel keeps
/// the carrier waiting, and it then sends less.
pub type ReceiptSender = mpsc::Sender<IncomingReceipt>;

/// How long the sandbox's receipts take.
const SANDBOX_DELAY: Duration = Duration::from_secs(1);

/// A way out.
pub trait Transport: Send + Sync + 'static {
    /// The word for it: `sandbox` or `smpp`.
    fn name(&self) -> &'static str;

    /// How many submits may begin now without waiting; 0 while there is no
    /// connection.
    fn capacity(&self) -> usize;

    /// Resolves when [`capacity`](Self::capacity) may have become more than 0,
    /// at once if it is. Look again: somebody else may have been faster. Never
    /// resolves once the transport is closed.
    fn ready(&self) -> BoxFuture<'_, ()>;

    /// Hands over one segment and waits for the carrier's answer. Without
    /// capacity it is [`Outcome::NotSent`]. Dropping the future leaves it open
    /// whether the segment was sent.
    fn submit(&self, submission: Submission) -> BoxFuture<'_, Outcome>;

    /// Why there is no connection, in a sentence for the operator; `None` when
    /// there is one.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Says goodbye to the carrier, after the answers that are still awaited;
    /// for a clean stop. Nothing can be submitted afterwards.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// One segment on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Whom it goes to.
    pub recipient: PhoneNumber,
    /// Whom it is from; the carrier's choice when there is none.
    pub sender: Option<Sender>,
    /// The alphabet of `payload`.
    pub encoding: Encoding,
    /// As [`Segment::payload`](crate::domain::message::sms_text::Segment::payload).
    pub payload: Vec<u8>,
    /// Its place in the message; `None` when it is the only segment.
    pub part: Option<Part>,
    /// How long the carrier may try, from now.
    pub valid_for: Duration,
}

/// A segment's place in its message (3GPP TS 23.040 §9.2.3.24.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The same for all parts of one message, and another for the next one to
    /// the same phone.
    pub reference: u8,
    /// How many there are.
    pub total: u8,
    /// From 1 to `total`.
    pub number: u8,
}

/// What became of a submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The carrier has it.
    Accepted {
        /// Its name for the segment, which its receipt will bear.
        carrier_id: String,
    },
    /// The carrier will never take it; its credit is given back.
    Refused(CarrierRejection),
    /// The carrier does not take it now.
    Retry {
        /// Why.
        rejection: CarrierRejection,
        /// How long to wait before the next try.
        after: Duration,
        /// How many tries there are at most before it counts as refused.
        max_attempts: u32,
    },
    /// Nothing was written to the carrier: back into the queue, not counted as a try.
    NotSent,
    /// It was written, and no answer came. It is never sent again: that could
    /// be the second time.
    Unknown,
}

/// Why a carrier does not take a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CarrierRejection {
    /// For good, and one of: `throttled`, `queue_full`, `carrier_error`,
    /// `invalid_recipient`, `invalid_sender`, `invalid_message`, `refused`.
    pub code: &'static str,
    /// The carrier's own number for it (SMPP 3.4 §5.1.3), if it has one.
    pub carrier_status: Option<u32>,
}

/// What a carrier tells about a segment that it had accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The carrier's name for the segment. Match it exactly first and by
    /// [`carrier_id_key`] second.
    pub carrier_id: String,
    /// What became of the segment.
    pub state: ReceiptState,
    /// The carrier's own code for what went wrong, at most 20 characters.
    pub error: Option<String>,
    /// The phone's number as the carrier writes it, if it is told.
    pub recipient: Option<String>,
}

/// A receipt, and the way to acknowledge it.
#[derive(Debug)]
pub struct IncomingReceipt {
    /// What was told.
    pub receipt: Receipt,
    /// The carrier is answered once this is sent, so send it after the commit.
    /// Dropped unsent, the carrier is told to bring the receipt again later.
    pub taken: oneshot::Sender<()>,
}

/// What a carrier's id is matched by when it is not matched as it is: in lower
/// case and without leading zeros, since carriers write the same id differently
/// in the answer and in the receipt.
#[must_use]
pub fn carrier_id_key(carrier_id: &str) -> String {
    carrier_id.trim().trim_start_matches('0').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_differ_in_case_and_leading_zeros_have_one_key() {
        assert_eq!(carrier_id_key("0000000F"), "f");
        assert_eq!(carrier_id_key("f"), "f");
        assert_eq!(carrier_id_key("A-00b"), "a-00b");
        assert_eq!(carrier_id_key("000"), "");
    }
}
