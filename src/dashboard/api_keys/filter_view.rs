//! The search box, the filters and the orders of the list of keys, as they are drawn.

use super::filter::KeyFilterQuery;
use super::filter_words::{
    self, FilteredNames, active_filters, end_words, mark_words, mode_words, status_words, use_words,
};
use super::wanted::WantedKeys;
use crate::dashboard::frame::list_query::{Choice, query_string};
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{EndFilter, KeyFilter, KeyMark, KeySearch, KeySort, KeyStatus, KeyUse};
use crate::domain::audit::actors::{self, NamedActor};
use crate::error::{FieldErrors, Result};
use crate::store::Conn;

/// So many operators are offered to choose from.
const MAX_PEOPLE_CHOICES: i64 = 200;

/// One thing that keys are filtered by, and the list without it.
pub(super) struct Chip {
    pub(super) words: String,
    pub(super) href: String,
}

/// What a form of the list has besides its own fields.
pub(super) struct KeptField {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// The orders that the heads of columns lead to, and which is on; none where there are few keys.
#[derive(Default)]
pub(super) struct SortLinks {
    pub(super) name: SortLink,
    pub(super) created: SortLink,
    pub(super) used: SortLink,
}

/// The head of a column that sorts.
#[derive(Default)]
pub(super) struct SortLink {
    pub(super) href: Option<String>,
    /// `ascending` or `descending` where the list is sorted by it.
    pub(super) direction: Option<&'static str>,
}

/// The tools above the list.
pub(super) struct KeyFilterView {
    pub(super) search: String,
    pub(super) errors: FieldErrors,
    pub(super) modes: Vec<Choice>,
    pub(super) statuses: Vec<Choice>,
    pub(super) ends: Vec<Choice>,
    pub(super) uses: Vec<Choice>,
    pub(super) marks: Vec<Choice>,
    pub(super) people: Vec<Choice>,
    pub(super) sorts: Vec<Choice>,
    pub(super) in_trash: bool,
    pub(super) made_before: String,
    pub(super) utc_offset: String,
    /// What the search leaves as it is, as the query of an address.
    pub(super) kept_by_search: String,
    /// What the choice of a service leaves as it is.
    pub(super) kept_by_service: Vec<KeptField>,
    /// What the filters leave as it is.
    pub(super) kept_by_filters: Vec<KeptField>,
    pub(super) active: Vec<Chip>,
    /// How many filters are folded away.
    pub(super) folded: usize,
    /// The same search among all keys, if anything else is filtered.
    pub(super) search_all: Option<String>,
    /// Why the list may be empty.
    pub(super) empty_reason: String,
}

/// The people who may have made keys.
pub(super) struct Makers(Vec<NamedActor>);

impl Makers {
    /// # Errors
    /// When the database fails.
    pub(super) fn read(conn: &mut Conn, account: &AccountId) -> Result<Self> {
        Ok(Self(actors::operators(conn, account, MAX_PEOPLE_CHOICES)?))
    }

