//! When a balance will be gone.

use crate::store::UtcTime;

const DAY_SECONDS: i64 = 24 * 3600;
/// The rate is that of so many full days, and of what there is of today.
const RATE_DAYS: i64 = 7;
/// With fewer full days than this there is no rate.
const MIN_DAYS: i64 = 3;
/// With more than this part of the credits on one day, in percent, there is no rate.
const SPIKE_PERCENT: i64 = 80;
/// A balance that lasts longer is not forecast to the day.
const MAX_DAYS: i64 = 365;

/// What can be said about a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forecast {
    /// The first credits were spent on this day, which is too short a time ago.
    TooEarly(UtcTime),
    /// Nearly all of the last days' credits were spent on this day.
    OneDay(UtcTime),
    /// At this rate it is gone then.
    Gone {
        /// The full days that the rate is of.
        days: i64,
        /// Credits a day; 0 for less than one.
        rate: i64,
        /// When; `None` when it lasts longer than a year.
        at: Option<UtcTime>,
    },
}

/// Forecasts from the credits that were spent each day, oldest first, of which the last is
/// today. `None` when there is nothing to say: nothing was spent lately, or nothing is left.
#[must_use]
pub fn forecast(balance: i64, spent: &[(UtcTime, i64)], now: UtcTime) -> Option<Forecast> {
    let (today, _) = *spent.last()?;
    let (first, _) = *spent.iter().find(|(_, credits)| *credits > 0)?;
    let from = first.max(today.plus_seconds(-RATE_DAYS * DAY_SECONDS));
    let lately = || spent.iter().filter(|(day, _)| *day >= from);
    let sum: i64 = lately().map(|(_, credits)| credits).sum();
    if sum <= 0 || balance <= 0 {
        return None;
    }
    let days = seconds_between(from, today) / DAY_SECONDS;
    if days < MIN_DAYS {
        return Some(Forecast::TooEarly(first));
    }
    let (day, most) = *lately().max_by_key(|(_, credits)| *credits)?;
    if most.saturating_mul(100) > sum.saturating_mul(SPIKE_PERCENT) {
        return Some(Forecast::OneDay(day));
    }
    let seconds = i128::from(seconds_between(from, now).max(1));
    let rate = i128::from(sum) * i128::from(DAY_SECONDS) / seconds;
    let left = i64::try_from(i128::from(balance) * seconds / i128::from(sum)).unwrap_or(i64::MAX);
    let at = (left <= MAX_DAYS * DAY_SECONDS).then(|| now.plus_seconds(left));
    Some(Forecast::Gone { days, rate: i64::try_from(rate).unwrap_or(i64::MAX), at })
}

const fn seconds_between(from: UtcTime, until: UtcTime) -> i64 {
    until.micros().saturating_sub(from.micros()) / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A midnight.
    const TODAY: UtcTime = UtcTime::from_micros(1_772_323_200_000_000);

    fn day(ago: i64) -> UtcTime {
        TODAY.plus_seconds(-ago * DAY_SECONDS)
    }

    /// What was spent on each of the last 30 days, by how many days ago.
    fn spent(on: impl Fn(i64) -> i64) -> Vec<(UtcTime, i64)> {
        (0..30).rev().map(|ago| (day(ago), on(ago))).collect()
    }

    fn at_noon(balance: i64, spent: &[(UtcTime, i64)]) -> Option<Forecast> {
        forecast(balance, spent, TODAY.plus_seconds(DAY_SECONDS / 2))
    }

    #[test]
    fn where_nothing_was_spent_or_nothing_is_left_there_is_nothing_to_say() {
        assert_eq!(at_noon(500, &spent(|_| 0)), None);
        assert_eq!(at_noon(500, &spent(|ago| if ago > 7 { 40 } else { 0 })), None, "not lately");
        assert_eq!(at_noon(0, &spent(|_| 40)), None);
        assert_eq!(at_noon(500, &[]), None);
    }

    #[test]
    fn at_a_steady_rate_the_day_is_known() {
        // 7 full days with 40 and half a day with 20: 40 a day, and 400 are gone in 10 days.
        let steady = spent(|ago| if ago == 0 { 20 } else { 40 });

        let at = Some(day(-10).plus_seconds(DAY_SECONDS / 2));
        assert_eq!(at_noon(400, &steady), Some(Forecast::Gone { days: 7, rate: 40, at }));
        assert_eq!(at_noon(40 * 366, &steady), Some(Forecast::Gone { days: 7, rate: 40, at: None }));
    }

    #[test]
    fn who_began_some_days_ago_has_the_rate_of_these_days() {
        let began = |first: i64| {
            spent(move |ago| {
                if ago > first {
                    0
                } else if ago == 0 {
                    20
                } else {
                    40
                }
            })
        };

        assert!(matches!(at_noon(400, &began(3)), Some(Forecast::Gone { days: 3, rate: 40, .. })));
        assert_eq!(at_noon(400, &began(2)), Some(Forecast::TooEarly(day(2))));
        assert_eq!(at_noon(400, &began(0)), Some(Forecast::TooEarly(day(0))));
    }

    #[test]
    fn one_day_with_nearly_everything_is_no_rate() {
        let spike = spent(|ago| if ago == 4 { 500 } else { i64::from(ago == 20) });

        assert_eq!(at_noon(400, &spike), Some(Forecast::OneDay(day(4))));
    }

    #[test]
    fn numbers_at_the_ends_of_what_can_be_counted_are_no_trouble() {
        let most = spent(|_| i64::MAX / 40);
        assert!(matches!(at_noon(i64::MAX, &most), Some(Forecast::Gone { .. })));
        assert!(matches!(at_noon(i64::MAX, &spent(|_| 1)), Some(Forecast::Gone { rate: 1, at: None, .. })));
    }
}
