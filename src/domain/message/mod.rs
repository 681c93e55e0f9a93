//! A message: an SMS to one recipient, from its acceptance to its end. The
//! table is the queue too.

mod acceptance;
mod fault;
mod gsm7;
mod history;
pub mod idempotency;
mod list;
pub mod phone_number;
mod receipt;
mod segment;
pub mod sender;
mod sending;
pub mod sms_text;
mod view;

use diesel::prelude::*;

pub use acceptance::{Accepted, Draft, MOST_RECIPIENTS, Origin, accept, cost};
pub use fault::Fault;
pub use history::{MessageEvent, MessageEventId, history};
pub use list::{Filter, MessageEntry, PAGE, Page, find, list};
pub use receipt::{Receipt, ReceiptState, forget_receipts, match_receipts, receive};
pub use segment::{MessageSegment, SegmentStatus, open_carrier_ids, segments};
pub use sending::{LEASE_SECONDS, Lease, SegmentOutcome, end_in_time, is_due, lease, needs_care, settle, settle_lost};
pub use view::MessageView;
pub(crate) use view::rfc3339;

use super::account::AccountId;
use super::api_key::ApiKeyId;
use super::api_key::secret::Mode;
use super::id::id;
use crate::store::UtcTime;
use crate::store::schema::messages;
use crate::store::types::text_enum;
use phone_number::PhoneNumber;
use sender::Sender;
use sms_text::{Encoding, SmsText};

/// For how long a message may be on its way, in seconds.
pub const VALID_SECONDS: i64 = 48 * 3600;

id! {
    /// Names a message; ids sort by age.
    MessageId = "msg_"
}

text_enum! {
    /// How far a message has come. Only forward.
    Status {
        /// It waits for its turn.
        Queued = "queued",
        /// It is being handed to a carrier.
        Sending = "sending",
        /// A carrier has it.
        Sent = "sent",
        /// Every segment reached the phone.
        Delivered = "delivered",
        /// A segment did not reach the phone.
        Undelivered = "undelivered",
        /// Its time was over before it was delivered.
        Expired = "expired",
        /// No carrier took it; nothing was charged in the end.
        Failed = "failed",
    }
}

impl Status {
    /// Every status, in the order in which a message goes through them.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Sending, Self::Sent, Self::Delivered, Self::Undelivered, Self::Expired, Self::Failed];

    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Undelivered | Self::Expired | Self::Failed)
    }
}

/// A message as it is kept.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = messages)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Whose it is.
    pub account_id: AccountId,
    /// The key that it was sent with; empty when an operator sent it.
    pub api_key_id: Option<ApiKeyId>,
    /// Live or test.
    pub mode: Mode,
    /// To whom.
    pub recipient: PhoneNumber,
    /// From whom, where the application said so.
    pub sender: Option<Sender>,
    /// What.
    pub text: SmsText,
    /// The application's own word for it; may be empty.
    pub reference: String,
    /// The alphabet of its segments.
    pub encoding: Encoding,
    /// In how many segments it is sent.
    pub segments: i64,
    /// What was charged for it.
    pub credits: i64,
    /// How far it has come.
    pub status: Status,
    /// What is wrong, if anything.
    pub error: Option<Fault>,
    /// How often a carrier was asked to take it.
    pub tries: i64,
    /// When something is to be done about it, if anything is.
    pub due_at: Option<UtcTime>,
    /// Until when it makes sense to deliver it.
    pub valid_until: UtcTime,
    /// When it was accepted.
    pub created_at: UtcTime,
    /// When its status changed last.
    pub updated_at: UtcTime,
}

impl Message {
    /// What one segment was charged.
    const fn credits_per_segment(&self) -> i64 {
        self.credits / self.segments
    }
}