    fn name(&self, id: &str) -> Option<String> {
        self.0.iter().find(|maker| maker.id == id).map(|maker| maker.name.clone())
    }
}

fn choices<T: Copy + PartialEq>(
    all: &[T],
    chosen: impl Fn(T) -> bool,
    [value, label]: [fn(T) -> &'static str; 2],
) -> Vec<Choice> {
    let choice =
        |one: &T| Choice { value: value(*one).to_owned(), label: label(*one).to_owned(), selected: chosen(*one) };
    all.iter().map(choice).collect()
}

impl KeyFilterView {
    /// The tools of what is wanted, of a service with this name.
    pub(super) fn new(wanted: &WantedKeys, makers: &Makers, service: Option<String>) -> Self {
        let keys = &wanted.keys;
        let KeyFilter { search, mode, status, end, usage, marks, made_by, in_trash, .. } = &keys.filter;
        let maker = made_by.as_ref().and_then(|id| makers.name(id.as_str()));
        let active = active_filters(keys, &FilteredNames { service, maker });
        let folded = active.len() - usize::from(search.is_some()) - usize::from(keys.filter.service.is_some());
        let sort = wanted.sort;
        Self {
            search: search.as_ref().map_or(&*keys.wrong_search, KeySearch::as_str).to_owned(),
            errors: keys.errors.clone(),
            modes: choices(Mode::VARIANTS, |one| *mode == Some(one), [Mode::as_str, mode_words]),
            statuses: choices(KeyStatus::VARIANTS, |one| *status == Some(one), [KeyStatus::as_str, status_words]),
            ends: choices(EndFilter::VARIANTS, |one| *end == Some(one), [EndFilter::as_str, end_words]),
            uses: choices(KeyUse::VARIANTS, |one| *usage == Some(one), [KeyUse::as_str, use_words]),
            marks: choices(KeyMark::VARIANTS, |one| marks.contains(&one), [KeyMark::as_str, mark_words]),
            people: people(makers, keys),
            // The first one needs no choice.
            sorts: choices(
                KeySort::VARIANTS,
                |one| sort == one && one != KeySort::Newest,
                [KeySort::as_str, filter_words::sort_words],
            ),
            in_trash: *in_trash,
            made_before: keys.made_before.clone(),
            utc_offset: keys.utc_offset.clone(),
            kept_by_search: query_string(&kept(wanted, |name| name != "q")).trim_start_matches('?').to_owned(),
            kept_by_service: fields(&kept(wanted, |name| name != "service")),
            kept_by_filters: fields(&kept(wanted, |name| matches!(name, "q" | "service"))),
            search_all: search.as_ref().filter(|_| active.len() > 1).map(|search| {
                let filter = KeyFilter { search: Some(search.clone()), ..KeyFilter::default() };
                wanted.url_filtered(&KeyFilterQuery { filter, ..KeyFilterQuery::default() })
            }),
            empty_reason: empty_reason(search.as_ref(), &active),
            active: active
                .into_iter()
                .map(|active| Chip { words: active.words, href: wanted.url_filtered(&active.without) })
                .collect(),
            folded,
        }
    }
}

impl SortLinks {
    pub(super) fn new(wanted: &WantedKeys) -> Self {
        let link = |sort: KeySort, directions: &[(KeySort, &'static str)]| SortLink {
            href: Some(wanted.url_sorted(sort)),
            direction: directions.iter().find(|(sort, _)| *sort == wanted.sort).map(|(_, direction)| *direction),
        };
        let other_age = if wanted.sort == KeySort::Newest { KeySort::Oldest } else { KeySort::Newest };
        Self {
            name: link(KeySort::Name, &[(KeySort::Name, "ascending")]),
            created: link(other_age, &[(KeySort::Newest, "descending"), (KeySort::Oldest, "ascending")]),
            used: link(KeySort::LastUsed, &[(KeySort::LastUsed, "descending")]),
        }
    }
}

fn people(makers: &Makers, keys: &KeyFilterQuery) -> Vec<Choice> {
    let chosen = keys.filter.made_by.as_ref().map(|id| id.as_str());
    let choice = |NamedActor { id, name }: &NamedActor| Choice {
        selected: chosen == Some(&**id),
        value: id.clone(),
        label: name.clone(),
    };
    let mut people: Vec<Choice> = makers.0.iter().map(choice).collect();
    if let Some(id) = chosen.filter(|id| makers.name(id).is_none()) {
        people.push(Choice { value: id.to_owned(), label: id.to_owned(), selected: true });
    }
    people
}

/// The parts of the address that are kept.
fn kept(wanted: &WantedKeys, is_kept: impl Fn(&str) -> bool) -> Vec<(&'static str, &str)> {
    let mut parts = wanted.keys.parts();
    if wanted.sort != KeySort::Newest {
        parts.push(("sort", wanted.sort.as_str()));
    }
    parts.retain(|(name, _)| is_kept(name));
    parts
}

fn fields(parts: &[(&'static str, &str)]) -> Vec<KeptField> {
    parts.iter().map(|(name, value)| KeptField { name, value: (*value).to_owned() }).collect()
}

/// A sentence such as `No key matches “foo” with the filter Switched off.`
fn empty_reason(search: Option<&KeySearch>, active: &[filter_words::ActiveFilter]) -> String {
    let filters: Vec<&str> =
        active.iter().skip(usize::from(search.is_some())).map(|active| active.words.as_str()).collect();
    let noun = if filters.len() == 1 { "filter" } else { "filters" };
    match (search, filters.is_empty()) {
        (None, true) => String::new(),
        (None, false) => format!("No key matches the {noun} {}.", filters.join(", ")),
        (Some(search), true) => format!("No key matches “{}”.", search.as_str()),
        (Some(search), false) => {
            format!("No key matches “{}” with the {noun} {}.", search.as_str(), filters.join(", "))
        }
    }
}
