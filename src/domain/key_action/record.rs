//! The rows of actions on keys.

use diesel::prelude::*;

use crate::domain::account::AccountId;
use crate::domain::api_key::{KeyStatus, StatusReason};
use crate::domain::id::id;
use crate::error::Result;
use crate::store::schema::key_actions;
use crate::store::types::text_enum;
use crate::store::{Tx, UtcTime};

/// The most keys of one action.
pub const MAX_KEYS_OF_ACTION: usize = 10_000;
/// How long after its end an action can be undone.
pub const UNDO_SECONDS: i64 = 10 * 60;
/// An action without progress for so long is stopped: the process that ran it is gone.
const STALL_SECONDS: i64 = 10;

id! {
    /// The id of an action on keys.
    KeyActionId = "kact_"
}

text_enum! {
    /// What is done to keys.
    KeyActionKind {
        /// They are switched on.
        Enable = "enable",
        /// They are switched off.
        Disable = "disable",
        /// They get a later end.
        Extend = "extend",
        /// They are put in the trash.
        Delete = "delete",
        /// They are taken out of the trash.
        Restore = "restore",
    }
}

text_enum! {
    /// How far an action is.
    KeyActionState {
        /// Some keys are left to do.
        Running = "running",
        /// All keys are done.
        Done = "done",
        /// Some keys are left to undo.
        Undoing = "undoing",
        /// It was undone.
        Undone = "undone",
    }
}

text_enum! {
    /// What became of a key of an action.
    Outcome {
        /// Nothing yet.
        Pending = "pending",
        /// It was changed.
        Changed = "changed",
        /// It was that way already.
        Unchanged = "unchanged",
        /// It had been deleted, or restored, meanwhile.
        Gone = "gone",
        /// The installation's rules refuse the end.
        Refused = "refused",
        /// It was changed, and is as before again.
        Undone = "undone",
        /// It was changed by somebody since, and was left like that.
        Kept = "kept",
    }
}

impl From<KeyStatus> for KeyActionKind {
    fn from(status: KeyStatus) -> Self {
        match status {
            KeyStatus::Enabled => Self::Enable,
            KeyStatus::Disabled => Self::Disable,
        }
    }
}

/// A row of `key_actions`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = key_actions)]
pub struct KeyAction {
    /// Its id.
    pub id: KeyActionId,
    /// The account whose keys it changes.
    pub account_id: AccountId,
    /// The operator who asked for it.
    pub actor_id: Option<String>,
    /// Their name at that moment.
    pub actor_name: String,
    /// What is done.
    pub kind: KeyActionKind,
    /// Why keys are disabled, where somebody said.
    pub reason: Option<StatusReason>,
    /// The end that keys get.
    pub ends_at: Option<UtcTime>,
    /// How many keys it is about.
    pub total: i64,
    /// How far it is.
    pub state: KeyActionState,
    /// When it was asked for.
    pub created_at: UtcTime,
    /// The last progress.
    pub updated_at: UtcTime,
    /// When all keys were done.
    pub finished_at: Option<UtcTime>,
}

impl KeyAction {
    /// Whether keys are left, and nobody works on them.
    #[must_use]
    pub fn is_stopped(&self, now: UtcTime) -> bool {
        self.is_under_way() && self.updated_at.plus_seconds(STALL_SECONDS) < now
    }

    /// Whether keys are left.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, KeyActionState::Running | KeyActionState::Undoing)
    }

    /// Whether it can be undone now.
    #[must_use]
    pub fn can_be_undone(&self, now: UtcTime) -> bool {
        let is_over =
            self.state == KeyActionState::Done || (self.state == KeyActionState::Running && self.is_stopped(now));
        is_over && now < self.finished_at.unwrap_or(self.updated_at).plus_seconds(UNDO_SECONDS)
    }
}

/// The action, which other changes of it wait for until the end of this one.
pub(super) fn find_locked(tx: &mut Tx<'_>, account: &AccountId, id: &KeyActionId) -> Result<KeyAction> {
    let row = key_actions::table.filter(key_actions::account_id.eq(account)).filter(key_actions::id.eq(id));
    // Writing the row locks it on PostgreSQL; SQLite has one writer at a time anyway.
    diesel::update(row).set(key_actions::total.eq(key_actions::total)).execute(tx.conn())?;
    Ok(row.select(KeyAction::as_select()).first(tx.conn())?)
}
