//! Removes actions that can't be undone any more, and whose result was seen.

use diesel::dsl::min;
use diesel::prelude::*;

use super::record::KeyActionId;
use crate::error::Result;
use crate::store::schema::key_actions;
use crate::store::{Conn, UtcTime};

const KEPT_SECONDS: i64 = 24 * 3600;
/// The most actions in one transaction.
const BATCH: i64 = 20;
/// After so many keys of actions a transaction ends, so that other writes don't wait for long.
const BATCH_KEYS: i64 = 2_000;

/// Whether any action is older than a day, by a read that takes no write lock.
///
/// # Errors
/// When the database fails.
pub fn needs_pruning(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let oldest: Option<UtcTime> = key_actions::table.select(min(key_actions::created_at)).first(conn)?;
    Ok(oldest.is_some_and(|oldest| oldest < now.plus_seconds(-KEPT_SECONDS)))
}

/// Removes some actions that are older than a day, at least one. `true` when more may be left.
///
/// # Errors
/// When the database fails.
pub fn prune(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let old: Vec<(KeyActionId, i64)> = key_actions::table
        .filter(key_actions::created_at.lt(now.plus_seconds(-KEPT_SECONDS)))
        .order(key_actions::created_at)
        .limit(BATCH)
        .select((key_actions::id, key_actions::total))
        .load(conn)?;
    let mut keys = 0;
    let some: Vec<&KeyActionId> = old
        .iter()
        .take_while(|(_, total)| {
            let has_room = keys < BATCH_KEYS;
            keys += total;
            has_room
        })
        .map(|(id, _)| id)
        .collect();
    diesel::delete(key_actions::table.filter(key_actions::id.eq_any(&some))).execute(conn)?;
    Ok(some.len() < old.len() || old.len() as i64 >= BATCH)
}
