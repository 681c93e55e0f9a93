//! The work of an action, some keys at a time.

use std::collections::HashMap;

use diesel::prelude::*;

use super::items::{BATCH_KEYS, next, settle, settle_changed};
use super::locked_keys::{LockedKey, end_unopened_links, forget, lock};
use super::record::{KeyAction, KeyActionId, KeyActionKind, KeyActionState, Outcome, find_locked};
use super::undo::undo_some;
use crate::domain::account::AccountId;
use crate::domain::api_key::{ApiKey, ApiKeyId, Expiry, KeyStatus, Lifetimes, StatusReason, trash};
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::schema::{api_keys, key_actions};
use crate::store::{AuditEvent, Tx, UtcTime};

/// Does the next keys of an action, or undoes them. `true` when more are left.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown action and for another account's.
pub fn step(tx: &mut Tx<'_>, account: &AccountId, id: &KeyActionId) -> Result<bool> {
    let action = find_locked(tx, account, id)?;
    let (done, end) = match action.state {
        KeyActionState::Running => (do_some(tx, &action)?, KeyActionState::Done),
        KeyActionState::Undoing => (undo_some(tx, &action)?, KeyActionState::Undone),
        KeyActionState::Done | KeyActionState::Undone => return Ok(false),
    };
    let (row, now) = (key_actions::table.find(id), tx.now());
    if done == BATCH_KEYS {
        diesel::update(row).set(key_actions::updated_at.eq(now)).execute(tx.conn())?;
        return Ok(true);
    }
    let set = (key_actions::updated_at.eq(now), key_actions::finished_at.eq(now), key_actions::state.eq(end));
    diesel::update(row).set(set).execute(tx.conn())?;
    Ok(false)
}

/// Takes up an action that has stopped. `false` when there is nothing to take up.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown action and for another account's.
pub fn resume(tx: &mut Tx<'_>, account: &AccountId, id: &KeyActionId) -> Result<bool> {
    let (action, now) = (find_locked(tx, account, id)?, tx.now());
    if !action.is_stopped(now) {
        return Ok(false);
    }
    diesel::update(key_actions::table.find(id)).set(key_actions::updated_at.eq(now)).execute(tx.conn())?;
    Ok(true)
}

/// How many keys were looked at.
fn do_some(tx: &mut Tx<'_>, action: &KeyAction) -> Result<usize> {
    let ids: Vec<ApiKeyId> = next(tx, &action.id, Outcome::Pending)?.into_iter().map(|item| item.api_key_id).collect();
    let keys = lock(tx, &action.account_id, &ids)?;
    let allows_end = allows_end(tx, action)?;
    let mut outcomes: HashMap<Outcome, Vec<ApiKeyId>> = HashMap::new();
    for id in &ids {
        let outcome = match outcome_for(action, keys.get(id), tx.now()) {
            Outcome::Changed if !allows_end => Outcome::Refused,
            outcome => outcome,
        };
        outcomes.entry(outcome).or_default().push(id.clone());
    }
    let changed = outcomes.remove(&Outcome::Changed).unwrap_or_default();
    for (outcome, ids) in outcomes {
        settle(tx, &action.id, &ids, outcome)?;
    }
    if !changed.is_empty() {
        let now = tx.now();
        settle_changed(tx, &action.id, &changed, now)?;
        change(tx, action, &changed)?;
        let keys = changed.iter().filter_map(|id| keys.get(id));
        tx.audit_all(keys.map(|locked| event(action, &locked.key)).collect())?;
    }
    Ok(ids.len())
}

/// A rule may have come since the action was asked for.
fn allows_end(tx: &mut Tx<'_>, action: &KeyAction) -> Result<bool> {
    let Some(end) = action.ends_at else { return Ok(true) };
    Ok(Expiry::At(end).resolve(Lifetimes::read(tx)?, tx.now()).is_ok())
}

fn outcome_for(action: &KeyAction, key: Option<&LockedKey>, now: UtcTime) -> Outcome {
    let Some(LockedKey { key, deleted_at }) = key else { return Outcome::Gone };
    if deleted_at.is_some_and(|deleted_at| deleted_at <= trash::oldest_restorable(now)) {
        return Outcome::Gone;
    }
    let is_so_already = match action.kind {
        KeyActionKind::Delete => deleted_at.is_some(),
        KeyActionKind::Restore => deleted_at.is_none(),
        _ if deleted_at.is_some() => return Outcome::Gone,
        KeyActionKind::Enable => key.status == KeyStatus::Enabled,
        KeyActionKind::Disable => key.status == KeyStatus::Disabled,
        // A later end, and none, stay.
        KeyActionKind::Extend => key.expires_at.is_none() || key.expires_at >= action.ends_at,
    };
    if is_so_already { Outcome::Unchanged } else { Outcome::Changed }
}

fn change(tx: &mut Tx<'_>, action: &KeyAction, ids: &[ApiKeyId]) -> Result<()> {
    let (rows, now) = (api_keys::table.filter(api_keys::id.eq_any(ids)), tx.now());
    let off = (api_keys::status.eq(KeyStatus::Disabled), api_keys::status_reason.eq(action.reason));
    let on = (api_keys::status.eq(KeyStatus::Enabled), api_keys::status_reason.eq(None::<StatusReason>));
    match action.kind {
        KeyActionKind::Enable => diesel::update(rows).set(on).execute(tx.conn())?,
        KeyActionKind::Disable => diesel::update(rows).set(off).execute(tx.conn())?,
        KeyActionKind::Extend => {
            let set = (api_keys::expires_at.eq(action.ends_at), api_keys::version.eq(api_keys::version + 1));
            diesel::update(rows).set(set).execute(tx.conn())?
        }
        KeyActionKind::Delete => diesel::update(rows).set(api_keys::deleted_at.eq(now)).execute(tx.conn())?,
        KeyActionKind::Restore => {
            diesel::update(rows).set(api_keys::deleted_at.eq(None::<UtcTime>)).execute(tx.conn())?
        }
    };
    if matches!(action.kind, KeyActionKind::Enable | KeyActionKind::Disable | KeyActionKind::Delete) {
        end_unopened_links(tx, ids)?;
    }
    forget(tx, ids)
}

fn event(action: &KeyAction, key: &ApiKey) -> AuditEvent {
    let reason = |reason: Option<StatusReason>| reason.map(StatusReason::as_str);
    match action.kind {
        KeyActionKind::Enable => {
            key.event(Action::ApiKeyEnabled).field("status_reason", reason(key.status_reason), None).done()
        }
        KeyActionKind::Disable => {
            key.event(Action::ApiKeyDisabled).field("status_reason", None, reason(action.reason)).done()
        }
        KeyActionKind::Extend => {
            let [before, after] = [key.expires_at, action.ends_at].map(|end| end.map(UtcTime::rfc3339));
            key.event(Action::ApiKeyExpiryChanged).field("expires_at", before, after).done()
        }
        KeyActionKind::Delete => key.event(Action::ApiKeyDeleted).done(),
        KeyActionKind::Restore => key.event(Action::ApiKeyRestored).done(),
    }
}
