//! How far actions are, and what became of their keys.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::record::{KeyAction, KeyActionId, KeyActionState, Outcome, UNDO_SECONDS};
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::error::Result;
use crate::store::schema::{api_keys, key_action_items, key_actions};
use crate::store::{Conn, UtcTime};

/// How many keys of an action had which outcome.
#[derive(Debug, Clone, Default)]
pub struct OutcomeCounts(Vec<(Outcome, i64)>);

impl OutcomeCounts {
    /// How many had this one.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> i64 {
        self.0.iter().find(|(other, _)| *other == outcome).map_or(0, |(_, count)| *count)
    }
}

/// An action of an account.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown one and for another account's.
pub fn find(conn: &mut Conn, account: &AccountId, id: &KeyActionId) -> Result<KeyAction> {
    let row = key_actions::table.filter(key_actions::account_id.eq(account)).filter(key_actions::id.eq(id));
    Ok(row.select(KeyAction::as_select()).first(conn)?)
}

/// What became of its keys so far.
///
/// # Errors
/// When the database fails.
pub fn counts(conn: &mut Conn, id: &KeyActionId) -> Result<OutcomeCounts> {
    let items = key_action_items::table.filter(key_action_items::action_id.eq(id));
    let counts = items.group_by(key_action_items::outcome).select((key_action_items::outcome, count_star()));
    Ok(OutcomeCounts(counts.load(conn)?))
}

/// A key that was not changed, or not changed back.
#[derive(Debug, Clone, Queryable)]
pub struct LeftItem {
    /// The key.
    pub key: ApiKeyId,
    /// Its name; `None` once nothing of it is left.
    pub name: Option<String>,
    /// Why.
    pub outcome: Outcome,
}

/// The first keys of an action that could not be changed, or not changed back.
///
/// # Errors
/// When the database fails.
pub fn left_items(conn: &mut Conn, id: &KeyActionId, limit: i64) -> Result<Vec<LeftItem>> {
    let keys = api_keys::table.on(api_keys::id.eq(key_action_items::api_key_id));
    let items = key_action_items::table
        .left_join(keys)
        .filter(key_action_items::action_id.eq(id))
        .filter(key_action_items::outcome.eq_any([Outcome::Gone, Outcome::Refused, Outcome::Kept]))
        .order(key_action_items::position)
        .limit(limit);
    Ok(items.select((key_action_items::api_key_id, api_keys::name.nullable(), key_action_items::outcome)).load(conn)?)
}

/// The last action on a key, while it can be undone.
pub type UndoableAction = Option<KeyAction>;

/// The last action that changed a key, if it can be undone now.
///
/// # Errors
/// When the database fails.
pub fn undoable_of_key(conn: &mut Conn, account: &AccountId, key: &ApiKeyId, now: UtcTime) -> Result<UndoableAction> {
    let last: Option<KeyAction> = key_action_items::table
        .inner_join(key_actions::table)
        .filter(key_action_items::api_key_id.eq(key))
        .filter(key_action_items::outcome.eq(Outcome::Changed))
        .filter(key_actions::account_id.eq(account))
        .filter(key_actions::state.eq(KeyActionState::Done))
        .filter(key_actions::finished_at.gt(now.plus_seconds(-UNDO_SECONDS)))
        .order((key_actions::finished_at.desc(), key_actions::id.desc()))
        .select(KeyAction::as_select())
        .first(conn)
        .optional()?;
    Ok(last.filter(|action| action.can_be_undone(now)))
}
