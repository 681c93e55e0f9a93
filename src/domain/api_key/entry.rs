//! A key as lists and pages show it.

use super::record::ApiKey;
use super::replaced_secret::ReplacedSecret;
use super::stored_secret::StoredSecret;
use super::usage::SecretUsage;
use crate::domain::service::Service;
use crate::store::UtcTime;

/// A key with the rows that belong to it.
#[derive(Debug, Clone)]
pub struct ApiKeyEntry {
    /// The key.
    pub key: ApiKey,
    /// Its current secret.
    pub secret: StoredSecret,
    /// The service that it is for.
    pub service: Service,
    /// The uses of the current secret, after the first one.
    pub usage: Option<SecretUsage>,
    /// The secret that the current one took the place of, after a rotation.
    pub previous: Option<ReplacedSecret>,
    /// The uses of all secrets that were replaced.
    pub(super) replaced_uses: i64,
}

impl ApiKeyEntry {
    /// A key that was made just now.
    pub(super) fn new(key: ApiKey, secret: StoredSecret, service: Service) -> Self {
        Self { key, secret, service, usage: None, previous: None, replaced_uses: 0 }
    }

    /// The last use of the key: of its current secret or of the previous one.
    #[must_use]
    pub fn last_use(&self) -> Option<&SecretUsage> {
        let previous = self.previous.as_ref().and_then(|previous| previous.usage.as_ref());
        self.usage.iter().chain(previous).max_by_key(|usage| usage.last_used_at)
    }

    /// How often the key was used, with any of its secrets.
    #[must_use]
    pub fn uses(&self) -> i64 {
        self.usage.as_ref().map_or(0, |usage| usage.uses).saturating_add(self.replaced_uses)
    }

    /// The previous secret while it is still accepted: until the rotation is over.
    #[must_use]
    pub fn rotating(&self, now: UtcTime) -> Option<&ReplacedSecret> {
        self.previous.as_ref().filter(|previous| previous.is_live(now))
    }
}
