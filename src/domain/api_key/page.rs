//! A page of an account's keys for people: filtered, sorted, and with its position.

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::entry::ApiKeyEntry;
use super::filter::KeyFilter;
use super::list::of_ids;
use super::matching::{KeyCondition, KeySource, SORTED_END, Way, limited};
use super::record::ApiKeyId;
use super::sort::{KeyPlace, KeySort};
use crate::domain::account::AccountId;
use crate::error::Result;
use crate::store::schema::{api_keys, key_last_uses};
use crate::store::{Conn, MultiBackend, UtcTime};

/// Rows on one page.
pub const KEYS_PER_PAGE: usize = 50;
/// Counting stops here: the rest would take longer than the page itself.
pub const MAX_KEY_COUNT: usize = 1_000;

/// So many keys are sorted for a page at most.
const MAX_COLLECTED: usize = 5_000;

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeyPageStart {
    /// With the first key.
    #[default]
    First,
    /// Right after this place.
    After(KeyPlace),
    /// It ends right before this place.
    Before(KeyPlace),
}

/// One page, and where it stands in the list.
#[derive(Debug, Default)]
pub struct SortedKeyPage {
    /// Up to [`KEYS_PER_PAGE`] keys.
    pub rows: Vec<ApiKeyEntry>,
    /// The place of its first key, if there are keys before it.
    pub first: Option<KeyPlace>,
    /// The place of its last key, if there are keys behind it.
    pub last: Option<KeyPlace>,
    /// How many keys come before it; of more than [`MAX_KEY_COUNT`] one more than that.
    pub before: usize,
    /// How many keys fit; of more than [`MAX_KEY_COUNT`] one more than that.
    pub total: usize,
}

/// Some keys of a list, for programs, which read all of it.
#[derive(Debug, Default)]
pub struct KeysInTurn {
    /// The keys.
    pub rows: Vec<ApiKeyEntry>,
    /// The place of the last one, if there are keys behind it.
    pub last: Option<KeyPlace>,
}

/// A list of keys.
#[derive(Debug, Clone, Copy)]
pub struct SortedKeys<'a> {
    /// Whose.
    pub account: &'a AccountId,
    /// Which.
    pub filter: &'a KeyFilter,
    /// In which order.
    pub sort: KeySort,
    /// The present time.
    pub now: UtcTime,
}

type Number = Box<dyn BoxableExpression<KeySource, MultiBackend, SqlType = BigInt>>;
type Name = Box<dyn BoxableExpression<KeySource, MultiBackend, SqlType = Text>>;
type Places<'a> = diesel::helper_types::IntoBoxed<
    'a,
    diesel::dsl::Select<
        diesel::dsl::LeftJoin<api_keys::table, key_last_uses::table>,
        (Number, Name, api_keys::created_at, api_keys::id),
    >,
    MultiBackend,
>;

