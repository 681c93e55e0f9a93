//! The keys that fit a filter, as conditions of queries.
//!
//! There are two ways to read them. Few are collected, by the index of what they are filtered
//! by. Of many a page is walked to, along the index of what they are sorted by; on this way
//! the filter must not tempt the database to an index of its own, after which it would sort
//! all of them.

use diesel::dsl::{LeftJoinQuerySource, exists, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::bounds::ServiceReach;
use super::filter::{EndFilter, KeyFilter, KeyMark, KeyUse, REFUSED_DAYS, SOON_DAYS, UNUSED_DAYS};
use super::record::ApiKeyId;
use super::search::{ESCAPE, KeySearch};
use super::sort::KeySort;
use super::trash;
use crate::domain::account::AccountId;
use crate::domain::management;
use crate::error::Result;
use crate::store::schema::{api_keys, key_last_uses, key_refusals, key_secrets, leak_reports};
use crate::store::{Conn, MultiBackend, UtcTime};

const DAY_SECONDS: i64 = 24 * 3600;
/// The end by which keys are sorted: that of a key that never ends is later than all. An
/// index has this expression, so that it is written with a literal.
pub(super) const SORTED_END: &str = "coalesce(api_keys.expires_at, 9223372036854775807)";
/// The value of [`SORTED_END`] of a key that never ends.
const NEVER: i64 = i64::MAX;
/// What a key has that may do everything of its service from anywhere. Literals, since the
/// index is of the rows that have them; so is that of imported secrets.
const IS_UNLIMITED: &str = "(api_keys.allowed_ips = '' AND api_keys.scopes = '*')";
const IS_IMPORTED: &str = "(key_secrets.origin = 'imported')";

/// How the database gets to the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By an index of the filter, in any order.
    Collect,
    /// Along the index of a sort.
    Walk(KeySort),
}

/// Keys with their last uses, which only some filters look at; both databases leave out a
/// join that nothing refers to.
pub(super) type KeySource = LeftJoinQuerySource<api_keys::table, key_last_uses::table>;
/// A condition on keys.
pub(super) type KeyCondition<'a> = Box<dyn BoxableExpression<KeySource, MultiBackend, SqlType = Nullable<Bool>> + 'a>;
/// Texts of keys, such as a column.
type KeyText = Box<dyn BoxableExpression<KeySource, MultiBackend, SqlType = Nullable<Text>>>;

impl Way {
    /// The text of a column, with or without its index, in which keys of one value are by age.
    fn column<C>(self, column: C) -> KeyText
    where
        C: BoxableExpression<KeySource, MultiBackend, SqlType = Nullable<Text>>
            + TextExpressionMethods
            + Expression<SqlType = Nullable<Text>>
            + 'static,
        diesel::dsl::Concat<C, &'static str>: BoxableExpression<KeySource, MultiBackend, SqlType = Nullable<Text>>,
    {
        match self {
            Self::Collect | Self::Walk(KeySort::Newest | KeySort::Oldest) => Box::new(column),
            Self::Walk(_) => Box::new(column.concat("")),
        }
    }

    fn is_by(self, sort: KeySort) -> bool {
        self == Self::Collect || self == Self::Walk(sort)
    }

