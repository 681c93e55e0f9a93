//! Short messages about what was done.

use serde::{Deserialize, Serialize};

/// A message at the top right that leaves by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Toast {
    /// `success`, `notice` or `error`: how it looks.
    pub kind: String,
    /// One or two short sentences.
    pub text: String,
}

impl Toast {
    /// Something was done.
    #[must_use]
    pub fn success(text: impl Into<String>) -> Self {
        Self { kind: "success".into(), text: text.into() }
    }

    /// There was nothing to do.
    #[must_use]
    pub fn notice(text: impl Into<String>) -> Self {
        Self { kind: "notice".into(), text: text.into() }
    }

    /// Something was not done.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        Self { kind: "error".into(), text: text.into() }
    }
}
