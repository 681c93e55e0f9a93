//! Filters in words, each with a link that takes it away.

use time::Date;
use time::macros::format_description;

use super::filter::KeyFilterQuery;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{EndFilter, KeyFilter, KeyMark, KeySort, KeyStatus, KeyUse};

/// One thing that keys are filtered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dashboard) struct ActiveFilter {
    /// In words, such as `Switched off`.
    pub(in crate::dashboard) words: String,
    /// The same filter without it.
    pub(in crate::dashboard) without: KeyFilterQuery,
}

/// The names of what a filter refers to by ids.
#[derive(Debug, Clone, Default)]
pub(in crate::dashboard) struct FilteredNames {
    /// The name of the service.
    pub(in crate::dashboard) service: Option<String>,
    /// The name of the operator who made the keys.
    pub(in crate::dashboard) maker: Option<String>,
}

/// Everything that keys are filtered by, in words.
pub(in crate::dashboard) fn active_filters(wanted: &KeyFilterQuery, names: &FilteredNames) -> Vec<ActiveFilter> {
    let KeyFilter { search, service, mode, status, end, usage, marks, made_by, made_before, in_trash, .. } =
        &wanted.filter;
    let mut active = Vec::new();
    let mut add = |words: String, take: &dyn Fn(&mut KeyFilter)| {
        let mut without = wanted.clone();
        take(&mut without.filter);
        active.push(ActiveFilter { words, without });
    };
    if let Some(search) = search {
        add(format!("“{}”", search.as_str()), &|filter| filter.search = None);
    }
    if let Some(slug) = service {
        add(names.service.clone().unwrap_or_else(|| slug.clone()), &|filter| filter.service = None);
    }
    if let Some(mode) = mode {
        add(mode_words(*mode).to_owned(), &|filter| filter.mode = None);
    }
    if let Some(status) = status {
        add(status_words(*status).to_owned(), &|filter| filter.status = None);
    }
    if let Some(end) = end {
        add(end_words(*end).to_owned(), &|filter| filter.end = None);
    }
    if let Some(usage) = usage {
        add(use_words(*usage).to_owned(), &|filter| filter.usage = None);
    }
    for mark in marks {
        add(mark_words(*mark).to_owned(), &|filter| {
            filter.marks.remove(mark);
        });
    }
    if let Some(operator) = made_by {
        let name = names.maker.as_deref().unwrap_or(operator.as_str());
        add(format!("Made by {name}"), &|filter| filter.made_by = None);
    }
    if made_before.is_some() {
        add(format!("Made before {}", day_words(&wanted.made_before)), &|filter| filter.made_before = None);
    }
    if *in_trash {
        add("In the trash".to_owned(), &|filter| filter.in_trash = false);
    }
    active
}

pub(super) const fn mode_words(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "Live keys",
        Mode::Test => "Test keys",
    }
}

pub(super) const fn status_words(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Enabled => "Switched on",
        KeyStatus::Disabled => "Switched off",
    }
}

pub(super) const fn end_words(end: EndFilter) -> &'static str {
    match end {
        EndFilter::Expired => "Expired",
        EndFilter::Soon => "Expires within 30 days",
        EndFilter::Never => "Never expires",
    }
}

pub(super) const fn use_words(usage: KeyUse) -> &'static str {
    match usage {
        KeyUse::Never => "Never used",
        KeyUse::Unused => "Unused for 90 days",
    }
}

pub(super) const fn mark_words(mark: KeyMark) -> &'static str {
    match mark {
        KeyMark::Rotating => "In rotation",
        KeyMark::Refused => "Refused in the last 7 days",
        KeyMark::Reported => "Reported as public",
        KeyMark::Imported => "Imported",
        KeyMark::Unlimited => "No address or scope limit",
    }
}

pub(super) const fn sort_words(sort: KeySort) -> &'static str {
    match sort {
        KeySort::Newest => "Newest first",
        KeySort::Oldest => "Oldest first",
        KeySort::Name => "Name",
        KeySort::LastUsed => "Last used",
        KeySort::Expires => "Expires soonest",
    }
}

fn day_words(written: &str) -> String {
    let day = Date::parse(written, format_description!("[year]-[month]-[day]"));
    let words =
        day.ok().and_then(|day| day.format(format_description!("[day padding:none] [month repr:short] [year]")).ok());
    words.unwrap_or_else(|| written.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_is_said_in_words_and_taken_away_alone() {
        let wanted = KeyFilterQuery::parse("q=foo&status=disabled&is=reported&made_before=2026-11-03").unwrap();

        let active = active_filters(&wanted, &FilteredNames::default());

        let active: Vec<_> = active.iter().map(|active| (&*active.words, active.without.query())).collect();
        assert_eq!(
            active,
            [
                ("“foo”", "?status=disabled&is=reported&made_before=2026-11-03".to_owned()),
                ("Switched off", "?q=foo&is=reported&made_before=2026-11-03".to_owned()),
                ("Reported as public", "?q=foo&status=disabled&made_before=2026-11-03".to_owned()),
                ("Made before 3 Nov 2026", "?q=foo&status=disabled&is=reported".to_owned()),
            ]
        );
    }
}