    /// What a key of an account must be to fit.
    pub(super) fn condition<'a>(self, filter: &'a KeyFilter, account: &'a AccountId, now: UtcTime) -> KeyCondition<'a> {
        // Marks lead to few keys; SQLite would rather read all keys of the account.
        let mut all: KeyCondition<'a> = match self {
            Self::Collect if filter.marks.iter().any(|mark| *mark != KeyMark::Unlimited) => {
                Box::new(api_keys::account_id.concat("").eq(account).nullable())
            }
            _ => Box::new(api_keys::account_id.eq(account).nullable()),
        };
        all = match filter.in_trash {
            true => Box::new(all.and(api_keys::deleted_at.gt(trash::oldest_restorable(now)))),
            false => Box::new(all.and(api_keys::deleted_at.is_null())),
        };
        if let Some(service) = &filter.service {
            all = Box::new(all.and(self.column(api_keys::service.nullable()).eq(service)));
        }
        if let Some(reach) = &filter.reach {
            all = Box::new(all.and(self.reached(reach)));
        }
        if let Some(external_id) = &filter.external_id {
            all = Box::new(all.and(self.column(api_keys::external_id).eq(external_id)));
        }
        if let Some(mode) = filter.mode {
            all = Box::new(all.and(self.column(api_keys::mode.nullable()).eq(mode)));
        }
        if let Some(status) = filter.status {
            all = Box::new(all.and(self.column(api_keys::status.nullable()).eq(status)));
        }
        if let Some(operator) = &filter.made_by {
            all = Box::new(all.and(self.column(api_keys::created_by).eq(operator)));
        }
        if let Some(moment) = filter.made_before {
            all = Box::new(all.and(self.made_before(moment)));
        }
        if let Some(end) = filter.end {
            all = Box::new(all.and(self.ends(end, now)));
        }
        if let Some(usage) = filter.usage {
            all = Box::new(all.and(self.used(usage, account, now)));
        }
        for mark in &filter.marks {
            all = Box::new(all.and(self.marked(*mark, account, now)));
        }
        match &filter.search {
            Some(search) => Box::new(all.and(found(search))),
            None => all,
        }
    }

    /// Of the services within a reach; management keys are within none.
    fn reached(self, reach: &ServiceReach) -> KeyCondition<'_> {
        let service = || self.column(api_keys::service.nullable());
        if reach.is_all() {
            return Box::new(service().ne(management::SERVICE));
        }
        let none: KeyCondition<'_> = Box::new(false.into_sql::<Bool>().nullable());
        reach.slugs().fold(none, |some, slug| Box::new(some.or(service().eq(slug))))
    }

    fn made_before(self, moment: UtcTime) -> KeyCondition<'static> {
        match self {
            Self::Walk(KeySort::Name | KeySort::LastUsed | KeySort::Expires) => {
                Box::new((api_keys::created_at + 0).lt(moment).nullable())
            }
            _ => Box::new(api_keys::created_at.lt(moment).nullable()),
        }
    }

    fn ends(self, end: EndFilter, now: UtcTime) -> KeyCondition<'static> {
        let soon = now.plus_seconds(SOON_DAYS * DAY_SECONDS);
        let sorted = || sql::<Nullable<BigInt>>(SORTED_END);
        let column = api_keys::expires_at;
        match (end, self.is_by(KeySort::Expires)) {
            (EndFilter::Expired, true) => Box::new(sorted().le(now)),
            (EndFilter::Expired, false) => Box::new(column.le(now)),
            (EndFilter::Soon, true) => Box::new(sorted().gt(now).and(sorted().le(soon))),
            (EndFilter::Soon, false) => Box::new(column.gt(now).and(column.le(soon))),
            (EndFilter::Never, true) => Box::new(sorted().eq(NEVER)),
            (EndFilter::Never, false) => Box::new(column.is_null().nullable()),
        }
    }

    fn used(self, usage: KeyUse, account: &AccountId, now: UtcTime) -> KeyCondition<'_> {
        let since = now.plus_seconds(-UNUSED_DAYS * DAY_SECONDS);
        let last = key_last_uses::last_used_at.nullable();
        if !self.is_by(KeySort::LastUsed) {
            return match usage {
                KeyUse::Never => Box::new((last + 0).eq(0)),
                KeyUse::Unused => Box::new((last + 0).lt(since).and(self.made_before(since))),
            };
        }
        // The account once more, so that the search of the index begins with it.
        let of_account = key_last_uses::account_id.nullable().eq(account);
        match usage {
            KeyUse::Never => Box::new(of_account.and(last.eq(0))),
            KeyUse::Unused => Box::new(of_account.and(last.lt(since)).and(self.made_before(since))),
        }
    }

    fn marked(self, mark: KeyMark, account: &AccountId, now: UtcTime) -> KeyCondition<'_> {
        let since = now.plus_seconds(-REFUSED_DAYS * DAY_SECONDS);
        // All keys that have the mark, or each key that is walked past by itself.
        macro_rules! is_in {
            ($rows:expr, $key:expr) => {
                match self {
                    Self::Collect => Box::new(api_keys::id.eq_any($rows.select($key)).nullable()) as KeyCondition<'_>,
                    Self::Walk(_) => Box::new(exists($rows.filter($key.eq(api_keys::id))).nullable()),
                }
            };
        }
        match mark {
            KeyMark::Rotating => {
                is_in!(key_secrets::table.filter(key_secrets::ends_at.gt(now)), key_secrets::api_key_id)
            }
            KeyMark::Imported => {
                let current = || key_secrets::table.filter(key_secrets::ends_at.is_null());
                is_in!(current().filter(sql::<Bool>(IS_IMPORTED)), key_secrets::api_key_id)
            }
            KeyMark::Refused => {
                let lately = || key_refusals::table.filter(key_refusals::last_at.ge(since));
                match self {
                    Self::Collect => {
                        let of_account = lately().filter(key_refusals::account_id.eq(account));
                        Box::new(api_keys::id.eq_any(of_account.select(key_refusals::api_key_id)).nullable())
                    }
                    // Without the account, whose index leads to all of its refusals.
                    Self::Walk(_) => {
                        Box::new(exists(lately().filter(key_refusals::api_key_id.eq(api_keys::id))).nullable())
                    }
                }
            }
            KeyMark::Reported => {
                is_in!(leak_reports::table.filter(leak_reports::dismissed_at.is_null()), leak_reports::api_key_id)
            }
            KeyMark::Unlimited => Box::new(sql::<Nullable<Bool>>(IS_UNLIMITED)),
        }
    }
}

