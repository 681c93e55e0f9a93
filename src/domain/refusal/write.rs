//! Adds refusals to the stored ones, within their bounds.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::result::DatabaseErrorKind::ForeignKeyViolation;
use diesel::result::Error::DatabaseError;

use super::record::{ALL_ADDRESSES, KeyRefusal, NO_ADDRESS, NewRefusals, RefusalCount, RefusalId, UnknownKey};
use super::upsert::{CountTable, Value};
use crate::domain::api_key::ApiKeyId;
use crate::error::Result;
use crate::store::schema::key_refusals;
use crate::store::{Conn, UtcTime};

/// A key's refusals of one hour and reason have a row for each of so many addresses; those
/// from others share one.
pub const MAX_ADDRESSES_PER_HOUR: usize = 20;
/// Rows of keys that are not known; the oldest leave for new ones.
pub const MAX_UNKNOWN_KEYS: i64 = 1_000;
/// More rows than there ever are: `OFFSET` needs a `LIMIT` on SQLite.
const ALL_ROWS: i64 = 1_000_000;
/// Instances write one after the other on PostgreSQL, so that none exceeds the bounds
/// together with another one, and none waits for the other one's rows in a circle.
const WRITE_LOCK: &str = "SELECT pg_advisory_xact_lock(118100949725028)";

/// A key that was deleted meanwhile is left out.
const KEYS: CountTable = CountTable {
    name: "key_refusals",
    columns: &[
        "id",
        "account_id",
        "api_key_id",
        "hour",
        "code",
        "source",
        "requests",
        "first_at",
        "last_at",
        "address",
        "user_agent",
    ],
    unique: "api_key_id, hour, code, source",
    condition: "EXISTS (SELECT 1 FROM api_keys WHERE id = column3)",
    has_times: true,
};
const UNKNOWN: CountTable = CountTable {
    name: "unknown_keys",
    columns: &["tail", "address", "requests", "first_at", "last_at", "user_agent"],
    unique: "tail, address",
    condition: "TRUE",
    has_times: true,
};
const COUNTS: CountTable = CountTable {
    name: "refusal_counts",
    columns: &["day", "kind", "requests"],
    unique: "day, kind",
    condition: "TRUE",
    has_times: false,
};

/// Adds refusals. Those of a key that was deleted meanwhile are dropped.
///
/// # Errors
/// When the database fails.
pub fn add(conn: &mut Conn, news: NewRefusals) -> Result<()> {
    lock(conn)?;
    let keys = added_up(within_bounds(conn, news.keys)?);
    // In a savepoint, since PostgreSQL refuses every statement after an error until a rollback.
    match conn.transaction(|conn| add_keys(conn, &keys)) {
        // A key was deleted between the check for it and the insertion; the next check sees it.
        Err(DatabaseError(ForeignKeyViolation, _)) => add_keys(conn, &keys)?,
        added => added?,
    }
    let counts: Vec<_> = news.counts.iter().map(count_row).collect();
    COUNTS.add(conn, &counts)?;
    Ok(add_unknown(conn, &news.unknown)?)
}

/// Has other instances wait until this transaction ends.
pub(super) fn lock(conn: &mut Conn) -> QueryResult<()> {
    if matches!(conn, Conn::Postgres(_)) {
        diesel::sql_query(WRITE_LOCK).execute(conn)?;
    }
    Ok(())
}

fn add_keys(conn: &mut Conn, refusals: &[KeyRefusal]) -> QueryResult<()> {
    let ids: Vec<_> = refusals.iter().map(|_| RefusalId::mint()).collect();
    let rows: Vec<_> = refusals.iter().zip(&ids).map(|(refusal, id)| key_row(refusal, id)).collect();
    KEYS.add(conn, &rows)
}

fn add_unknown(conn: &mut Conn, keys: &[UnknownKey]) -> QueryResult<()> {
    if keys.is_empty() {
        return Ok(());
    }
    UNKNOWN.add(conn, &keys.iter().map(unknown_row).collect::<Vec<_>>())?;
    let too_many = "DELETE FROM unknown_keys WHERE (tail, address) IN \
         (SELECT tail, address FROM unknown_keys ORDER BY last_at DESC, tail, address";
    let bounds = format!(" LIMIT {ALL_ROWS} OFFSET {MAX_UNKNOWN_KEYS})");
    diesel::sql_query(format!("{too_many}{bounds}")).execute(conn).map(drop)
}

