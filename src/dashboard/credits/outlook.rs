//! What was spent in the last 30 days, in words and figures, and when the balance will be
//! gone.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::dashboard::frame::chart::{BarLook, Chart, ChartWords, Series};
use crate::dashboard::frame::chart_time::{Slot, last_days};
use crate::dashboard::messages::row::KeyName;
use crate::domain::account::AccountId;
use crate::domain::credit::{self, Forecast, Spender, Spending};
use crate::domain::message::day_of;
use crate::error::Result;
use crate::format::{count, grouped};
use crate::store::{Conn, UtcTime};

/// The days of the chart, today included.
const CHART_DAYS: usize = 30;
const SPENT: Series = Series { name: "credits spent", look: BarLook::Solid };
const CHART_WORDS: ChartWords = ChartWords {
    id: "credits-chart",
    title: "Credits spent in the last 30 days",
    period: "in the last 30 days",
    slot_head: "Day (UTC)",
    empty: "Nothing spent in the last 30 days.",
    note: None,
};
/// So many keys are named.
const MAX_SPENDERS: usize = 5;
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[day padding:none] [month repr:short]");

/// What the database knows about the last days.
pub(super) struct OutlookFigures {
    spending: Spending,
    /// When credits were added, and how many.
    top_ups: Vec<(UtcTime, i64)>,
}

/// What was spent, as it is drawn.
pub(super) struct Outlook {
    pub(super) forecast: Option<String>,
    /// As in `1,500 credits in 2 top-ups`.
    pub(super) added: Option<String>,
    pub(super) spenders: Vec<SpenderRow>,
    /// What was spent, day by day.
    pub(super) chart: Chart,
}

/// Who spent how much.
pub(super) struct SpenderRow {
    pub(super) key: KeyName,
    pub(super) credits: String,
    /// Its part of everything, as in `42%`.
    pub(super) share: String,
}

impl OutlookFigures {
    /// Reads the figures.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn read(conn: &mut Conn, account: &AccountId, now: UtcTime) -> Result<Self> {
        let from = last_days(CHART_DAYS, now).first().map_or(now, |day| day.begins);
        let spending = credit::spending(conn, account, from, MAX_SPENDERS)?;
        Ok(Self { spending, top_ups: credit::top_ups(conn, account, from)? })
    }
}

impl Outlook {
    /// Words for these figures; `None` when nothing was spent.
    pub(super) fn new(figures: OutlookFigures, balance: i64, now: UtcTime) -> Option<Self> {
        let OutlookFigures { spending: Spending { days, spenders }, top_ups } = figures;
        let spent: i64 = days.values().sum();
        if spent <= 0 {
            return None;
        }
        let on = |slot: &Slot| days.get(&slot.begins).copied().unwrap_or_default();
        let slots = last_days(CHART_DAYS, now);
        let by_day: Vec<(UtcTime, i64)> = slots.iter().map(|slot| (slot.begins, on(slot))).collect();
        let words = ChartWords { note: Some("Days are in UTC.".to_owned()), ..CHART_WORDS };
        let values = by_day.iter().map(|(_, credits)| vec![*credits]);
        let added: i64 = top_ups.iter().map(|(_, credits)| credits).sum();
        let times = i64::try_from(top_ups.len()).unwrap_or(i64::MAX);
        Some(Self {
            forecast: credit::forecast(balance, &by_day, now).map(|forecast| forecast_words(forecast, now)),
            added: (added > 0).then(|| format!("{} in {}", count(added, "credit"), count(times, "top-up"))),
            spenders: spenders.into_iter().map(|spender| SpenderRow::new(spender, spent)).collect(),
            chart: Chart::new(words, &[SPENT], slots.into_iter().zip(values).collect()),
        })
    }
}

impl SpenderRow {
    fn new(Spender { api_key, name, credits }: Spender, of: i64) -> Self {
        Self { key: KeyName::new(api_key.as_ref(), name), credits: grouped(credits), share: share(credits, of) }
    }
}

/// A part in percent, rounded; small ones are never nothing and large ones never everything.
fn share(part: i64, of: i64) -> String {
    let percent = (i128::from(part) * 200 / i128::from(of.max(1)) + 1) / 2;
    match percent {
        ..1 => "under 1%".to_owned(),
        100.. if part < of => "over 99%".to_owned(),
        percent => format!("{percent}%"),
    }
}

/// A day as in `12 Dec`.
fn day_words(day: UtcTime) -> String {
    day.to_datetime().format(DAY).unwrap_or_default()
}

fn forecast_words(forecast: Forecast, now: UtcTime) -> String {
    match forecast {
        Forecast::TooEarly(first) => {
            format!("How long they last can be told after some days: the first were spent on {}.", day_words(first))
        }
        Forecast::OneDay(day) => {
            format!(
                "How long they last can't be told: most of the last days' credits were spent on {}.",
                day_words(day)
            )
        }
        Forecast::Gone { days, rate, at } => {
            let rate = if rate < 1 { "less than 1 a day".to_owned() } else { format!("about {} a day", grouped(rate)) };
            let end = match at {
                None => "enough for more than a year".to_owned(),
                Some(at) if day_of(at) == day_of(now) => "gone today".to_owned(),
                Some(at) => format!("gone about {}", day_words(at)),
            };
            format!("At the rate of the last {days} days, {rate}: {end}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 March 2026, 12:00.
    const NOW: UtcTime = UtcTime::from_micros(1_772_366_400_000_000);

    const DAY_SECONDS: i64 = 24 * 3600;

    fn days(days: i64) -> UtcTime {
        NOW.plus_seconds(days * DAY_SECONDS)
    }

    #[test]
    fn a_forecast_says_what_it_is_made_of() {
        let gone = |rate, at| forecast_words(Forecast::Gone { days: 7, rate, at }, NOW);
        assert_eq!(
            gone(1_200, Some(days(11))),
            "At the rate of the last 7 days, about 1,200 a day: gone about 12 Mar."
        );
        assert_eq!(gone(900, Some(days(0))), "At the rate of the last 7 days, about 900 a day: gone today.");
        assert_eq!(gone(0, None), "At the rate of the last 7 days, less than 1 a day: enough for more than a year.");
        assert_eq!(
            forecast_words(Forecast::TooEarly(days(-1)), NOW),
            "How long they last can be told after some days: the first were spent on 28 Feb."
        );
        assert_eq!(
            forecast_words(Forecast::OneDay(days(-4)), NOW),
            "How long they last can't be told: most of the last days' credits were spent on 25 Feb."
        );
    }

    #[test]
    fn a_share_is_rounded_to_whole_percents() {
        let shares = [(1, 3, "33%"), (2, 3, "67%"), (5, 5, "100%"), (1, 1_000, "under 1%"), (999, 1_000, "over 99%")];
        for (part, of, words) in shares {
            assert_eq!(share(part, of), words, "{part} of {of}");
        }
    }
}
