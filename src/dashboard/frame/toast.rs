//! Short messages about what was done.

use serde::{Deserialize, Serialize};

use crate::domain::key_action::KeyActionId;

/// A message at the top right that leaves by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Toast {
    /// `success`, `notice` or `error`: how it looks.
    pub kind: String,
    /// One or two short sentences.
    pub text: String,
    /// The id of the action that its button undoes.
    #[serde(default)]
    pub undo: Option<String>,
}

impl Toast {
    /// Something was done.
    #[must_use]
    pub fn success(text: impl Into<String>) -> Self {
        Self { kind: "success".into(), text: text.into(), undo: None }
    }

    /// There was nothing to do.
    #[must_use]
    pub fn notice(text: impl Into<String>) -> Self {
        Self { kind: "notice".into(), text: text.into(), undo: None }
    }

    /// Something was not done.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        Self { kind: "error".into(), text: text.into(), undo: None }
    }

    /// With a button that undoes what was done, if that can be undone.
    #[must_use]
    pub fn with_undo(self, action: Option<KeyActionId>) -> Self {
        Self { undo: action.map(|action| action.to_string()), ..self }
    }
}
