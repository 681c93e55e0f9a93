//! A message as the database keeps it.

use diesel::prelude::*;

use super::error::MessageError;
use super::phone_number::PhoneNumber;
use super::sender::Sender;
use super::sms_text::{Encoding, SmsText};
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::api_key::secret::Mode;
use crate::domain::callback::{CallbackFormat, CallbackUrl};
use crate::domain::carrier::CarrierName;
use crate::domain::id::id;
use crate::store::UtcTime;
use crate::store::schema::messages;
use crate::store::types::text_enum;

/// How long Keyfob tries to deliver a message, in seconds from its acceptance, unless the
/// request says for how long.
pub const VALIDITY_SECONDS: i64 = 48 * 3600;
/// The shortest validity that a request may ask for, in seconds.
pub const MIN_VALIDITY_SECONDS: i64 = 60;
/// How long after its validity a message waits for its receipt, in seconds: a
/// carrier reports that a message expired only after it did.
const RECEIPT_GRACE_SECONDS: i64 = 600;

id! {
    /// The id of a message; ids sort by age.
    MessageId = "msg_"
}

text_enum! {
    /// The state of a message. A message never returns from a later state to an
    /// earlier one, except from `Sending` to `Queued`.
    MessageStatus {
        /// It waits in the queue, for its first attempt or for a retry.
        Queued = "queued",
        /// A worker holds a lease on it and is submitting its segments.
        Sending = "sending",
        /// The carrier accepted every segment, or may have accepted it. It stays
        /// so when no receipt ever comes.
        Sent = "sent",
        /// Every segment reached the phone.
        Delivered = "delivered",
        /// At least one segment did not reach the phone.
        Undelivered = "undelivered",
        /// The carrier reported that its validity ended before it was delivered.
        Expired = "expired",
        /// The carrier accepted no segment, and the charge was refunded.
        Failed = "failed",
        /// Its application withdrew it before a carrier had it, and the charge was refunded.
        Canceled = "canceled",
    }
}

impl MessageStatus {
    /// Every status, in the order in which a message goes through them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Undelivered,
        Self::Expired,
        Self::Failed,
        Self::Canceled,
    ];

    /// Whether no other status can follow. [`Sent`](Self::Sent) is not final: a
    /// receipt counts, however late it comes.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Undelivered | Self::Expired | Self::Failed | Self::Canceled)
    }
}

/// A row of `messages`, which is the history and the queue in one table.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = messages)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The account that was charged.
    pub account_id: AccountId,
    /// The key that it was sent with; `None` when an operator sent it.
    pub api_key_id: Option<ApiKeyId>,
    /// Live, or test, which is always rehearsed.
    pub mode: Mode,
    /// The phone that it goes to.
    pub recipient: PhoneNumber,
    /// The sender that the application chose; `None` leaves it to the carrier.
    pub sender: Option<Sender>,
    /// The text, as a whole.
    pub text: SmsText,
    /// The application's own reference for it; may be empty.
    pub reference: String,
    /// The alphabet of its segments.
    pub encoding: Encoding,
    /// The number of segments that it is sent in.
    pub segments: i64,
    /// The credits that were charged for it.
    pub credits: i64,
    /// Its state.
    pub status: MessageStatus,
    /// Why it failed, or why it waits for a retry.
    pub error: Option<MessageError>,
    /// The attempts in which at least one segment was submitted.
    pub tries: i64,
    /// When it needs attention next: queued, the next attempt; sending, the end
    /// of the lease; sent, when its receipt is overdue. `None` in a final status,
    /// and when no receipt came.
    pub due_at: Option<UtcTime>,
    /// When its validity ends.
    pub valid_until: UtcTime,
    /// When it was accepted.
    pub created_at: UtcTime,
    /// When its status changed last.
    pub updated_at: UtcTime,
    /// The carrier's own code for `error`, if it gave one.
    pub carrier_code: Option<String>,
    /// Whether the sandbox has it: then no phone gets it, and it costs nothing.
    pub rehearsed: bool,
    /// The carrier that it waits for, or that has it; the sandbox for a rehearsal.
    pub carrier: CarrierName,
    /// The address that is called about it; `None` for the key's.
    pub callback_url: Option<CallbackUrl>,
    /// The format in which `callback_url` is called.
    pub callback_format: CallbackFormat,
    /// When its application deleted it. The row stays, since its credits are spent and
    /// limits count it.
    pub deleted_at: Option<UtcTime>,
}

impl Message {
    /// Whether it has its final status, or no receipt came in time.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.due_at.is_none()
    }

    /// When to stop waiting for its receipt.
    pub(super) const fn receipt_due(&self) -> UtcTime {
        self.valid_until.plus_seconds(RECEIPT_GRACE_SECONDS)
    }

    /// The credits that one segment cost.
    pub(super) const fn credits_per_segment(&self) -> i64 {
        self.credits / self.segments
    }
}
