//! The hours and days along a chart, in UTC.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::store::UtcTime;

/// Seconds of an hour.
pub const HOUR_SECONDS: i64 = 3_600;
/// Seconds of a day.
pub const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[day padding:none] [month repr:short]");
const HOUR: &[BorrowedFormatItem<'_>] = format_description!("[hour]:00");
/// Days between two that are named below the chart.
const DAYS_BETWEEN_LABELS: usize = 7;
const HOURS_BETWEEN_LABELS: i64 = 6;

/// An hour or a day that a chart has a bar for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// When it begins.
    pub begins: UtcTime,
    /// Its name in the table: `12 Nov`.
    pub name: String,
    /// The name within a sentence: `on 12 Nov`.
    pub in_words: String,
    /// What is written below its bar.
    pub label: Option<String>,
}

/// The last days up to that of `now`, oldest first.
#[must_use]
pub fn last_days(count: usize, now: UtcTime) -> Vec<Slot> {
    let day = |back: usize| {
        let begins = before(now, back, DAY_SECONDS);
        let name = begins.to_datetime().format(DAY).unwrap_or_default();
        let label = back.is_multiple_of(DAYS_BETWEEN_LABELS).then(|| name.clone());
        Slot { begins, in_words: format!("on {name}"), name, label }
    };
    (0..count).rev().map(day).collect()
}

/// The last hours up to that of `now`, oldest first.
#[must_use]
pub fn last_hours(count: usize, now: UtcTime) -> Vec<Slot> {
    let hour = |back: usize| {
        let begins = before(now, back, HOUR_SECONDS);
        let (time, date) = (begins.to_datetime(), begins.to_datetime().format(DAY).unwrap_or_default());
        let name = time.format(HOUR).unwrap_or_default();
        let is_labelled = i64::from(time.hour()) % HOURS_BETWEEN_LABELS == 0;
        let in_words = format!("at {name} UTC on {date}");
        Slot { begins, in_words, name: format!("{date}, {name}"), label: is_labelled.then_some(name) }
    };
    (0..count).rev().map(hour).collect()
}

/// The beginning of the unit of time that lies so many units before the one of `now`.
fn before(now: UtcTime, back: usize, unit_seconds: i64) -> UtcTime {
    let into_unit = now.micros().rem_euclid(unit_seconds * 1_000_000);
    let begins = UtcTime::from_micros(now.micros().saturating_sub(into_unit));
    begins.plus_seconds(i64::try_from(back).unwrap_or(0).saturating_mul(-unit_seconds))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn names(slots: &[Slot]) -> Vec<&str> {
        slots.iter().map(|slot| &*slot.name).collect()
    }

    #[test]
    fn days_cross_the_end_of_february_in_a_leap_year() {
        let days = last_days(3, datetime!(2028-03-01 00:00 UTC).into());

        assert_eq!(names(&days), ["28 Feb", "29 Feb", "1 Mar"]);
        assert_eq!(days[1].begins, datetime!(2028-02-29 00:00 UTC).into());
        assert_eq!(days[1].in_words, "on 29 Feb");
    }

    #[test]
    fn every_seventh_day_is_named_below_the_chart_today_among_them() {
        let days = last_days(15, datetime!(2026-11-28 23:59:59 UTC).into());

        let labels: Vec<_> = days.iter().filter_map(|day| day.label.as_deref()).collect();
        assert_eq!(labels, ["14 Nov", "21 Nov", "28 Nov"]);
    }

    #[test]
    fn hours_cross_midnight_and_every_sixth_is_named_below_the_chart() {
        let hours = last_hours(8, datetime!(2026-11-28 01:30 UTC).into());

        assert_eq!(names(&hours)[..2], ["27 Nov, 18:00", "27 Nov, 19:00"]);
        assert_eq!(hours[7].in_words, "at 01:00 UTC on 28 Nov");
        assert_eq!(hours.iter().filter_map(|hour| hour.label.as_deref()).collect::<Vec<_>>(), ["18:00", "00:00"]);
    }
}
