//! The picture of an account's messages: what became of them, hour by hour or day by day,
//! and why some failed.

use std::collections::HashMap;

use super::filter::{Cause, Wanted};
use super::paths::PATH;
use crate::dashboard::frame::chart::{BarLook, Chart, ChartWords, Series};
use crate::dashboard::frame::chart_time::{Slot, last_days, last_hours};
use crate::dashboard::frame::list_query::query_string;
use crate::domain::account::AccountId;
use crate::domain::message::{self, MessageCount, MessageError, StatusGroup, day_of};
use crate::error::Result;
use crate::store::{Conn, UtcTime};

const HOURS: usize = 24;
const DAYS: usize = 30;
/// What is drawn, from the bottom up.
const GROUPS: [(StatusGroup, Series); 4] = [
    (StatusGroup::Delivered, Series { name: "delivered", look: BarLook::Solid }),
    (StatusGroup::Sent, Series { name: "sent", look: BarLook::Outlined }),
    (StatusGroup::Waiting, Series { name: "waiting", look: BarLook::Dotted }),
    (StatusGroup::NotDelivered, Series { name: "not delivered", look: BarLook::Striped }),
];

/// How far back the picture goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Period {
    /// 24 hours, hour by hour.
    #[default]
    Day,
    /// 30 days, day by day.
    Month,
}

impl Period {
    /// The period that an address asks for; a day, when it asks for none that there is.
    pub(super) fn read(text: &str) -> Self {
        if text == Self::Month.as_str() { Self::Month } else { Self::Day }
    }

    /// Its name in addresses.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "",
            Self::Month => "30d",
        }
    }

    fn slots(self, now: UtcTime) -> Vec<Slot> {
        match self {
            Self::Day => last_hours(HOURS, now),
            Self::Month => last_days(DAYS, now),
        }
    }

    /// Where in the picture an hour belongs.
    const fn slot_of(self, hour: UtcTime) -> UtcTime {
        match self {
            Self::Day => hour,
            Self::Month => day_of(hour),
        }
    }

    /// Times of rows are in the reader's own time zone, and those of the chart are not.
    const fn note(self) -> &'static str {
        match self {
            Self::Day => "Hours are in UTC.",
            Self::Month => "Days are in UTC.",
        }
    }

    fn words(self) -> ChartWords {
        let (title, period, slot_head, empty) = match self {
            Self::Day => (
                "Messages in the last 24 hours",
                "in the last 24 hours",
                "Hour (UTC)",
                "No messages in the last 24 hours.",
            ),
            Self::Month => {
                ("Messages in the last 30 days", "in the last 30 days", "Day (UTC)", "No messages in the last 30 days.")
            }
        };
        ChartWords { id: "messages-chart", title, period, slot_head, empty, note: None }
    }
}

/// What the database knows about a period.
pub(super) struct PictureFigures {
    period: Period,
    slots: Vec<Slot>,
    counts: Vec<MessageCount>,
}

impl PictureFigures {
    /// Reads the figures.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn read(conn: &mut Conn, account: &AccountId, period: Period, now: UtcTime) -> Result<Self> {
        let slots = period.slots(now);
        let from = slots.first().map_or(now, |slot| slot.begins);
        Ok(Self { period, slots, counts: message::message_counts(conn, account, from)? })
    }

    /// Why messages failed or wait, the most frequent first.
    fn causes(&self) -> Vec<(MessageError, i64)> {
        let mut sums = HashMap::new();
        for count in &self.counts {
            if let Some(error) = count.error {
                *sums.entry(error).or_insert(0) += count.messages;
            }
        }
        let mut causes: Vec<(MessageError, i64)> = sums.into_iter().filter(|(_, messages)| *messages > 0).collect();
        causes.sort_by_key(|(error, messages)| (-messages, error.as_str()));
        causes
    }
}

/// The picture, with the causes and the way to the other period.
pub(super) struct Picture {
    pub(super) chart: Chart,
    pub(super) periods: [PeriodLink; 2],
    pub(super) causes: Vec<Cause>,
}

/// A period to choose.
pub(super) struct PeriodLink {
    pub(super) words: &'static str,
    pub(super) href: String,
    pub(super) is_chosen: bool,
}

impl Picture {
    pub(super) fn new(figures: PictureFigures, wanted: &Wanted) -> Self {
        let causes = figures.causes();
        let PictureFigures { period, slots, counts } = figures;
        let mut sums: HashMap<(UtcTime, StatusGroup), i64> = HashMap::new();
        for count in counts {
            *sums.entry((period.slot_of(count.hour), count.group)).or_default() += count.messages;
        }
        let values = |slot: &Slot| {
            GROUPS.map(|(group, _)| sums.get(&(slot.begins, group)).copied().unwrap_or_default()).to_vec()
        };
        let slots: Vec<_> =
            slots.into_iter().map(|slot| (values(&slot), slot)).map(|(values, slot)| (slot, values)).collect();
        let link = |one: Period, words| PeriodLink {
            words,
            href: format!("{PATH}{}", query_string(&[("period", one.as_str())])),
            is_chosen: one == period,
        };
        let first = slots.first().map(|(slot, _)| slot.begins.to_datetime().date().to_string()).unwrap_or_default();
        let mut chart = Chart::new(period.words(), &GROUPS.map(|(_, series)| series), slots);
        if chart.summary.is_some() {
            chart.words.note = Some(period.note().to_owned());
        }
        for (entry, (group, _)) in chart.legend.iter_mut().zip(GROUPS) {
            let parts = [("status", group.as_str()), ("from", &*first)];
            entry.href = Some(format!("{PATH}{}", query_string(&parts)));
        }
        Self {
            chart,
            periods: [link(Period::Day, "24 hours"), link(Period::Month, "30 days")],
            causes: causes.into_iter().map(|(error, count)| Cause::new(wanted, error, count)).collect(),
        }
    }
}
