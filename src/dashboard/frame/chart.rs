//! A chart of stacked bars, drawn as SVG in the page. Widths are in percent and heights
//! in pixels, so that it takes the room there is and its text keeps its size.

use super::chart_axis::{Axis, short};
use super::chart_time::Slot;
use crate::format::grouped;

/// The height of the part with the bars.
const PLOT_HEIGHT: i64 = 128;
/// Above the bars: what is few is drawn higher than it is, and the top mark has its number.
const TOP_MARGIN: i64 = 12;
/// A bar of anything is at least so high.
const MIN_BAR_HEIGHT: i64 = 3;
/// Of the room of a bar, in percent: the rest is between two of them.
const BAR_WIDTH: usize = 72;

/// How the bars of a series look. They differ without colour as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarLook {
    /// Filled, in the colour of the product.
    Solid,
    /// With stripes, for what went wrong.
    Striped,
    /// With dots, for what needs attention.
    Dotted,
    /// An outline, for what is not decided or matters least.
    Outlined,
}

impl BarLook {
    /// Its name in the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Solid => "solid",
            Self::Striped => "striped",
            Self::Dotted => "dotted",
            Self::Outlined => "outlined",
        }
    }
}

/// What is counted apart.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    /// After its number: `7 refused`.
    pub name: &'static str,
    /// How its bars look.
    pub look: BarLook,
}

/// The words around a chart.
#[derive(Debug, Clone)]
pub struct ChartWords {
    /// Unique on the page.
    pub id: &'static str,
    /// What it shows: `Requests in the last 30 days`.
    pub title: &'static str,
    /// The end of its summary: `in the last 30 days`.
    pub period: &'static str,
    /// The head of the table's first column: `Day (UTC)`.
    pub slot_head: &'static str,
    /// In its place when there is nothing to draw: `Not used in the last 30 days.`
    pub empty: &'static str,
    /// Below it: since when is counted, if that is within the period.
    pub note: Option<String>,
}

/// What `_chart.html` draws.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The words around it.
    pub words: ChartWords,
    /// All of it in a sentence; none when there is nothing to draw.
    pub summary: Option<String>,
    /// The series with their totals.
    pub legend: Vec<LegendEntry>,
    /// The lines of the axis.
    pub lines: Vec<AxisLine>,
    /// The bars, oldest first.
    pub columns: Vec<Column>,
    /// The height of all of it but the labels below.
    pub bottom: i64,
}

/// A series with its total.
#[derive(Debug, Clone)]
pub struct LegendEntry {
    /// What is counted.
    pub name: &'static str,
    /// The class of its bars.
    pub look: &'static str,
    /// How many.
    pub total: String,
    /// The list of what is counted, where there is one.
    pub href: Option<String>,
}

/// A line across the chart, and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AxisLine {
    /// How far down.
    pub y: i64,
    /// The number.
    pub text: String,
}

/// The bars of an hour or a day.
#[derive(Debug, Clone)]
pub struct Column {
    /// Where its room begins, in percent.
    pub x: String,
    /// The width of its room, in percent.
    pub width: String,
    /// Where its bars begin, in percent.
    pub bar_x: String,
    /// The width of its bars, in percent.
    pub bar_width: String,
    /// The middle, in percent.
    pub middle: String,
    /// What is written below it.
    pub label: Option<String>,
    /// The hour or day, and its numbers: `12 Nov: 430 allowed, 2 refused`.
    pub tip: String,
    /// Its name in the table.
    pub name: String,
    /// Its numbers in the table.
    pub numbers: Vec<String>,
    /// Its bars, from the bottom up.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// The class that it is drawn with.
    pub look: &'static str,
    /// Where it begins, from the top.
    pub y: i64,
    /// How high it is.
    pub height: i64,
}

impl Chart {
    /// Draws these hours or days, each with a number for each series. Numbers below zero
    /// count as zero.
    #[must_use]
    pub fn new(words: ChartWords, series: &[Series], slots: Vec<(Slot, Vec<i64>)>) -> Self {
        let sum = |values: &[i64]| values.iter().fold(0_i64, |sum, value| sum.saturating_add((*value).max(0)));
        let axis = Axis::up_to(slots.iter().map(|(_, values)| sum(values)).max().unwrap_or(0));
        let total =
            |place: usize| sum(&slots.iter().filter_map(|(_, values)| values.get(place)).copied().collect::<Vec<_>>());
        let totals: Vec<_> = (0..series.len()).map(total).collect();
        let counted: Vec<_> = series.iter().zip(&totals).map(|(series, total)| numbered(*total, series)).collect();
        // Of several that are equally high the latest: it matters most.
        let peak = slots.iter().max_by_key(|(_, values)| sum(values)).filter(|(_, values)| sum(values) > 0);
        let summary = peak.map(|(peak, _)| format!("{} {}, most {}", listed(&counted), words.period, peak.in_words));
        let legend = series.iter().zip(totals).map(|(series, total)| LegendEntry {
            name: series.name,
            look: series.look.class(),
            total: grouped(total),
            href: None,
        });
        let bottom = TOP_MARGIN + PLOT_HEIGHT;
        let lines = axis.marks().map(|mark| AxisLine { y: bottom - axis.height(mark, PLOT_HEIGHT), text: short(mark) });
        let count = slots.len();
        Self {
            words,
            summary,
            legend: legend.collect(),
            lines: lines.collect(),
            columns: slots
                .into_iter()
                .enumerate()
                .map(|(place, (slot, values))| Column::new(slot, &values, series, axis, (place, count)))
                .collect(),
            bottom,
        }
    }
}

