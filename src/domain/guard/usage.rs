//! What is used of the limits at the moment, for people.

use diesel::prelude::*;

use super::count::{MINUTE_NEWS_SECONDS, minute_begins};
use super::record::Guard;
use super::warning::{WarnedLimit, level};
use super::window::{CountKind, Counter};
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::message::day_of;
use crate::error::Result;
use crate::store::schema::{api_keys, guard_counts, guards};
use crate::store::{Conn, UtcTime};

/// What was used of a holder's limits.
#[derive(Debug, Clone, Copy, Default)]
pub struct HolderUsage {
    /// Messages in the last minute.
    pub messages_minute: i64,
    /// Credits today.
    pub credits_day: i64,
}

/// A limit that is nearly or wholly used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedPart {
    /// The key, with its name; `None` for the account.
    pub key: Option<(ApiKeyId, String)>,
    /// The limit.
    pub limit_kind: WarnedLimit,
    /// What may be used.
    pub limit: i64,
    /// The percentage of it that was used.
    pub percent: i64,
    /// Since when, for a limit of a minute.
    pub at: UtcTime,
}

/// What an account or a key has used of its limits; rehearsals do not count.
///
/// # Errors
/// When the database fails.
pub fn usage_of(conn: &mut Conn, holder: &str, now: UtcTime) -> Result<HolderUsage> {
    let mut used = |kind, from| -> Result<i64> {
        let counter = Counter { holder, kind, rehearsed: false };
        Ok(counter.since(conn, from)?.iter().map(|slot| slot.used).sum())
    };
    Ok(HolderUsage {
        messages_minute: used(CountKind::Messages, minute_begins(now))?,
        credits_day: used(CountKind::Credits, day_of(now))?,
    })
}

/// A count that was warned of: its guard, the name of the key, kind, beginning, use and level.
type WarnedCount = (Guard, Option<String>, CountKind, UtcTime, i64, i64);

/// The limits of an account and of its keys that were nearly used today, or in a minute of
/// the last hour.
///
/// # Errors
/// When the database fails.
pub fn near_limits(conn: &mut Conn, account: &AccountId, now: UtcTime) -> Result<Vec<UsedPart>> {
    let recently = now.plus_seconds(-MINUTE_NEWS_SECONDS);
    let rows: Vec<WarnedCount> = guards::table
        .inner_join(guard_counts::table)
        .left_join(api_keys::table)
        .filter(guards::account_id.eq(account))
        .filter(guard_counts::warned.gt(0))
        .filter(guard_counts::begins.ge(day_of(now).min(recently)))
        .order((guard_counts::holder, guard_counts::begins.desc()))
        .select((
            Guard::as_select(),
            api_keys::name.nullable(),
            guard_counts::kind,
            guard_counts::begins,
            guard_counts::used,
            guard_counts::warned,
        ))
        .load(conn)?;
    let mut parts: Vec<UsedPart> = Vec::new();
    for row in rows {
        let Some(part) = used_part(row, recently, now) else { continue };
        // Of several slots of a minute, the latest one.
        if !parts.iter().any(|other| (&other.key, other.limit_kind) == (&part.key, part.limit_kind)) {
            parts.push(part);
        }
    }
    Ok(parts)
}

/// `None` for what is over, or below the limit as it is now.
fn used_part(count: WarnedCount, recently: UtcTime, now: UtcTime) -> Option<UsedPart> {
    let (Guard { api_key_id, limits, .. }, name, kind, at, used, warned) = count;
    let key = api_key_id.map(|id| (id, name.unwrap_or_default()));
    match kind {
        CountKind::Messages if at >= recently => {
            let limit = limits.messages_minute?;
            Some(UsedPart { key, limit_kind: WarnedLimit::MessagesMinute, limit, percent: warned, at })
        }
        CountKind::Credits if at >= day_of(now) => {
            let limit = limits.credits_day.filter(|limit| level(used, *limit) > 0)?;
            let percent = i64::try_from(i128::from(used) * 100 / i128::from(limit.max(1))).unwrap_or(i64::MAX);
            Some(UsedPart { key, limit_kind: WarnedLimit::CreditsDay, limit, percent, at })
        }
        CountKind::Messages | CountKind::Credits => None,
    }
}
