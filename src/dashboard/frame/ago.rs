//! How long something is past, in the words of people.

use crate::store::UtcTime;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const MONTH: i64 = 30 * DAY;
const YEAR: i64 = 365 * DAY;

/// How long something is past, for a script that lets the words go on.
#[derive(Debug, Clone)]
pub struct Age {
    /// In words.
    pub words: String,
    /// In seconds.
    pub seconds: i64,
}

impl Age {
    /// How long before `now` that was.
    #[must_use]
    pub fn of(then: UtcTime, now: UtcTime) -> Self {
        Self { words: ago(then, now), seconds: seconds_between(then, now).max(0) }
    }
}

/// How long before `now` that was: `3 minutes ago`. What another instance's
/// clock puts into the future was just now.
#[must_use]
pub fn ago(then: UtcTime, now: UtcTime) -> String {
    let seconds = seconds_between(then, now);
    if seconds < MINUTE { "just now".to_owned() } else { format!("{} ago", lasting(seconds)) }
}

/// So many seconds in the largest unit that fits: `3 minutes`.
#[must_use]
pub fn lasting(seconds: i64) -> String {
    let (length, unit) = match seconds {
        YEAR.. => (YEAR, "year"),
        MONTH.. => (MONTH, "month"),
        DAY.. => (DAY, "day"),
        HOUR.. => (HOUR, "hour"),
        MINUTE.. => (MINUTE, "minute"),
        _ => return "less than a minute".to_owned(),
    };
    match seconds / length {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}

const fn seconds_between(then: UtcTime, now: UtcTime) -> i64 {
    now.micros().saturating_sub(then.micros()) / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: i64) -> String {
        let then = UtcTime::from_micros(1_772_366_400_000_000);
        ago(then, then.plus_seconds(seconds))
    }

    #[test]
    fn one_unit_is_enough() {
        for (seconds, words) in [
            (-5, "just now"),
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3 * MINUTE + 59, "3 minutes ago"),
            (HOUR, "1 hour ago"),
            (DAY - 1, "23 hours ago"),
            (DAY, "1 day ago"),
            (MONTH - 1, "29 days ago"),
            (MONTH, "1 month ago"),
            (YEAR - 1, "12 months ago"),
            (YEAR, "1 year ago"),
            (3 * YEAR, "3 years ago"),
        ] {
            assert_eq!(after(seconds), words, "{seconds}");
        }
    }

    #[test]
    fn times_at_the_ends_of_what_can_be_expressed_are_no_trouble() {
        assert_eq!(ago(UtcTime::from_micros(i64::MAX), UtcTime::from_micros(i64::MIN)), "just now");
        assert!(ago(UtcTime::from_micros(i64::MIN), UtcTime::from_micros(i64::MAX)).ends_with("years ago"));
    }
}
