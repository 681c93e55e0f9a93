//! What the page of a key says about reports that it was found.

use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::layout::When;
use crate::domain::leak_report::LeakReport;
use crate::store::UtcTime;

/// The reports about a key.
pub(in crate::dashboard) struct LeakReportView {
    /// `Reported once` or `Reported 3 times, last`.
    pub(in crate::dashboard) how_often: String,
    pub(in crate::dashboard) last: When,
    pub(in crate::dashboard) ago: String,
    pub(in crate::dashboard) source: String,
    pub(in crate::dashboard) url: String,
    pub(in crate::dashboard) address: String,
}

impl LeakReportView {
    pub(in crate::dashboard) fn new(report: LeakReport, now: UtcTime) -> Self {
        let how_often = match report.reports {
            1 => "Reported once,".to_owned(),
            times => format!("Reported {times} times, last"),
        };
        Self {
            how_often,
            ago: ago(report.last_at, now),
            last: report.last_at.into(),
            source: report.source,
            url: report.url,
            address: report.address,
        }
    }
}