impl Column {
    fn new(slot: Slot, values: &[i64], series: &[Series], axis: Axis, (place, count): (usize, usize)) -> Self {
        let numbers: Vec<_> = series.iter().zip(values).map(|(series, value)| numbered(*value, series)).collect();
        Self {
            x: percent(place * 100, count * 100),
            width: percent(100, count * 100),
            bar_x: percent(place * 100 + (100 - BAR_WIDTH) / 2, count * 100),
            bar_width: percent(BAR_WIDTH, count * 100),
            middle: percent(place * 100 + 50, count * 100),
            label: slot.label,
            tip: format!("{}: {}", slot.name, numbers.join(", ")),
            name: slot.name,
            numbers: values.iter().map(|value| grouped((*value).max(0))).collect(),
            bars: stacked(values, series, axis),
        }
    }
}

fn stacked(values: &[i64], series: &[Series], axis: Axis) -> Vec<Bar> {
    let mut top = TOP_MARGIN + PLOT_HEIGHT;
    let some = series.iter().zip(values).filter(|(_, value)| **value > 0);
    some.map(|(series, value)| {
        let height = axis.height(i128::from(*value), PLOT_HEIGHT).max(MIN_BAR_HEIGHT);
        top -= height;
        Bar { look: series.look.class(), y: top, height }
    })
    .collect()
}

fn numbered(number: i64, series: &Series) -> String {
    format!("{} {}", grouped(number.max(0)), series.name)
}

/// `a`, `a and b`, `a, b and c`.
fn listed(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

/// With two digits after the point.
fn percent(part: usize, whole: usize) -> String {
    let hundredths = part * 10_000 / whole.max(1);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::dashboard::frame::chart_time::last_days;

    const SERIES: [Series; 2] =
        [Series { name: "allowed", look: BarLook::Solid }, Series { name: "refused", look: BarLook::Striped }];
    const WORDS: ChartWords = ChartWords {
        id: "uses",
        title: "Requests",
        period: "in the last 30 days",
        slot_head: "Day (UTC)",
        empty: "Not used in the last 30 days.",
        note: None,
    };

    fn chart(values: &[[i64; 2]]) -> Chart {
        let days = last_days(values.len(), datetime!(2026-11-28 12:00 UTC).into());
        Chart::new(WORDS, &SERIES, days.into_iter().zip(values.iter().map(|values| values.to_vec())).collect())
    }

    fn heights(chart: &Chart) -> Vec<Vec<i64>> {
        chart.columns.iter().map(|column| column.bars.iter().map(|bar| bar.height).collect()).collect()
    }

    #[test]
    fn nothing_is_no_bar_and_no_summary() {
        let chart = chart(&[[0, 0], [0, 0]]);

        assert_eq!((chart.summary.as_deref(), heights(&chart)), (None, vec![vec![], vec![]]));
        assert!(Chart::new(WORDS, &SERIES, Vec::new()).summary.is_none());
    }

    #[test]
    fn the_summary_says_the_totals_and_when_there_was_most() {
        let chart = chart(&[[12_000, 0], [340, 7], [0, 0]]);

        let summary = "12,340 allowed and 7 refused in the last 30 days, most on 26 Nov";
        assert_eq!(chart.summary.as_deref(), Some(summary));
        assert_eq!(chart.legend.iter().map(|entry| &*entry.total).collect::<Vec<_>>(), ["12,340", "7"]);
        assert_eq!(chart.columns[1].tip, "27 Nov: 340 allowed, 7 refused");
    }

    #[test]
    fn what_is_few_beside_a_spike_is_seen() {
        let chart = chart(&[[1_000_000, 0], [1, 1], [0, 0]]);

        assert_eq!(heights(&chart), [vec![PLOT_HEIGHT], vec![MIN_BAR_HEIGHT, MIN_BAR_HEIGHT], vec![]]);
    }

    #[test]
    fn equal_days_are_equally_high_and_the_last_one_is_named() {
        let chart = chart(&[[5, 5], [5, 5]]);

        assert_eq!(heights(&chart), [[64, 64], [64, 64]]);
        assert!(chart.summary.unwrap().ends_with("most on 28 Nov"));
    }

    #[test]
    fn bars_stand_on_each_other_and_stay_within_the_picture() {
        let chart = chart(&[[i64::MAX, i64::MAX], [6, -4]]);

        let column = &chart.columns[0];
        assert_eq!(column.bars[0].y + column.bars[0].height, chart.bottom);
        assert_eq!(column.bars[1].y + column.bars[1].height, column.bars[0].y);
        assert_eq!(chart.columns[1].numbers, ["6", "0"], "less than nothing is nothing");
    }

    #[test]
    fn columns_share_the_width_and_bars_stand_in_the_middle_of_theirs() {
        let chart = chart(&[[1, 0], [1, 0], [1, 0], [1, 0]]);

        let places = |column: &Column| (column.x.clone(), column.bar_x.clone(), column.middle.clone());
        assert_eq!(places(&chart.columns[1]), ("25.00%".into(), "28.50%".into(), "37.50%".into()));
        assert_eq!((&*chart.columns[1].width, &*chart.columns[1].bar_width), ("25.00%", "18.00%"));
    }
}
