//! The start of an action that somebody confirmed.

use diesel::prelude::*;

use super::items;
use super::plan::Selection;
use super::record::{KeyAction, KeyActionId, KeyActionKind, KeyActionState, MAX_KEYS_OF_ACTION};
use crate::domain::account::AccountId;
use crate::domain::api_key::{Expiry, Lifetimes, StatusReason};
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::store::schema::key_actions;

/// What was confirmed.
#[derive(Debug, Clone)]
pub struct NewKeyAction {
    /// Which keys.
    pub selection: Selection,
    /// What is done to them.
    pub kind: KeyActionKind,
    /// Why they are disabled, where somebody said.
    pub reason: Option<StatusReason>,
    /// The end that they get.
    pub end: Option<Expiry>,
    /// How many keys were shown.
    pub count: usize,
}

/// Keeps which keys the action is about: those that were confirmed, and never others.
/// [`step`](super::step()) does the work.
///
/// # Errors
/// [`Error::ChangedMeanwhile`] when it is not the number that was confirmed, and
/// [`Error::Invalid`] for `expires_at`. Then nothing is done.
pub fn start(tx: &mut Tx<'_>, account: &AccountId, new: &NewKeyAction) -> Result<KeyActionId> {
    let now = tx.now();
    let ends_at = match new.end {
        Some(end) => end.resolve(Lifetimes::read(tx)?, now)?,
        None => None,
    };
    let keys = new.selection.ids(tx, account, Some(new.kind), now)?;
    if keys.len() != new.count || keys.is_empty() || keys.len() > MAX_KEYS_OF_ACTION {
        return Err(Error::ChangedMeanwhile);
    }
    let (id, actor) = (KeyActionId::mint(), tx.actor().clone());
    let action = KeyAction {
        id: id.clone(),
        account_id: account.clone(),
        actor_id: actor.id,
        actor_name: actor.name,
        kind: new.kind,
        reason: new.reason.filter(|_| new.kind == KeyActionKind::Disable),
        ends_at,
        total: i64::try_from(keys.len()).unwrap_or(i64::MAX),
        state: KeyActionState::Running,
        created_at: now,
        updated_at: now,
        finished_at: None,
    };
    diesel::insert_into(key_actions::table).values(&action).execute(tx.conn())?;
    items::insert(tx, &id, &keys)?;
    Ok(id)
}
