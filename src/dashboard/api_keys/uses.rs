//! How often a key was used and refused of late, as charts.

use std::collections::HashMap;

use crate::dashboard::frame::chart::{BarLook, Chart, ChartWords, Series};
use crate::dashboard::frame::chart_time::{DAY_SECONDS, Slot, last_days, last_hours};
use crate::dashboard::frame::layout::When;
use crate::domain::api_key::ApiKey;
use crate::domain::api_key::usage_history::{counted_since, uses_by_day, uses_by_hour};
use crate::domain::refusal::{day_of, hour_of, refused_by_hour};
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// Days in the chart of days, and in the small picture of a row.
pub(super) const CHART_DAYS: usize = 30;
const CHART_HOURS: usize = 24;
const SERIES: [Series; 2] =
    [Series { name: "allowed", look: BarLook::Solid }, Series { name: "refused", look: BarLook::Striped }];

/// The section of a key's page.
pub(super) struct UsesView {
    pub(super) days: Chart,
    pub(super) hours: Chart,
}

impl UsesView {
    /// # Errors
    /// When the database fails.
    pub(super) fn read(conn: &mut Conn, key: &ApiKey, now: UtcTime) -> Result<Self> {
        let (days, hours) = (last_days(CHART_DAYS, now), last_hours(CHART_HOURS, now));
        let (first_day, first_hour) = (beginning(&days, now), beginning(&hours, now));
        let by_day = uses_by_day(conn, &key.id, first_day, now)?;
        let by_hour = uses_by_hour(conn, &key.id, first_hour, now)?;
        let refused = refused_by_hour(conn, &key.id, first_day, now)?;
        let since = counted_since(conn)?.filter(|since| key.created_at < *since && *since <= now);
        let note = |first: UtcTime| {
            let since = since.filter(|since| *since > first)?;
            Some(format!("Uses are counted since {}.", When::from(since).text))
        };
        Ok(Self {
            days: Chart::new(
                ChartWords {
                    id: "uses-by-day",
                    title: "Requests by day",
                    period: "in the last 30 days",
                    slot_head: "Day (UTC)",
                    empty: "Not used in the last 30 days.",
                    note: note(first_day),
                },
                &SERIES,
                filled(days, &summed(&by_day, day_of), &summed(&refused, day_of)),
            ),
            hours: Chart::new(
                ChartWords {
                    id: "uses-by-hour",
                    title: "Requests by hour",
                    period: "in the last 24 hours",
                    slot_head: "Hour (UTC)",
                    empty: "Not used in the last 24 hours.",
                    note: note(first_hour),
                },
                &SERIES,
                filled(hours, &summed(&by_hour, hour_of), &summed(&refused, hour_of)),
            ),
        })
    }
}

/// From when to when the small picture of a row goes.
pub(super) fn days_of_sparkline(now: UtcTime) -> (UtcTime, UtcTime) {
    (day_of(now).plus_seconds(-DAY_SECONDS * (CHART_DAYS as i64 - 1)), day_of(now))
}

fn beginning(slots: &[Slot], now: UtcTime) -> UtcTime {
    slots.first().map_or(now, |slot| slot.begins)
}

fn summed(rows: &[(UtcTime, i64)], slot_of: fn(UtcTime) -> UtcTime) -> HashMap<UtcTime, i64> {
    let mut sums = HashMap::new();
    for (time, number) in rows {
        *sums.entry(slot_of(*time)).or_default() += number;
    }
    sums
}

fn filled(slots: Vec<Slot>, allowed: &HashMap<UtcTime, i64>, refused: &HashMap<UtcTime, i64>) -> Vec<(Slot, Vec<i64>)> {
    let number = |numbers: &HashMap<UtcTime, i64>, slot: &Slot| numbers.get(&slot.begins).copied().unwrap_or(0);
    let values = |slot: &Slot| vec![number(allowed, slot), number(refused, slot)];
    slots.into_iter().map(|slot| (slot.clone(), values(&slot))).collect()
}
