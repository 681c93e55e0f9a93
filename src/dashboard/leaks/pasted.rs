//! The secrets in a text that somebody pasted, without the secrets themselves.

use crate::domain::api_key::is_foreign_secret;
use crate::domain::api_key::secret::KeySecret;
use crate::store::Digest;

/// What is needed of a secret to find its key and to speak of it.
pub(super) struct PastedSecret {
    pub(super) digest: Digest,
    /// `None` for one of another system: of what is not a key, nothing is shown.
    pub(super) mask: Option<String>,
}

impl PastedSecret {
    /// One of ours.
    pub(super) fn own(secret: &KeySecret) -> Self {
        Self { digest: secret.digest(), mask: Some(secret.mask()) }
    }

    /// A text that is one of another system, pasted alone: nothing tells it from the words around it.
    pub(super) fn foreign(text: &str) -> Option<Self> {
        let text = text.trim();
        is_foreign_secret(text).then(|| Self { digest: Digest::of(text.as_bytes()), mask: None })
    }
}
