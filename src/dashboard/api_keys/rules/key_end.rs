//! The end of a key in words: on its page, in its row, and in messages.

use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::layout::When;
use crate::store::UtcTime;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// How long before its end a key's row says that it ends.
const SOON: i64 = 30 * DAY;

/// When a key ends or ended.
#[derive(Debug)]
pub struct KeyEnd {
    /// The moment.
    pub when: When,
    /// `in 12 days`, or `3 days ago`.
    pub distance: String,
    /// Whether the key is refused by now.
    pub is_past: bool,
    is_soon: bool,
}

impl KeyEnd {
    /// The end as it is seen at `now`.
    #[must_use]
    pub fn new(end: UtcTime, now: UtcTime) -> Self {
        let seconds = end.micros().saturating_sub(now.micros()) / 1_000_000;
        let is_past = end <= now;
        let distance = if is_past { ago(end, now) } else { ahead(seconds) };
        Self { when: end.into(), distance, is_past, is_soon: seconds <= SOON }
    }

    /// What the row of the key says, from 30 days before its end on: `Expires in 12 days`.
    #[must_use]
    pub fn badge(&self) -> Option<String> {
        let verb = if self.is_past { "Expired" } else { "Expires" };
        self.is_soon.then(|| format!("{verb} {}", self.distance))
    }
}

fn ahead(seconds: i64) -> String {
    let (length, unit) = match seconds {
        DAY.. => (DAY, "day"),
        HOUR.. => (HOUR, "hour"),
        MINUTE.. => (MINUTE, "minute"),
        _ => return "in less than a minute".to_owned(),
    };
    match seconds / length {
        1 => format!("in 1 {unit}"),
        count => format!("in {count} {unit}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn badge(seconds: i64) -> Option<String> {
        let now = UtcTime::from_micros(1_772_366_400_000_000);
        KeyEnd::new(now.plus_seconds(seconds), now).badge()
    }

    #[test]
    fn a_row_says_that_its_key_ends_from_thirty_days_before_and_from_then_on() {
        for (seconds, words) in [
            (SOON + 1, None),
            (SOON, Some("Expires in 30 days")),
            (12 * DAY + HOUR, Some("Expires in 12 days")),
            (DAY, Some("Expires in 1 day")),
            (DAY - 1, Some("Expires in 23 hours")),
            (HOUR, Some("Expires in 1 hour")),
            (2 * MINUTE, Some("Expires in 2 minutes")),
            (1, Some("Expires in less than a minute")),
            (0, Some("Expired just now")),
            (-3 * DAY, Some("Expired 3 days ago")),
            (-800 * DAY, Some("Expired 2 years ago")),
        ] {
            assert_eq!(badge(seconds).as_deref(), words, "{seconds}");
        }
    }
}
