//! Why a message did not get where it should.

use crate::store::types::text_enum;

text_enum! {
    /// A cause, as a code for programs and in words for people.
    Fault {
        /// The carrier does not take this number.
        InvalidRecipient = "invalid_recipient",
        /// The carrier does not take this sender.
        InvalidSender = "invalid_sender",
        /// The carrier does not take what was written.
        InvalidMessage = "invalid_message",
        /// The carrier asked for fewer messages.
        Throttled = "throttled",
        /// The carrier's queue was full.
        QueueFull = "queue_full",
        /// The carrier had a fault of its own.
        CarrierError = "carrier_error",
        /// The carrier refused it.
        Rejected = "rejected",
        /// It could not be delivered.
        Undelivered = "undelivered",
        /// Its time was over before it was delivered.
        Expired = "expired",
        /// The carrier deleted it.
        Deleted = "deleted",
        /// The carrier does not know what became of it.
        CarrierUnknown = "carrier_unknown",
        /// The carrier's answer never came.
        OutcomeUnknown = "outcome_unknown",
        /// No carrier could be reached while it was valid.
        NotSentInTime = "not_sent_in_time",
    }
}

impl Fault {
    /// One sentence for a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::InvalidRecipient => "The carrier does not take this number.",
            Self::InvalidSender => "The carrier does not take this sender.",
            Self::InvalidMessage => "The carrier does not take this text.",
            Self::Throttled => "The carrier asked for fewer messages at a time.",
            Self::QueueFull => "The carrier's queue is full.",
            Self::CarrierError => "The carrier has a fault.",
            Self::Rejected => "The carrier refused the message.",
            Self::Undelivered => "The phone could not be reached.",
            Self::Expired => "The message was not delivered in time.",
            Self::Deleted => "The carrier deleted the message.",
            Self::CarrierUnknown => "The carrier does not know what became of the message.",
            Self::OutcomeUnknown => {
                "Outcome unknown: the carrier did not answer, so the message is not sent again. A receipt may still come."
            }
            Self::NotSentInTime => "The carrier could not be reached in time.",
        }
    }
}
