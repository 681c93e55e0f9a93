//! How often keys were used in each hour and on each day, in UTC. Nothing is known of the
//! time before Keyfob counted so.

use std::collections::HashMap;

use diesel::dsl::min;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::record::ApiKeyId;
use super::usage_batch::{in_batches, placeholders};
use crate::error::Result;
use crate::store::schema::{key_use_counting, key_uses_by_day, key_uses_by_hour};
use crate::store::types::text_enum;
use crate::store::{Conn, MultiBackend, PrepareCached, UtcTime};

/// For how many hours uses by hour are kept.
pub const HOURS_KEPT: i64 = 48;
/// For how many days uses by day are kept.
pub const DAYS_KEPT: i64 = 400;
const MINUTE_SECONDS: i64 = 60;
const HOUR_SECONDS: i64 = 60 * MINUTE_SECONDS;
const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;
/// The columns of a row that is written.
const COLUMNS: usize = 3;
/// Of the new rows, those whose key still exists.
pub(super) const KEY_EXISTS: &str = "EXISTS (SELECT 1 FROM api_keys WHERE id = column1)";

text_enum! {
    /// The time by which uses are counted.
    UsePeriod {
        /// An hour.
        Hour = "hour",
        /// A day in UTC.
        Day = "day",
    }
}

/// Uses of a key that are to be added.
#[derive(Debug, Clone)]
pub(super) struct KeyUses {
    pub(super) api_key_id: ApiKeyId,
    pub(super) uses: i64,
    pub(super) last_used_at: UtcTime,
}

/// Adds uses of keys to their hours and days, and moves the time of the last use on. Of
/// these rows, those that fit the condition.
pub(super) fn add(conn: &mut Conn, news: &[KeyUses], condition: &str) -> QueryResult<()> {
    for (unit_seconds, table, unit) in
        [(HOUR_SECONDS, "key_uses_by_hour", "hour"), (DAY_SECONDS, "key_uses_by_day", "day")]
    {
        let insertion = |rows: &str| {
            format!(
                "INSERT INTO {table} (api_key_id, {unit}, uses) \
                 SELECT column1, column2, column3 FROM (VALUES {rows}) AS news WHERE {condition} \
                 ON CONFLICT (api_key_id, {unit}) DO UPDATE SET uses = {table}.uses + excluded.uses"
            )
        };
        write(conn, &added_up(news, unit_seconds), insertion)?;
    }
    // Most uses are in the minute of the one before: their rows are read and not written.
    let move_on = |rows: &str| {
        format!(
            "INSERT INTO key_last_uses (api_key_id, account_id, created_at, last_used_at) \
             SELECT api_key_id, account_id, created_at, column2 FROM (VALUES {rows}) AS news \
             JOIN key_last_uses ON api_key_id = column1 \
             WHERE last_used_at < column2 AND column3 > 0 AND {condition} ORDER BY api_key_id \
             ON CONFLICT (api_key_id) DO UPDATE SET last_used_at = excluded.last_used_at \
             WHERE key_last_uses.last_used_at < excluded.last_used_at"
        )
    };
    let mut minutes = added_up(news, MINUTE_SECONDS);
    minutes.reverse(); // the last minute of a key comes first and stays
    minutes.dedup_by(|earlier, last| earlier.api_key_id == last.api_key_id);
    minutes.reverse();
    write(conn, &minutes, move_on)
}

/// One row for each key and unit of time, with its beginning as the time: a statement may
/// change a row only once. Sorted, so that all instances lock rows in the same order and
/// never deadlock.
fn added_up(news: &[KeyUses], unit_seconds: i64) -> Vec<KeyUses> {
    let begun =
        |news: &KeyUses| KeyUses { last_used_at: beginning_of(news.last_used_at, unit_seconds), ..news.clone() };
    let mut rows: Vec<_> = news.iter().map(begun).collect();
    rows.sort_by(|one, other| (&one.api_key_id, one.last_used_at).cmp(&(&other.api_key_id, other.last_used_at)));
    rows.dedup_by(|next, kept| {
        let is_same = (&next.api_key_id, next.last_used_at) == (&kept.api_key_id, kept.last_used_at);
        if is_same {
            kept.uses += next.uses;
        }
        is_same
    });
    rows
}

fn write(conn: &mut Conn, rows: &[KeyUses], statement: impl Fn(&str) -> String) -> QueryResult<()> {
    in_batches(rows, |batch| {
        let statement = statement(&placeholders(conn, batch.len(), COLUMNS));
        let statement = diesel::sql_query(statement).into_boxed::<MultiBackend>();
        let statement = batch.iter().fold(statement, |statement, row| {
            statement
                .bind::<Text, _>(row.api_key_id.as_str())
                .bind::<BigInt, _>(row.last_used_at)
                .bind::<BigInt, _>(row.uses)
        });
        statement.prepare_cached().execute(conn).map(drop)
    })
}

/// The hours from `from` up to `to` in which the key was used, oldest first, and how often.
///
/// # Errors
/// When the database fails.
pub fn uses_by_hour(conn: &mut Conn, key: &ApiKeyId, from: UtcTime, to: UtcTime) -> Result<Vec<(UtcTime, i64)>> {
    let rows = key_uses_by_hour::table
        .filter(key_uses_by_hour::api_key_id.eq(key))
        .filter(key_uses_by_hour::hour.between(from, to))
        .order(key_uses_by_hour::hour)
        .select((key_uses_by_hour::hour, key_uses_by_hour::uses));
    Ok(rows.load(conn)?)
}

