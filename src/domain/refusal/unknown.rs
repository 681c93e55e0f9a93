//! Keys that are not known, and what is only counted.

use diesel::prelude::*;

use super::record::{RefusalCount, RefusalKind, UnknownKey, day_of, oldest_kept};
use crate::error::Result;
use crate::store::schema::{refusal_counts, unknown_keys as table};
use crate::store::{Conn, UtcTime};

/// Keys that are not known, the latest first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub fn unknown_keys(conn: &mut Conn, now: UtcTime, limit: i64) -> Result<Vec<UnknownKey>> {
    let kept = table::table.filter(table::last_at.ge(oldest_kept(now)));
    let ordered = kept.order((table::last_at.desc(), table::tail, table::address));
    Ok(ordered.limit(limit).select(UnknownKey::as_select()).load(conn)?)
}

/// How many rows there are of keys that are not known.
///
/// # Errors
/// When the database fails.
pub fn count_unknown_keys(conn: &mut Conn, now: UtcTime) -> Result<i64> {
    Ok(table::table.filter(table::last_at.ge(oldest_kept(now))).count().get_result(conn)?)
}

/// How many requests of each kind were refused, where there are any.
///
/// # Errors
/// When the database fails.
pub fn counts(conn: &mut Conn, now: UtcTime) -> Result<Vec<(RefusalKind, i64)>> {
    let kept = refusal_counts::table.filter(refusal_counts::day.ge(day_of(oldest_kept(now))));
    let days: Vec<RefusalCount> = kept.select(RefusalCount::as_select()).load(conn)?;
    let of_kind = |kind| days.iter().filter(|day| day.kind == kind).map(|day| day.requests).sum();
    let counts = RefusalKind::VARIANTS.iter().map(|kind| (*kind, of_kind(*kind)));
    Ok(counts.filter(|(_, requests)| *requests > 0).collect())
}
