//! A new key's secret, which is shown once.

use crate::domain::api_key::ApiKeyId;
use crate::domain::api_key::secret::KeySecret;

/// The one sight of a new key's secret, in a row under the key's.
pub(super) struct Reveal {
    pub(super) id: ApiKeyId,
    pub(super) name: String,
    pub(super) key: KeySecret,
    /// A command that uses the key, and the words that lead to it.
    pub(super) command: String,
    pub(super) invitation: &'static str,
}
