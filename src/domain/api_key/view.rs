//! The JSON of a key, in responses of the API and from the command line.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bounds::ManagementBounds;
use super::entry::ApiKeyEntry;
use super::external_id::ExternalId;
use super::secret::KeySecret;
use super::stored_secret::StoredSecret;
use super::usage::SecretUsage;
use crate::store::UtcTime;

/// The JSON object of one key.
#[derive(Debug, Serialize)]
pub struct KeyView<'a> {
    id: &'a str,
    account_id: &'a str,
    service: &'a str,
    name: &'a str,
    description: &'a str,
    mode: &'static str,
    status: &'static str,
    status_reason: Option<&'static str>,
    mask: &'a str,
    external_id: Option<&'a str>,
    metadata: BTreeMap<String, String>,
    scopes: Vec<&'a str>,
    allowed_ips: Vec<&'a str>,
    expires_at: Option<String>,
    created_at: String,
    created_by: Option<&'a str>,
    last_used_at: Option<String>,
    version: i64,
    secrets: Vec<ApiKeySecretView<'a>>,
}

/// The JSON object of a key with its new secret. It has no `Debug`, which would show it.
#[derive(Serialize)]
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub struct NewSecretView<'a> {
    key_id: &'a str,
    key: &'a str,
    #[serde(flatten)]
    view: KeyView<'a>,
}

impl<'a> NewSecretView<'a> {
    /// The key `entry`, of which `secret` is the current secret.
    #[must_use]
    pub fn new(entry: &'a ApiKeyEntry, secret: &'a KeySecret) -> Self {
        Self { key_id: entry.key.id.as_str(), key: secret.expose(), view: KeyView::from(entry) }
    }
}

/// The JSON object of the bounds of a management key.
#[derive(Debug, Serialize)]
pub struct ManagementBoundsView<'a> {
    services: Vec<&'a str>,
    grantable_scopes: Vec<&'a str>,
    max_lifetime_days: Option<i64>,
}

impl<'a> From<&'a ManagementBounds> for ManagementBoundsView<'a> {
    fn from(bounds: &'a ManagementBounds) -> Self {
        Self {
            services: bounds.services.slugs().collect(),
            grantable_scopes: bounds.grantable_scopes.names().collect(),
            max_lifetime_days: bounds.max_lifetime_days,
        }
    }
}

/// The JSON object of one secret of a key: what tells it from others.
#[derive(Debug, Serialize)]
struct ApiKeySecretView<'a> {
    id: &'a str,
    tail: &'a str,
    current: bool,
    ends_at: Option<String>,
    last_used_at: Option<String>,
    uses: i64,
}

impl<'a> ApiKeySecretView<'a> {
    fn new(secret: &'a StoredSecret, ends_at: Option<UtcTime>, usage: Option<&SecretUsage>) -> Self {
        Self {
            id: secret.id.as_str(),
            tail: &secret.tail,
            current: ends_at.is_none(),
            ends_at: ends_at.map(UtcTime::rfc3339),
            last_used_at: usage.map(|usage| usage.last_used_at.rfc3339()),
            uses: usage.map_or(0, |usage| usage.uses),
        }
    }
}

impl<'a> From<&'a ApiKeyEntry> for KeyView<'a> {
    fn from(entry: &'a ApiKeyEntry) -> Self {
        let key = &entry.key;
        let current = ApiKeySecretView::new(&entry.secret, None, entry.usage.as_ref());
        let previous = entry.previous.as_ref();
        let previous = previous.map(|old| ApiKeySecretView::new(&old.secret, Some(old.ends_at), old.usage.as_ref()));
        Self {
            id: key.id.as_str(),
            account_id: key.account_id.as_str(),
            service: &key.service,
            name: &key.name,
            description: &key.description,
            mode: key.mode.as_str(),
            status: key.status.as_str(),
            status_reason: key.status_reason.map(|reason| reason.as_str()),
            mask: &entry.secret.mask,
            external_id: key.external_id.as_ref().map(ExternalId::as_str),
            metadata: key.metadata.entries(),
            scopes: key.scopes.names().collect(),
            allowed_ips: key.allowed_ips.entries().collect(),
            expires_at: key.expires_at.map(UtcTime::rfc3339),
            created_at: key.created_at.rfc3339(),
            created_by: key.created_by.as_ref().map(|operator| operator.as_str()),
            last_used_at: entry.last_use().map(|usage| usage.last_used_at.rfc3339()),
            version: key.version,
            secrets: std::iter::once(current).chain(previous).collect(),
        }
    }
}
