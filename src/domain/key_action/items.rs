//! The keys of an action, and what they were before it.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::record::{KeyActionId, Outcome};
use crate::domain::api_key::{ApiKeyId, KeyStatus, StatusReason};
use crate::error::Result;
use crate::store::many_rows::{insert_rows, placeholder_sign};
use crate::store::schema::key_action_items;
use crate::store::{Conn, UtcTime};

/// The most keys of one transaction.
pub(super) const BATCH_KEYS: usize = 500;

/// A key of an action, and what it was before it was changed.
#[derive(Debug, Queryable)]
pub(super) struct Item {
    pub(super) position: i64,
    pub(super) api_key_id: ApiKeyId,
    pub(super) changed_at: Option<UtcTime>,
    pub(super) status: Option<KeyStatus>,
    pub(super) status_reason: Option<StatusReason>,
    pub(super) expires_at: Option<UtcTime>,
}

pub(super) fn insert(conn: &mut Conn, action: &KeyActionId, keys: &[ApiKeyId]) -> Result<()> {
    let rows: Vec<(i64, &ApiKeyId)> = (0..).zip(keys).collect();
    insert_rows(conn, "key_action_items (action_id, position, api_key_id, outcome)", 4, &rows, |row, (place, key)| {
        let row = row.bind::<Text, _>(action.as_str()).bind::<BigInt, _>(*place);
        row.bind::<Text, _>(key.as_str()).bind::<Text, _>(Outcome::Pending)
    })
}

/// The first items that have an outcome.
pub(super) fn next(conn: &mut Conn, action: &KeyActionId, outcome: Outcome) -> Result<Vec<Item>> {
    let items = key_action_items::table
        .filter(key_action_items::action_id.eq(action))
        .filter(key_action_items::outcome.eq(outcome))
        .order(key_action_items::position)
        .limit(i64::try_from(BATCH_KEYS).unwrap_or(i64::MAX));
    let columns = (
        key_action_items::position,
        key_action_items::api_key_id,
        key_action_items::changed_at,
        key_action_items::status,
        key_action_items::status_reason,
        key_action_items::expires_at,
    );
    Ok(items.select(columns).load(conn)?)
}

/// Those of some keys that another action changed after this one did, and that was not undone.
pub(super) fn changed_later(conn: &mut Conn, action: &KeyActionId, items: &[Item]) -> Result<HashSet<ApiKeyId>> {
    let times: HashMap<&ApiKeyId, Option<UtcTime>> =
        items.iter().map(|item| (&item.api_key_id, item.changed_at)).collect();
    let changes: Vec<(ApiKeyId, Option<UtcTime>)> = key_action_items::table
        .filter(key_action_items::api_key_id.eq_any(times.keys().copied()))
        .filter(key_action_items::action_id.ne(action))
        .filter(key_action_items::outcome.eq(Outcome::Changed))
        .select((key_action_items::api_key_id, key_action_items::changed_at))
        .load(conn)?;
    Ok(changes
        .into_iter()
        .filter(|(key, at)| times.get(key).is_some_and(|time| time < at))
        .map(|(key, _)| key)
        .collect())
}

/// Notes what became of some keys.
pub(super) fn settle(conn: &mut Conn, action: &KeyActionId, keys: &[ApiKeyId], outcome: Outcome) -> Result<()> {
    if !keys.is_empty() {
        let items = key_action_items::table.filter(key_action_items::action_id.eq(action));
        let items = items.filter(key_action_items::api_key_id.eq_any(keys));
        diesel::update(items).set(key_action_items::outcome.eq(outcome)).execute(conn)?;
    }
    Ok(())
}

/// Notes that some keys are changed now, and what they still are.
pub(super) fn settle_changed(conn: &mut Conn, action: &KeyActionId, keys: &[ApiKeyId], now: UtcTime) -> Result<()> {
    settle(conn, action, keys, Outcome::Changed)?;
    let key =
        |column: &str| format!("{column} = (SELECT {column} FROM api_keys WHERE id = key_action_items.api_key_id)");
    let columns = ["status", "status_reason", "expires_at", "deleted_at"].map(key).join(", ");
    let sign = placeholder_sign(conn);
    let statement = format!(
        "UPDATE key_action_items SET changed_at = {sign}1, {columns} \
         WHERE action_id = {sign}2 AND outcome = 'changed' AND changed_at IS NULL"
    );
    diesel::sql_query(statement).bind::<BigInt, _>(now).bind::<Text, _>(action.as_str()).execute(conn)?;
    Ok(())
}

/// Inserts the one key of an action that is done, with what it was before.
pub(super) fn insert_changed(
    conn: &mut Conn,
    action: &KeyActionId,
    key: &ApiKeyId,
    before: (KeyStatus, Option<StatusReason>, Option<UtcTime>, Option<UtcTime>),
    now: UtcTime,
) -> Result<()> {
    let (status, reason, expires_at, deleted_at) = before;
    let values = (
        key_action_items::action_id.eq(action),
        key_action_items::position.eq(0),
        key_action_items::api_key_id.eq(key),
        key_action_items::outcome.eq(Outcome::Changed),
        key_action_items::changed_at.eq(now),
        key_action_items::status.eq(status),
        key_action_items::status_reason.eq(reason),
        key_action_items::expires_at.eq(expires_at),
        key_action_items::deleted_at.eq(deleted_at),
    );
    diesel::insert_into(key_action_items::table).values(values).execute(conn)?;
    Ok(())
}
