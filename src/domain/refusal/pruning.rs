//! Removes refusals that were kept long enough.

use diesel::dsl::min;
use diesel::prelude::*;

use super::record::{day_of, hour_of, oldest_kept};
use super::write::lock;
use crate::error::Result;
use crate::store::schema::{key_refusals, refusal_counts, unknown_keys};
use crate::store::{Conn, UtcTime};

/// Whether anything was kept long enough, by reads that take no write lock.
///
/// # Errors
/// When the database fails.
pub fn needs_pruning(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let oldest = oldest_kept(now);
    let first = (
        key_refusals::table.select(min(key_refusals::hour)).first::<Option<UtcTime>>(conn)?,
        unknown_keys::table.select(min(unknown_keys::last_at)).first::<Option<UtcTime>>(conn)?,
        refusal_counts::table.select(min(refusal_counts::day)).first::<Option<UtcTime>>(conn)?,
    );
    let is_before = |first: Option<UtcTime>, end: UtcTime| first.is_some_and(|first| first < end);
    Ok(is_before(first.0, hour_of(oldest)) || is_before(first.1, oldest) || is_before(first.2, day_of(oldest)))
}

/// Removes refusals of keys, at most `limit` rows, and of unknown keys and the numbers,
/// of which there are few. `true` when more may be left.
///
/// # Errors
/// When the database fails.
pub fn prune(conn: &mut Conn, now: UtcTime, limit: usize) -> Result<bool> {
    lock(conn)?;
    let oldest = oldest_kept(now);
    let old: Vec<String> = key_refusals::table
        .filter(key_refusals::hour.lt(hour_of(oldest)))
        .order(key_refusals::hour)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(key_refusals::id)
        .load(conn)?;
    diesel::delete(key_refusals::table.filter(key_refusals::id.eq_any(&old))).execute(conn)?;
    diesel::delete(unknown_keys::table.filter(unknown_keys::last_at.lt(oldest))).execute(conn)?;
    diesel::delete(refusal_counts::table.filter(refusal_counts::day.lt(day_of(oldest)))).execute(conn)?;
    Ok(old.len() >= limit)
}
