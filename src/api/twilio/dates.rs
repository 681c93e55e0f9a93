//! Times as Twilio's API writes and reads them.

use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::error::{Error, Result};
use crate::store::UtcTime;

const SECONDS_A_DAY: i64 = 86_400;

/// `Sun, 01 Mar 2026 12:00:00 +0000`
pub(super) fn rfc2822(time: UtcTime) -> String {
    time.to_datetime().format(&Rfc2822).unwrap_or_default()
}

/// A day or a second, from its start until before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: UtcTime,
    pub(super) until: UtcTime,
}

/// Reads the value of `name`: a day in UTC, or a second.
///
/// # Errors
/// [`Error::Malformed`].
pub(super) fn parse_span(name: &str, text: &str) -> Result<Span> {
    if let Ok(day) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
        return Ok(span(day.midnight().assume_utc(), SECONDS_A_DAY));
    }
    let second = OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|time| time.replace_nanosecond(0).ok());
    let wrong = || Error::Malformed(format!("Write {name} as 2026-03-01 or as 2026-03-01T12:00:00Z."));
    second.map(|second| span(second, 1)).ok_or_else(wrong)
}

fn span(from: OffsetDateTime, seconds: i64) -> Span {
    let from = UtcTime::from(from);
    Span { from, until: from.plus_seconds(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-01 12:00:00.5 UTC.
    const NOON: UtcTime = UtcTime::from_micros(1_772_366_400_500_000);

    #[test]
    fn times_are_written_to_the_second_in_utc() {
        assert_eq!(rfc2822(NOON), "Sun, 01 Mar 2026 12:00:00 +0000");
    }

    #[test]
    fn a_day_lasts_until_the_next_and_a_time_for_its_second() {
        let midnight = UtcTime::from_micros(1_772_323_200_000_000);
        let day = Span { from: midnight, until: midnight.plus_seconds(86_400) };
        assert_eq!(parse_span("DateSent", "2026-03-01").unwrap(), day);
        let noon = midnight.plus_seconds(12 * 3600);
        for text in ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.5Z", "2026-03-01T13:00:00+01:00"] {
            assert_eq!(
                parse_span("DateSent", text).unwrap(),
                Span { from: noon, until: noon.plus_seconds(1) },
                "{text}"
            );
        }
        for wrong in ["", "today", "2026-02-30", "2026-03-01T25:00:00Z", "1772366400", "99999-01-01"] {
            assert!(parse_span("DateSent", wrong).is_err(), "{wrong}");
        }
    }
}