/// Counts what comes from more addresses than an hour has rows for by all of them together.
fn within_bounds(conn: &mut Conn, mut news: Vec<KeyRefusal>) -> QueryResult<Vec<KeyRefusal>> {
    let is_by_address = |refusal: &KeyRefusal| ![ALL_ADDRESSES, NO_ADDRESS].contains(&&*refusal.source);
    let by_address: Vec<_> = news.iter().filter(|refusal| is_by_address(refusal)).collect();
    let mut known = known_sources(conn, &by_address)?;
    for refusal in news.iter_mut().filter(|refusal| is_by_address(refusal)) {
        let sources = known.entry((refusal.api_key_id.clone(), refusal.hour)).or_default();
        if sources.len() < MAX_ADDRESSES_PER_HOUR {
            sources.insert(refusal.source.clone());
        } else if !sources.contains(&refusal.source) {
            ALL_ADDRESSES.clone_into(&mut refusal.source);
        }
    }
    Ok(news)
}

type Sources = HashMap<(ApiKeyId, UtcTime), HashSet<String>>;

/// The addresses that these keys have rows for in these hours.
fn known_sources(conn: &mut Conn, refusals: &[&KeyRefusal]) -> QueryResult<Sources> {
    let mut known = Sources::new();
    if refusals.is_empty() {
        return Ok(known);
    }
    let keys: HashSet<&ApiKeyId> = refusals.iter().map(|refusal| &refusal.api_key_id).collect();
    let hours: HashSet<UtcTime> = refusals.iter().map(|refusal| refusal.hour).collect();
    let rows: Vec<(ApiKeyId, UtcTime, String)> = key_refusals::table
        .filter(key_refusals::api_key_id.eq_any(keys))
        .filter(key_refusals::hour.eq_any(hours))
        .filter(key_refusals::source.ne_all([ALL_ADDRESSES, NO_ADDRESS]))
        .select((key_refusals::api_key_id, key_refusals::hour, key_refusals::source))
        .load(conn)?;
    for (key, hour, source) in rows {
        known.entry((key, hour)).or_default().insert(source);
    }
    Ok(known)
}

/// One row for what is counted together: a statement may change a row only once.
fn added_up(mut news: Vec<KeyRefusal>) -> Vec<KeyRefusal> {
    fn place(refusal: &KeyRefusal) -> (&ApiKeyId, UtcTime, &str, &str) {
        (&refusal.api_key_id, refusal.hour, &refusal.code, &refusal.source)
    }
    news.sort_by(|one, other| place(one).cmp(&place(other)));
    news.dedup_by(|next, kept| {
        let is_same = place(next) == place(kept);
        if is_same {
            let (requests, first_at) = (kept.requests + next.requests, kept.first_at.min(next.first_at));
            if next.last_at >= kept.last_at {
                std::mem::swap(kept, next);
            }
            (kept.requests, kept.first_at) = (requests, first_at);
        }
        is_same
    });
    news
}

fn key_row<'a>(refusal: &'a KeyRefusal, id: &'a RefusalId) -> Vec<Value<'a>> {
    vec![
        Value::Text(id.as_str()),
        Value::Text(refusal.account_id.as_str()),
        Value::Text(refusal.api_key_id.as_str()),
        Value::Time(refusal.hour),
        Value::Text(&refusal.code),
        Value::Text(&refusal.source),
        Value::Number(refusal.requests),
        Value::Time(refusal.first_at),
        Value::Time(refusal.last_at),
        Value::Text(&refusal.address),
        Value::Text(&refusal.user_agent),
    ]
}

fn unknown_row(key: &UnknownKey) -> Vec<Value<'_>> {
    vec![
        Value::Text(&key.tail),
        Value::Text(&key.address),
        Value::Number(key.requests),
        Value::Time(key.first_at),
        Value::Time(key.last_at),
        Value::Text(&key.user_agent),
    ]
}

fn count_row(count: &RefusalCount) -> Vec<Value<'_>> {
    vec![Value::Time(count.day), Value::Text(count.kind.as_str()), Value::Number(count.requests)]
}
