//! Undoing an action: its keys become what they were before it, those that are still as it
//! left them.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::items::{Item, changed_later, next, settle};
use super::locked_keys::{LockedKey, end_unopened_links, forget, lock};
use super::record::{KeyAction, KeyActionId, KeyActionKind, KeyActionState, Outcome, find_locked};
use crate::domain::account::AccountId;
use crate::domain::api_key::{ApiKeyId, KeyStatus, StatusReason, trash};
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::many_rows::placeholder_sign;
use crate::store::schema::key_actions;
use crate::store::{AuditEvent, Tx, UtcTime};

/// The reason of the events.
const REASON: &str = "Undone";

/// Whether an undo has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoStart {
    /// It has; [`step`](super::step()) does it.
    Begun,
    /// The action still runs.
    StillRunning,
    /// It was undone before.
    AlreadyUndone,
    /// The time for it is over.
    TooLate,
}

/// Begins to undo an action.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown action and for another account's.
pub fn begin_undo(tx: &mut Tx<'_>, account: &AccountId, id: &KeyActionId) -> Result<UndoStart> {
    let (action, now) = (find_locked(tx, account, id)?, tx.now());
    match action.state {
        KeyActionState::Undoing | KeyActionState::Undone => return Ok(UndoStart::AlreadyUndone),
        KeyActionState::Running if !action.is_stopped(now) => return Ok(UndoStart::StillRunning),
        _ if !action.can_be_undone(now) => return Ok(UndoStart::TooLate),
        KeyActionState::Running | KeyActionState::Done => {}
    }
    let set = (key_actions::state.eq(KeyActionState::Undoing), key_actions::updated_at.eq(now));
    diesel::update(key_actions::table.find(id)).set(set).execute(tx.conn())?;
    Ok(UndoStart::Begun)
}

/// Whether a key still is as the action left it.
fn is_as_left(
    action: &KeyAction,
    changed_at: Option<UtcTime>,
    LockedKey { key, deleted_at }: &LockedKey,
    now: UtcTime,
) -> bool {
    match action.kind {
        KeyActionKind::Delete => *deleted_at == changed_at && *deleted_at > Some(trash::oldest_restorable(now)),
        _ if deleted_at.is_some() => false,
        KeyActionKind::Restore => true,
        KeyActionKind::Enable => key.status == KeyStatus::Enabled,
        KeyActionKind::Disable => key.status == KeyStatus::Disabled && key.status_reason == action.reason,
        KeyActionKind::Extend => key.expires_at == action.ends_at,
    }
}

/// Undoes the next keys. Returns how many were looked at.
pub(super) fn undo_some(tx: &mut Tx<'_>, action: &KeyAction) -> Result<usize> {
    let (items, now) = (next(tx, &action.id, Outcome::Changed)?, tx.now());
    let ids: Vec<ApiKeyId> = items.iter().map(|item| item.api_key_id.clone()).collect();
    let mut keys = lock(tx, &action.account_id, &ids)?;
    // Switched off, on and off again looks as it was left, and is what somebody wanted since.
    let later = changed_later(tx, &action.id, &items)?;
    keys.retain(|id, _| !later.contains(id));
    let (mut undone, mut kept, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for item in &items {
        let key = keys.get(&item.api_key_id).filter(|key| is_as_left(action, item.changed_at, key, now));
        if let Some(key) = key {
            undone.push(item.api_key_id.clone());
            events.push(event(action, item, key));
        } else {
            kept.push(item.api_key_id.clone());
        }
    }
    settle(tx, &action.id, &kept, Outcome::Kept)?;
    if let (Some(first), false) = (items.first(), undone.is_empty()) {
        settle(tx, &action.id, &undone, Outcome::Undone)?;
        put_back(tx, action, first.position)?;
        if matches!(action.kind, KeyActionKind::Enable | KeyActionKind::Restore) {
            end_unopened_links(tx, &undone)?;
        }
        forget(tx, &undone)?;
        tx.audit_all(events)?;
    }
    Ok(items.len())
}

/// Gives the keys that were settled from a position on what they had before.
fn put_back(tx: &mut Tx<'_>, action: &KeyAction, from: i64) -> Result<()> {
    let columns: &[&str] = match action.kind {
        KeyActionKind::Enable | KeyActionKind::Disable => &["status", "status_reason"],
        KeyActionKind::Extend => &["expires_at"],
        KeyActionKind::Delete | KeyActionKind::Restore => &["deleted_at"],
    };
    let sign = placeholder_sign(tx.conn());
    let before = |column: &&str| {
        format!(
            "{column} = (SELECT {column} FROM key_action_items WHERE action_id = {sign}1 AND api_key_id = api_keys.id)"
        )
    };
    let mut columns = columns.iter().map(before).collect::<Vec<_>>().join(", ");
    if action.kind == KeyActionKind::Extend {
        columns += ", version = version + 1";
    }
    let statement = format!(
        "UPDATE api_keys SET {columns} WHERE id IN (SELECT api_key_id FROM key_action_items \
         WHERE action_id = {sign}1 AND outcome = 'undone' AND position >= {sign}2)"
    );
    let statement = diesel::sql_query(statement).bind::<Text, _>(action.id.as_str()).bind::<BigInt, _>(from);
    statement.execute(tx.conn())?;
    Ok(())
}

fn event(action: &KeyAction, before: &Item, LockedKey { key, .. }: &LockedKey) -> AuditEvent {
    let event = match action.kind {
        KeyActionKind::Delete => key.event(Action::ApiKeyRestored),
        KeyActionKind::Restore => key.event(Action::ApiKeyDeleted),
        KeyActionKind::Extend => {
            let [now, then] = [key.expires_at, before.expires_at].map(|end| end.map(UtcTime::rfc3339));
            key.event(Action::ApiKeyExpiryChanged).field("expires_at", now, then)
        }
        KeyActionKind::Enable | KeyActionKind::Disable => {
            let is_on = before.status == Some(KeyStatus::Enabled);
            let [now, then] = [key.status_reason, before.status_reason].map(|reason| reason.map(StatusReason::as_str));
            key.event(if is_on { Action::ApiKeyEnabled } else { Action::ApiKeyDisabled }).field(
                "status_reason",
                now,
                then,
            )
        }
    };
    event.because(Some(REASON.to_owned())).done()
}
