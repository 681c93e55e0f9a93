//! Why a message was not delivered, or not yet.

use crate::store::types::text_enum;

text_enum! {
    /// A reason, as a code for programs and as a sentence for people.
    MessageError {
        /// The carrier rejects the recipient's number.
        InvalidRecipient = "invalid_recipient",
        /// The carrier rejects the sender.
        InvalidSender = "invalid_sender",
        /// The carrier rejects the content.
        InvalidMessage = "invalid_message",
        /// The carrier rejects the validity period.
        InvalidValidity = "invalid_validity",
        /// The carrier is rate limiting us.
        Throttled = "throttled",
        /// The carrier's queue was full.
        QueueFull = "queue_full",
        /// The carrier has an error of its own.
        CarrierError = "carrier_error",
        /// The carrier rejected the message without a more specific reason.
        Rejected = "rejected",
        /// It could not be delivered.
        Undelivered = "undelivered",
        /// The carrier reported that its validity ended before it was delivered.
        Expired = "expired",
        /// The carrier deleted it.
        Deleted = "deleted",
        /// The carrier reports the state as unknown.
        CarrierUnknown = "carrier_unknown",
        /// The carrier accepted it, and no receipt came in time.
        NoReceipt = "no_receipt",
        /// No response to the submit came, so the carrier may have accepted it.
        OutcomeUnknown = "outcome_unknown",
        /// It could not be submitted before its validity ended.
        NotSentInTime = "not_sent_in_time",
    }
}

impl MessageError {
    /// The sentence that people read.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::InvalidRecipient => "The carrier rejected this number.",
            Self::InvalidSender => "The carrier rejected this sender.",
            Self::InvalidMessage => "The carrier rejected this text.",
            Self::InvalidValidity => "The carrier rejected the validity period.",
            Self::Throttled => "The carrier asked us to send more slowly.",
            Self::QueueFull => "The carrier's queue is full.",
            Self::CarrierError => "The carrier reported an error on its side.",
            Self::Rejected => "The carrier rejected the message.",
            Self::Undelivered => "The message did not reach the phone.",
            Self::Expired => "The message was not delivered in time.",
            Self::Deleted => "The carrier deleted the message.",
            Self::CarrierUnknown => "The carrier does not know whether the message arrived.",
            Self::NoReceipt => "The carrier never reported whether the message arrived.",
            Self::OutcomeUnknown => {
                "The carrier did not answer, so the message may have been sent. We don't send it twice; a receipt may still come."
            }
            Self::NotSentInTime => "The carrier could not be reached in time.",
        }
    }
}
