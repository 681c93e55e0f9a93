//! Which part of the list of keys is wanted: its filter, its order and a page of it.

use super::filter::{KeyFilterQuery, pairs};
use super::missed_switch::PARAMETER as MISSED;
use super::paths::PATH;
use crate::dashboard::frame::list_query::{query_string, written};
use crate::domain::api_key::{KeyPageStart, KeyPlace, KeySort};
use crate::error::{Error, Result};

/// What of the list is wanted.
#[derive(Debug, Clone)]
pub(super) struct WantedKeys {
    pub(super) keys: KeyFilterQuery,
    pub(super) sort: KeySort,
    pub(super) start: KeyPageStart,
    /// A switch that was used after the session had ended.
    pub(super) missed: String,
}

impl WantedKeys {
    /// The first page of the keys of a filter, newest first.
    pub(super) fn filtered(keys: KeyFilterQuery) -> Self {
        Self { keys, sort: KeySort::Newest, start: KeyPageStart::First, missed: String::new() }
    }

    /// The newest keys of a service, or of all.
    pub(super) fn newest(service: Option<String>) -> Self {
        let mut keys = KeyFilterQuery::default();
        keys.filter.service = service;
        Self::filtered(keys)
    }

    /// Reads what follows the `?` of an address, without the `?`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a filter, an order or a place that does not exist.
    pub(super) fn parse(query: &str) -> Result<Self> {
        let mut wanted = Self::newest(None);
        let (mut after, mut before) = (String::new(), String::new());
        for (name, value) in pairs(query) {
            match &*name {
                "sort" => wanted.sort = written(&value)?.unwrap_or(KeySort::Newest),
                "after" => after = value,
                "before" => before = value,
                MISSED => wanted.missed = value,
                name if wanted.keys.take(name, &value)? => {}
                _ => return Err(Error::NotFound),
            }
        }
        let place = |text: &str| KeyPlace::parse(text, wanted.sort).ok_or(Error::NotFound);
        wanted.start = match (&*after, &*before) {
            ("", "") => KeyPageStart::First,
            ("", before) => KeyPageStart::Before(place(before)?),
            (after, _) => KeyPageStart::After(place(after)?),
        };
        wanted.keys = wanted.keys.finish()?;
        Ok(wanted)
    }

    /// The address of a page of this list.
    pub(super) fn url(&self, start: &KeyPageStart) -> String {
        Self::url_of(&self.keys, self.sort, start)
    }

    /// The address of this page.
    pub(super) fn own_url(&self) -> String {
        self.url(&self.start)
    }

    /// The first page of the same keys in another order.
    pub(super) fn url_sorted(&self, sort: KeySort) -> String {
        Self::url_of(&self.keys, sort, &KeyPageStart::First)
    }

    /// The first page of other keys in the same order.
    pub(super) fn url_filtered(&self, keys: &KeyFilterQuery) -> String {
        Self::url_of(keys, self.sort, &KeyPageStart::First)
    }

    fn url_of(keys: &KeyFilterQuery, sort: KeySort, start: &KeyPageStart) -> String {
        let place = match start {
            KeyPageStart::First => None,
            KeyPageStart::After(place) => Some(("after", place.to_text(sort))),
            KeyPageStart::Before(place) => Some(("before", place.to_text(sort))),
        };
        let mut parts = keys.parts();
        parts.push(("sort", if sort == KeySort::Newest { "" } else { sort.as_str() }));
        parts.extend(place.as_ref().map(|(name, place)| (*name, &**place)));
        format!("{PATH}{}", query_string(&parts))
    }
}