fn found(search: &KeySearch) -> KeyCondition<'_> {
    let text: KeyCondition<'_> = Box::new(api_keys::search.like(&search.pattern).escape(ESCAPE).nullable());
    if let Some(tail) = &search.tail {
        let secrets = key_secrets::table.filter(key_secrets::tail.eq(tail)).select(key_secrets::api_key_id);
        return Box::new(text.or(api_keys::id.eq_any(secrets)));
    }
    match &search.id {
        Some(id) => Box::new(text.or(api_keys::id.eq(id))),
        None => text,
    }
}

/// How many of an account's keys fit; of more than `limit`, `limit`.
///
/// # Errors
/// When the database fails.
pub fn count_matching(
    conn: &mut Conn,
    account: &AccountId,
    filter: &KeyFilter,
    now: UtcTime,
    limit: usize,
) -> Result<usize> {
    let keys = api_keys::table.left_join(key_last_uses::table).filter(Way::Collect.condition(filter, account, now));
    // Not count(*), which would count to the end.
    let ones: Vec<i64> = keys.select(1_i64.into_sql::<BigInt>()).limit(limited(limit)).load(conn)?;
    Ok(ones.len())
}

/// The ids of an account's keys that fit, the newest first, at most `limit`; with `newest`
/// those that are not newer than this key.
///
/// # Errors
/// When the database fails.
pub fn ids_matching(
    conn: &mut Conn,
    account: &AccountId,
    filter: &KeyFilter,
    now: UtcTime,
    newest: Option<&(UtcTime, ApiKeyId)>,
    limit: usize,
) -> Result<Vec<ApiKeyId>> {
    let mut keys = api_keys::table
        .left_join(key_last_uses::table)
        .filter(Way::Collect.condition(filter, account, now))
        .order((api_keys::created_at.desc(), api_keys::id.desc()))
        .limit(limited(limit))
        .select(api_keys::id)
        .into_boxed();
    if let Some((time, id)) = newest {
        let (at, is_older) = (api_keys::created_at, api_keys::id.le(id));
        keys = keys.filter(at.le(time)).filter(at.lt(time).or(at.eq(time).and(is_older)));
    }
    Ok(keys.load(conn)?)
}

pub(super) fn limited(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