/// The days from `from` up to `to` on which the key was used, oldest first, and how often.
///
/// # Errors
/// When the database fails.
pub fn uses_by_day(conn: &mut Conn, key: &ApiKeyId, from: UtcTime, to: UtcTime) -> Result<Vec<(UtcTime, i64)>> {
    let of_keys = uses_by_day_of(conn, std::slice::from_ref(key), from, to)?;
    Ok(of_keys.into_values().next().unwrap_or_default())
}

/// The same for several keys. Those that were not used are left out.
///
/// # Errors
/// When the database fails.
pub fn uses_by_day_of(
    conn: &mut Conn,
    keys: &[ApiKeyId],
    from: UtcTime,
    to: UtcTime,
) -> Result<HashMap<ApiKeyId, Vec<(UtcTime, i64)>>> {
    let rows: Vec<(ApiKeyId, UtcTime, i64)> = key_uses_by_day::table
        .filter(key_uses_by_day::api_key_id.eq_any(keys))
        .filter(key_uses_by_day::day.between(from, to))
        .order((key_uses_by_day::api_key_id, key_uses_by_day::day))
        .load(conn)?;
    let mut of_keys: HashMap<ApiKeyId, Vec<_>> = HashMap::new();
    for (key, day, uses) in rows {
        of_keys.entry(key).or_default().push((day, uses));
    }
    Ok(of_keys)
}

/// The uses of a key, and from when on nothing is missing in them.
#[derive(Debug, Clone)]
pub struct CountedUses {
    /// When Keyfob began to count so, or from when on counts are kept, whichever is later.
    pub since: UtcTime,
    /// The periods in which the key was used, by their beginning, oldest first, and how often.
    pub uses: Vec<(UtcTime, i64)>,
}

/// The uses of a key in the hours or days that begin at `from` or later and before `to`; all
/// that are kept, where these are not said.
///
/// # Errors
/// When the database fails.
pub fn counted_uses(
    conn: &mut Conn,
    key: &ApiKeyId,
    period: UsePeriod,
    (from, to): (Option<UtcTime>, Option<UtcTime>),
    now: UtcTime,
) -> Result<CountedUses> {
    let kept_since = match period {
        UsePeriod::Hour => oldest_hour(now),
        UsePeriod::Day => oldest_day(now),
    };
    let first = from.map_or(kept_since, |from| from.max(kept_since));
    let last = to.map_or(now, |to| UtcTime::from_micros(to.micros().saturating_sub(1)));
    let uses = match period {
        UsePeriod::Hour => uses_by_hour(conn, key, first, last)?,
        UsePeriod::Day => uses_by_day(conn, key, first, last)?,
    };
    let began = counted_since(conn)?;
    Ok(CountedUses { since: began.map_or(kept_since, |began| began.max(kept_since)), uses })
}

/// Since when uses are counted by hour and day.
///
/// # Errors
/// When the database fails.
pub fn counted_since(conn: &mut Conn) -> Result<Option<UtcTime>> {
    Ok(key_use_counting::table.select(min(key_use_counting::since)).first(conn)?)
}

/// Whether anything was kept long enough, by reads that take no write lock.
///
/// # Errors
/// When the database fails.
pub fn needs_pruning(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let hour = key_uses_by_hour::table.select(min(key_uses_by_hour::hour)).first::<Option<UtcTime>>(conn)?;
    let day = key_uses_by_day::table.select(min(key_uses_by_day::day)).first::<Option<UtcTime>>(conn)?;
    Ok(hour.is_some_and(|hour| hour < oldest_hour(now)) || day.is_some_and(|day| day < oldest_day(now)))
}

/// Removes the uses of hours and days that were kept long enough, at most `limit` rows of
/// each. `true` when more may be left.
///
/// # Errors
/// When the database fails.
pub fn prune(conn: &mut Conn, now: UtcTime, limit: usize) -> Result<bool> {
    let mut has_more = false;
    for (table, unit, oldest) in
        [("key_uses_by_hour", "hour", oldest_hour(now)), ("key_uses_by_day", "day", oldest_day(now))]
    {
        let old = format!("SELECT api_key_id, {unit} FROM {table} WHERE {unit} < {} ORDER BY {unit}", oldest.micros());
        let deletion = format!("DELETE FROM {table} WHERE (api_key_id, {unit}) IN ({old} LIMIT {limit})");
        has_more |= diesel::sql_query(deletion).execute(conn)? >= limit;
    }
    Ok(has_more)
}

const fn oldest_hour(now: UtcTime) -> UtcTime {
    beginning_of(now, HOUR_SECONDS).plus_seconds(-HOURS_KEPT * HOUR_SECONDS)
}

const fn oldest_day(now: UtcTime) -> UtcTime {
    beginning_of(now, DAY_SECONDS).plus_seconds(-DAYS_KEPT * DAY_SECONDS)
}

const fn beginning_of(time: UtcTime, seconds: i64) -> UtcTime {
    let micros = time.micros();
    UtcTime::from_micros(micros.saturating_sub(micros.rem_euclid(seconds * 1_000_000)))
}
