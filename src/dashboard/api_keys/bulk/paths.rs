//! The addresses of actions on many keys.

use crate::domain::key_action::KeyActionId;
use crate::error::{Error, Result};

/// Where a selection is sent to.
pub const BULK: &str = "/api-keys/bulk";

/// The page of an action.
#[must_use]
pub fn action_path(id: &KeyActionId) -> String {
    format!("{BULK}/{id}")
}

/// # Errors
/// [`Error::NotFound`] for what is no id.
pub fn parse_action_id(text: &str) -> Result<KeyActionId> {
    text.parse().map_err(|()| Error::NotFound)
}
