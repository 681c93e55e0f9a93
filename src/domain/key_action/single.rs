//! A change of one key, recorded so that it can be undone.

use diesel::prelude::*;

use super::items;
use super::locked_keys::lock;
use super::record::{KeyAction, KeyActionId, KeyActionKind, KeyActionState};
use crate::domain::account::AccountId;
use crate::domain::api_key::{ApiKeyId, KeyStatus, StatusReason};
use crate::error::Result;
use crate::store::schema::{api_keys, key_actions};
use crate::store::{Conn, Tx, UtcTime};

type Shape = (KeyStatus, Option<StatusReason>, Option<UtcTime>, Option<UtcTime>);

fn shape(conn: &mut Conn, id: &ApiKeyId) -> Result<Option<Shape>> {
    let columns = (api_keys::status, api_keys::status_reason, api_keys::expires_at, api_keys::deleted_at);
    Ok(api_keys::table.find(id).select(columns).first(conn).optional()?)
}

/// Makes a change of one key. Also returns the action by which it can be undone, if the change
/// changed anything.
///
/// # Errors
/// What `change` gives.
pub fn recorded<T>(
    tx: &mut Tx<'_>,
    account: &AccountId,
    key: &ApiKeyId,
    kind: KeyActionKind,
    change: impl FnOnce(&mut Tx<'_>) -> Result<T>,
) -> Result<(T, Option<KeyActionId>)> {
    lock(tx, account, std::slice::from_ref(key))?;
    let before = shape(tx, key)?;
    let id = KeyActionId::mint();
    let value = change(tx)?;
    let (Some(before), Some(after)) = (before, shape(tx, key)?) else { return Ok((value, None)) };
    if before == after {
        return Ok((value, None));
    }
    let (now, actor) = (tx.now(), tx.actor().clone());
    let action = KeyAction {
        id: id.clone(),
        account_id: account.clone(),
        actor_id: actor.id,
        actor_name: actor.name,
        kind,
        reason: after.1,
        ends_at: after.2,
        total: 1,
        state: KeyActionState::Done,
        created_at: now,
        updated_at: now,
        finished_at: Some(now),
    };
    diesel::insert_into(key_actions::table).values(&action).execute(tx.conn())?;
    items::insert_changed(tx, &id, key, before, now)?;
    Ok((value, Some(id)))
}