impl SortedKeys<'_> {
    /// A page of them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn page(self, conn: &mut Conn, start: &KeyPageStart) -> Result<SortedKeyPage> {
        let Some(mut places) = self.collect(conn)? else { return self.walk(conn, start) };
        let begin = match start {
            KeyPageStart::First => 0,
            KeyPageStart::After(place) => {
                places.partition_point(|other| other.order(self.sort) <= place.order(self.sort))
            }
            KeyPageStart::Before(place) => {
                let end = places.partition_point(|other| other.order(self.sort) < place.order(self.sort));
                // A page that would reach the first key begins with it.
                end.saturating_sub(KEYS_PER_PAGE)
            }
        };
        let total = places.len();
        let end = (begin + KEYS_PER_PAGE).min(total);
        let page = places.drain(begin..end).collect();
        complete(conn, page, begin, total, end < total)
    }

    /// The first `limit` of them after a place.
    ///
    /// # Errors
    /// When the database fails.
    pub fn in_turn(self, conn: &mut Conn, after: Option<&KeyPlace>, limit: usize) -> Result<KeysInTurn> {
        let mut places = match (self.collect(conn)?, after) {
            (Some(places), None) => places,
            (Some(places), Some(place)) => {
                places.into_iter().filter(|other| other.order(self.sort) > place.order(self.sort)).collect()
            }
            (None, None) => read(self.sorted(false).limit(limited(limit + 1)), conn)?,
            (None, Some(place)) => {
                let behind = self.sorted(false).filter(self.is_behind(place, false));
                read(behind.limit(limited(limit + 1)), conn)?
            }
        };
        let more = places.len() > limit;
        places.truncate(limit);
        let SortedKeyPage { rows, last, .. } = complete(conn, places, 0, 0, more)?;
        Ok(KeysInTurn { rows, last })
    }

    /// All of them in their order, unless they are too many to be sorted.
    fn collect(&self, conn: &mut Conn) -> Result<Option<Vec<KeyPlace>>> {
        // The index of the age serves each filter, and those of other orders only what most fit.
        let is_by_age = matches!(self.sort, KeySort::Newest | KeySort::Oldest);
        let most = if is_by_age || self.filter.is_empty() { MAX_KEY_COUNT } else { MAX_COLLECTED };
        let mut places = read(self.places(Way::Collect).limit(limited(most + 1)), conn)?;
        if places.len() > most {
            return Ok(None);
        }
        places.sort_by(|one, other| one.order(self.sort).cmp(&other.order(self.sort)));
        Ok(Some(places))
    }

    /// A page of so many keys that they are not sorted for it.
    fn walk(self, conn: &mut Conn, start: &KeyPageStart) -> Result<SortedKeyPage> {
        let one_more = limited(KEYS_PER_PAGE + 1);
        let after = match start {
            KeyPageStart::First => None,
            KeyPageStart::After(place) => Some(place.clone()),
            // The key that stands right before this page is where the page begins after.
            KeyPageStart::Before(place) => {
                read(self.before(place).limit(one_more), conn)?.into_iter().nth(KEYS_PER_PAGE)
            }
        };
        let mut query = self.sorted(false);
        if let Some(place) = &after {
            query = query.filter(self.is_behind(place, false));
        }
        let mut places = read(query.limit(one_more), conn)?;
        let more = places.len() > KEYS_PER_PAGE;
        places.truncate(KEYS_PER_PAGE);
        let before = match (&after, places.first()) {
            (None, _) => 0,
            (Some(_), Some(first)) => read(self.before(first).limit(limited(MAX_KEY_COUNT + 1)), conn)?.len(),
            // Behind the last key: what there is, is before.
            (Some(_), None) => MAX_KEY_COUNT + 1,
        };
        complete(conn, places, before, MAX_KEY_COUNT + 1, more)
    }

    /// The keys before a place, the closest first.
    fn before<'a>(&'a self, place: &'a KeyPlace) -> Places<'a> {
        self.sorted(true).filter(self.is_behind(place, true))
    }

    fn places(&self, way: Way) -> Places<'_> {
        let none = || -> Number { Box::new(0_i64.into_sql::<BigInt>()) };
        let no_name = || -> Name { Box::new("".into_sql::<Text>()) };
        let (number, name): (Number, Name) = match self.sort {
            KeySort::Newest | KeySort::Oldest => (none(), no_name()),
            KeySort::Name => (none(), Box::new(api_keys::sort_name)),
            KeySort::LastUsed => (Box::new(sql("coalesce(key_last_uses.last_used_at, 0)")), no_name()),
            KeySort::Expires => (Box::new(sql(SORTED_END)), no_name()),
        };
        let keys = api_keys::table.left_join(key_last_uses::table);
        let keys = keys.select((number, name, api_keys::created_at, api_keys::id)).into_boxed();
        keys.filter(way.condition(self.filter, self.account, self.now))
    }

    /// All of them in their order, or in the opposite one.
    fn sorted(&self, backwards: bool) -> Places<'_> {
        let keys = self.places(Way::Walk(self.sort));
        let (made_at, id) = (api_keys::created_at, api_keys::id);
        let used = key_last_uses::last_used_at.nullable();
        let (used_key, used_key_made_at) = (key_last_uses::api_key_id.nullable(), key_last_uses::created_at.nullable());
        // The account once more, so that the walk is along the index of the last uses.
        let of_account = key_last_uses::account_id.nullable().eq(self.account);
        let end = || sql::<BigInt>(SORTED_END);
        match (self.sort, backwards) {
            (KeySort::Newest, false) | (KeySort::Oldest, true) => keys.order((made_at.desc(), id.desc())),
            (KeySort::Newest, true) | (KeySort::Oldest, false) => keys.order((made_at.asc(), id.asc())),
            (KeySort::Name, false) => keys.order((api_keys::sort_name.asc(), made_at.desc(), id.desc())),
            (KeySort::Name, true) => keys.order((api_keys::sort_name.desc(), made_at.asc(), id.asc())),
            (KeySort::LastUsed, false) => {
                keys.filter(of_account).order((used.desc(), used_key_made_at.desc(), used_key.desc()))
            }
            (KeySort::LastUsed, true) => {
                keys.filter(of_account).order((used.asc(), used_key_made_at.asc(), used_key.asc()))
            }
            (KeySort::Expires, false) => keys.order((end().asc(), made_at.desc(), id.desc())),
            (KeySort::Expires, true) => keys.order((end().desc(), made_at.asc(), id.asc())),
        }
    }

    /// What comes after a place, or before it. The first part follows from the rest, but only
    /// it bounds the scan of the index.
    fn is_behind<'a>(&self, place: &'a KeyPlace, backwards: bool) -> KeyCondition<'a> {
        let KeyPlace { number, text, made_at, id } = place;
        let (at, key) = (api_keys::created_at, api_keys::id);
        let older = || at.lt(made_at).or(at.eq(made_at).and(key.lt(id))).nullable();
        let newer = || at.gt(made_at).or(at.eq(made_at).and(key.gt(id))).nullable();
        let name = api_keys::sort_name;
        let used = key_last_uses::last_used_at.nullable();
        let (used_at, used_key) = (key_last_uses::created_at.nullable(), key_last_uses::api_key_id.nullable());
        let end = || sql::<diesel::sql_types::Nullable<BigInt>>(SORTED_END);
        match (self.sort, backwards) {
            (KeySort::Newest, false) | (KeySort::Oldest, true) => Box::new(at.le(made_at).nullable().and(older())),
            (KeySort::Newest, true) | (KeySort::Oldest, false) => Box::new(at.ge(made_at).nullable().and(newer())),
            (KeySort::Name, false) => {
                Box::new(name.ge(text).nullable().and(name.gt(text).or(name.eq(text).and(older()))))
            }
            (KeySort::Name, true) => {
                Box::new(name.le(text).nullable().and(name.lt(text).or(name.eq(text).and(newer()))))
            }
            (KeySort::LastUsed, false) => {
                let older = used_at.lt(made_at).or(used_at.eq(made_at).and(used_key.lt(id)));
                Box::new(used.le(number).and(used.lt(number).or(used.eq(number).and(older))))
            }
            (KeySort::LastUsed, true) => {
                let newer = used_at.gt(made_at).or(used_at.eq(made_at).and(used_key.gt(id)));
                Box::new(used.ge(number).and(used.gt(number).or(used.eq(number).and(newer))))
            }
            (KeySort::Expires, false) => {
                Box::new(end().ge(number).and(end().gt(number).or(end().eq(number).and(older()))))
            }
            (KeySort::Expires, true) => {
                Box::new(end().le(number).and(end().lt(number).or(end().eq(number).and(newer()))))
            }
        }
    }
}

fn read(query: Places<'_>, conn: &mut Conn) -> Result<Vec<KeyPlace>> {
    let rows: Vec<(i64, String, UtcTime, ApiKeyId)> = query.load(conn)?;
    Ok(rows.into_iter().map(|(number, text, made_at, id)| KeyPlace { number, text, made_at, id }).collect())
}

fn complete(conn: &mut Conn, places: Vec<KeyPlace>, before: usize, total: usize, more: bool) -> Result<SortedKeyPage> {
    let (before, total) = (before.min(MAX_KEY_COUNT + 1), total.min(MAX_KEY_COUNT + 1));
    let ids: Vec<ApiKeyId> = places.iter().map(|place| place.id.clone()).collect();
    let mut entries: HashMap<ApiKeyId, ApiKeyEntry> =
        of_ids(conn, &ids)?.into_iter().map(|entry| (entry.key.id.clone(), entry)).collect();
    Ok(SortedKeyPage {
        rows: ids.iter().filter_map(|id| entries.remove(id)).collect(),
        last: places.last().filter(|_| more).cloned(),
        first: places.into_iter().next().filter(|_| before > 0),
        before,
        total,
    })
}
