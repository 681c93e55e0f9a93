//! What was done to a key last, on its page, while it can be undone.

use super::bulk::words::past;
use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::Permission;
use crate::domain::api_key::ApiKeyId;
use crate::domain::key_action::{self, KeyAction};
use crate::error::Result;
use crate::format::{count, grouped};
use crate::store::{Conn, UtcTime};

/// The sentence, and the button.
pub(super) struct UndoView {
    pub(super) action: String,
    pub(super) words: String,
    pub(super) button: String,
}

impl UndoView {
    /// What people who manage keys can undo.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn read(conn: &mut Conn, who: &SignedIn, key: &ApiKeyId, now: UtcTime) -> Result<Option<Self>> {
        if !who.access.allows(Permission::ManageKeys) {
            return Ok(None);
        }
        let action = key_action::undoable_of_key(conn, &who.account, key, now)?;
        Ok(action.map(|action| Self::new(&action, who, now)))
    }

    fn new(action: &KeyAction, who: &SignedIn, now: UtcTime) -> Self {
        let is_own = action.actor_id.as_deref() == Some(who.operator.id.as_str());
        let actor = if is_own { "You" } else { &*action.actor_name };
        let when = ago(action.finished_at.unwrap_or(action.updated_at), now);
        let (words, button) = match action.total {
            1 => (format!("{actor} {} {when}.", past(action.kind, "this key")), "Undo".to_owned()),
            total => (
                format!(
                    "{actor} {} {when}.",
                    past(action.kind, &format!("this key and {}", count(total - 1, "other")))
                ),
                format!("Undo for all {}", grouped(total)),
            ),
        };
        Self { action: action.id.to_string(), words, button }
    }
}
