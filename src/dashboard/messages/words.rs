//! How far messages and their segments have come, in the words of pages.

use crate::domain::message::{MessageSegment, MessageStatus, SegmentStatus};
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
    }
}

/// What became of one segment.
pub(super) const fn segment_words(segment: &MessageSegment) -> &'static str {
    match segment.status {
        SegmentStatus::Waiting => "Waits for another try",
        SegmentStatus::Accepted => "With the carrier",
        SegmentStatus::Refused => "Refused",
        SegmentStatus::Unknown => "Outcome unknown",
        SegmentStatus::Delivered => "Delivered",
        SegmentStatus::Undelivered => "Undelivered",
        SegmentStatus::Expired => "Expired",
    }
}

/// Moves quickly for so long, in seconds.
const LIVELY: i64 = 60;
/// Is looked after for so long, in seconds.
const WATCHED: i64 = 3600;

/// How often a page asks again that shows messages with these statuses, last
/// changed then; not at all once nothing is on its way, or nothing moves.
pub(super) fn pace(messages: impl Iterator<Item = (MessageStatus, UtcTime)>, now: UtcTime) -> Option<&'static str> {
    let latest = messages.filter(|(status, _)| !status.is_final()).map(|(_, changed)| changed).max()?;
    let still = now.micros().saturating_sub(latest.micros()) / 1_000_000;
    if still <= LIVELY { Some("2s") } else { (still <= WATCHED).then_some("20s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_asks_again_only_while_something_moves() {
        let now = UtcTime::from_micros(1_772_366_400_000_000);
        let seen = |status, seconds: i64| pace([(status, now.plus_seconds(-seconds))].into_iter(), now);
        assert_eq!(seen(MessageStatus::Queued, 0), Some("2s"));
        assert_eq!(seen(MessageStatus::Sent, 60), Some("2s"));
        assert_eq!(seen(MessageStatus::Sent, 61), Some("20s"));
        assert_eq!(seen(MessageStatus::Sent, 3601), None);
        assert_eq!(seen(MessageStatus::Delivered, 0), None);
        assert_eq!(seen(MessageStatus::Failed, 0), None);
        let both = [(MessageStatus::Sent, now.plus_seconds(-7200)), (MessageStatus::Sending, now)];
        assert_eq!(pace(both.into_iter(), now), Some("2s"));
    }
}
