//! Removes actions that can't be undone any more, and whose result was seen.

use diesel::dsl::min;
use diesel::prelude::*;

use super::record::KeyActionId;
use crate::error::Result;
use crate::store::schema::key_actions;
use crate::store::{Conn, UtcTime};

const KEPT_SECONDS: i64 = 24 * 3600;
/// The most actions in one transaction: each may have thousands of keys.
const BATCH: i64 = 20;

/// Whether any action is older than a day, by a read that takes no write lock.
///
/// # Errors
/// When the database fails.
pub fn needs_pruning(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let oldest: Option<UtcTime> = key_actions::table.select(min(key_actions::created_at)).first(conn)?;
    Ok(oldest.is_some_and(|oldest| oldest < now.plus_seconds(-KEPT_SECONDS)))
}

/// Removes some actions that are older than a day. `true` when more may be left.
///
/// # Errors
/// When the database fails.
pub fn prune(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let old: Vec<KeyActionId> = key_actions::table
        .filter(key_actions::created_at.lt(now.plus_seconds(-KEPT_SECONDS)))
        .order(key_actions::created_at)
        .limit(BATCH)
        .select(key_actions::id)
        .load(conn)?;
    diesel::delete(key_actions::table.filter(key_actions::id.eq_any(&old))).execute(conn)?;
    Ok(old.len() as i64 >= BATCH)
}
