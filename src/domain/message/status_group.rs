//! What became of messages, in the four words that are counted.

use super::record::MessageStatus;
use crate::store::types::text_enum;

text_enum! {
    /// Statuses that mean the same to whoever sends.
    StatusGroup {
        /// It reached the phone.
        Delivered = "delivered",
        /// The carrier has it, and reported nothing yet.
        Sent = "sent",
        /// The carrier does not have it yet.
        Waiting = "waiting",
        /// It did not reach the phone, and will not.
        NotDelivered = "not_delivered",
    }
}

impl StatusGroup {
    /// The group of a status.
    #[must_use]
    pub const fn of(status: MessageStatus) -> Self {
        match status {
            MessageStatus::Queued | MessageStatus::Sending => Self::Waiting,
            MessageStatus::Sent => Self::Sent,
            MessageStatus::Delivered => Self::Delivered,
            MessageStatus::Undelivered | MessageStatus::Expired | MessageStatus::Failed | MessageStatus::Canceled => {
                Self::NotDelivered
            }
        }
    }

    /// Its statuses.
    pub(super) fn statuses(self) -> impl Iterator<Item = MessageStatus> {
        MessageStatus::ALL.into_iter().filter(move |status| Self::of(*status) == self)
    }
}
