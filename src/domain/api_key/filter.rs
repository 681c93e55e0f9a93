//! Which of an account's keys are wanted.

use std::collections::BTreeSet;

use diesel::dsl::{LeftJoinQuerySource, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};

use super::record::{ApiKeyId, KeyStatus};
use super::search::{ESCAPE, KeySearch};
use super::secret::Mode;
use super::stored_secret::SecretOrigin;
use crate::domain::account::AccountId;
use crate::domain::identity::operator::OperatorId;
use crate::error::Result;
use crate::store::schema::{api_keys, key_last_uses, key_refusals, key_secrets, leak_reports};
use crate::store::types::text_enum;
use crate::store::{Conn, MultiBackend, UtcTime};

const DAY_SECONDS: i64 = 24 * 3600;
/// A key that ends within so many days expires soon.
pub const SOON_DAYS: i64 = 30;
/// A key that was not used for so many days is unused.
pub const UNUSED_DAYS: i64 = 90;
/// A request that was refused within so many days was refused lately.
pub const REFUSED_DAYS: i64 = 7;
/// What a key has that may do everything of its service from anywhere. Literals, since the
/// index is of the rows that have them.
const IS_UNLIMITED: &str = "api_keys.allowed_ips = '' AND api_keys.scopes = '*'";

text_enum! {
    /// When a key ends.
    KeyEnd {
        /// Its end has passed.
        Expired = "expired",
        /// Within [`SOON_DAYS`].
        Soon = "soon",
        /// It has no end.
        Never = "never",
    }
}

text_enum! {
    /// How long a key was not used.
    KeyUse {
        /// It was never used.
        Never = "never",
        /// It is older than [`UNUSED_DAYS`] and was not used since.
        Unused = "unused",
    }
}

text_enum! {
    /// What deserves a look at a key.
    KeyMark {
        /// Its previous secret still works.
        Rotating = "rotating",
        /// Requests with it were refused within [`REFUSED_DAYS`].
        Refused = "refused",
        /// It was reported as public, and nobody dismissed that.
        Reported = "reported",
        /// Another system generated its secret.
        Imported = "imported",
        /// It may do everything of its service, from anywhere.
        Unlimited = "unlimited",
    }
}

impl PartialOrd for KeyMark {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for KeyMark {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

/// Conditions on keys; `None` and empty are no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// What was typed to find them.
    pub search: Option<KeySearch>,
    /// Those of one service.
    pub service: Option<String>,
    /// Live or test.
    pub mode: Option<Mode>,
    /// Those that are on, or off.
    pub status: Option<KeyStatus>,
    /// When they end.
    pub end: Option<KeyEnd>,
    /// How long they were not used.
    pub usage: Option<KeyUse>,
    /// All of these.
    pub marks: BTreeSet<KeyMark>,
    /// Those that an operator made.
    pub made_by: Option<OperatorId>,
    /// Those that are older.
    pub made_before: Option<UtcTime>,
    /// Those in the trash, which are left out otherwise.
    pub in_trash: bool,
}

/// Keys with their last uses, which only some filters look at; both databases leave out a
/// join that nothing refers to.
pub(super) type KeySource = LeftJoinQuerySource<api_keys::table, key_last_uses::table>;
/// A condition on keys.
pub(super) type KeyCondition<'a> = Box<dyn BoxableExpression<KeySource, MultiBackend, SqlType = Nullable<Bool>> + 'a>;

impl KeyFilter {
    /// Whether every key that is not in the trash fits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What a key of an account must be to fit.
    pub(super) fn condition<'a>(&'a self, account: &'a AccountId, now: UtcTime) -> KeyCondition<'a> {
        let mut all: KeyCondition<'a> = Box::new(api_keys::account_id.eq(account).nullable());
        all = match self.in_trash {
            true => Box::new(all.and(api_keys::deleted_at.is_not_null())),
            false => Box::new(all.and(api_keys::deleted_at.is_null())),
        };
        if let Some(service) = &self.service {
            all = Box::new(all.and(api_keys::service.eq(service)));
        }
        if let Some(mode) = self.mode {
            all = Box::new(all.and(api_keys::mode.eq(mode)));
        }
        if let Some(status) = self.status {
            all = Box::new(all.and(api_keys::status.eq(status)));
        }
        if let Some(operator) = &self.made_by {
            all = Box::new(all.and(api_keys::created_by.eq(operator)));
        }
        if let Some(moment) = self.made_before {
            all = Box::new(all.and(api_keys::created_at.lt(moment)));
        }
        all = match self.end {
            None => all,
            Some(KeyEnd::Expired) => Box::new(all.and(api_keys::expires_at.le(now))),
            Some(KeyEnd::Soon) => {
                let end = now.plus_seconds(SOON_DAYS * DAY_SECONDS);
                Box::new(all.and(api_keys::expires_at.gt(now)).and(api_keys::expires_at.le(end)))
            }
            Some(KeyEnd::Never) => Box::new(all.and(api_keys::expires_at.is_null())),
        };
        if let Some(usage) = self.usage {
            all = Box::new(all.and(used(usage, account, now)));
        }
        for mark in &self.marks {
            all = Box::new(all.and(marked(*mark, account, now)));
        }
        match &self.search {
            Some(search) => Box::new(all.and(found(search))),
            None => all,
        }
    }
}

fn used(usage: KeyUse, account: &AccountId, now: UtcTime) -> KeyCondition<'_> {
    // The account once more, so that the search of an index begins with it.
    let of_account = key_last_uses::account_id.nullable().eq(account);
    let last = key_last_uses::last_used_at.nullable();
    match usage {
        KeyUse::Never => Box::new(of_account.and(last.eq(0))),
        KeyUse::Unused => {
            let since = now.plus_seconds(-UNUSED_DAYS * DAY_SECONDS);
            Box::new(of_account.and(last.lt(since)).and(api_keys::created_at.lt(since)))
        }
    }
}

fn marked(mark: KeyMark, account: &AccountId, now: UtcTime) -> KeyCondition<'_> {
    let secrets = || key_secrets::table.select(key_secrets::api_key_id);
    match mark {
        KeyMark::Rotating => Box::new(api_keys::id.eq_any(secrets().filter(key_secrets::ends_at.gt(now))).nullable()),
        KeyMark::Imported => {
            let imported = secrets().filter(key_secrets::origin.eq(SecretOrigin::Imported));
            Box::new(api_keys::id.eq_any(imported.filter(key_secrets::ends_at.is_null())).nullable())
        }
        KeyMark::Refused => {
            let since = now.plus_seconds(-REFUSED_DAYS * DAY_SECONDS);
            let refused = key_refusals::table.filter(key_refusals::account_id.eq(account));
            let refused = refused.filter(key_refusals::last_at.ge(since)).select(key_refusals::api_key_id);
            Box::new(api_keys::id.eq_any(refused).nullable())
        }
        KeyMark::Reported => {
            let reported = leak_reports::table.filter(leak_reports::dismissed_at.is_null());
            Box::new(api_keys::id.eq_any(reported.select(leak_reports::api_key_id)).nullable())
        }
        KeyMark::Unlimited => Box::new(sql::<Nullable<Bool>>(IS_UNLIMITED)),
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
    let keys = api_keys::table.left_join(key_last_uses::table).filter(filter.condition(account, now));
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
        .filter(filter.condition(account, now))
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

fn limited(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
