//! How far messages and their segments have come, in the words of pages.

use crate::domain::message::{MessageError, MessageSegment, MessageStatus, SegmentStatus, StatusGroup};
use crate::store::UtcTime;

/// The word for a status; its class is `status--` and the status.
pub(super) const fn status_word(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Queued => "Queued",
        MessageStatus::Sending => "Sending",
        MessageStatus::Sent => "Sent",
        MessageStatus::Delivered => "Delivered",
        MessageStatus::Undelivered => "Undelivered",
        MessageStatus::Expired => "Expired",
        MessageStatus::Failed => "Failed",
        MessageStatus::Canceled => "Canceled",
    }
}

/// The words for statuses that mean the same to whoever sends.
pub(super) const fn group_words(group: StatusGroup) -> &'static str {
    match group {
        StatusGroup::Delivered => "Delivered",
        StatusGroup::Sent => "Sent",
        StatusGroup::Waiting => "Waiting",
        StatusGroup::NotDelivered => "Not delivered",
    }
}

/// A cause of failure in two or three words, to choose by.
pub(super) const fn cause_words(error: MessageError) -> &'static str {
    match error {
        MessageError::InvalidRecipient => "Number rejected",
        MessageError::InvalidSender => "Sender rejected",
        MessageError::InvalidMessage => "Text rejected",
        MessageError::InvalidValidity => "Validity rejected",
        MessageError::Throttled => "Too many at once",
        MessageError::QueueFull => "Carrier's queue full",
        MessageError::CarrierError => "Carrier error",
        MessageError::Rejected => "Message rejected",
        MessageError::Undelivered => "Phone not reached",
        MessageError::Expired => "Not delivered in time",
        MessageError::Deleted => "Deleted by the carrier",
        MessageError::CarrierUnknown => "Unknown to the carrier",
        MessageError::NoReceipt => "No receipt",
        MessageError::OutcomeUnknown => "No answer from the carrier",
        MessageError::NotSentInTime => "Carrier not reached in time",
    }
}

/// What became of one segment.
pub(super) const fn segment_words(segment: &MessageSegment) -> &'static str {
    match segment.status {
        SegmentStatus::Waiting => "Will be tried again",
        SegmentStatus::Accepted => "Accepted by the carrier",
        SegmentStatus::Refused => "Rejected",
        SegmentStatus::Unknown => "No answer from the carrier",
        SegmentStatus::Delivered => "Delivered",
        SegmentStatus::Undelivered => "Undelivered",
        SegmentStatus::Expired => "Expired",
    }
}

/// A page polls every 2 s for this long after the last change.
const FAST_POLL_SECONDS: i64 = 60;
/// The interval of polling after that.
pub(super) const SLOW_POLL: &str = "20s";
/// A page stops polling this long after the last change.
const MAX_POLL_SECONDS: i64 = 3600;

/// How often a page with these messages polls, from their statuses and the times
/// of their last change; `None` once all are final or nothing has changed for long.
pub(super) fn poll_interval(
    messages: impl Iterator<Item = (MessageStatus, UtcTime)>,
    now: UtcTime,
) -> Option<&'static str> {
    let latest = messages.filter(|(status, _)| !status.is_final()).map(|(_, changed)| changed).max()?;
    let still = now.micros().saturating_sub(latest.micros()) / 1_000_000;
    if still <= FAST_POLL_SECONDS { Some("2s") } else { (still <= MAX_POLL_SECONDS).then_some(SLOW_POLL) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_asks_again_only_while_something_moves() {
        let now = UtcTime::from_micros(1_772_366_400_000_000);
        let seen = |status, seconds: i64| poll_interval([(status, now.plus_seconds(-seconds))].into_iter(), now);
        assert_eq!(seen(MessageStatus::Queued, 0), Some("2s"));
        assert_eq!(seen(MessageStatus::Sent, 60), Some("2s"));
        assert_eq!(seen(MessageStatus::Sent, 61), Some("20s"));
        assert_eq!(seen(MessageStatus::Sent, 3601), None);
        assert_eq!(seen(MessageStatus::Delivered, 0), None);
        assert_eq!(seen(MessageStatus::Failed, 0), None);
        let both = [(MessageStatus::Sent, now.plus_seconds(-7200)), (MessageStatus::Sending, now)];
        assert_eq!(poll_interval(both.into_iter(), now), Some("2s"));
    }
}
