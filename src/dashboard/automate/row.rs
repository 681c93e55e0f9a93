//! A management key's row in the table.

use crate::dashboard::api_keys::row::LastUsed;
use crate::dashboard::api_keys::rules::bounds_view::BoundsView;
use crate::dashboard::api_keys::rules::key_end::KeyEnd;
use crate::domain::api_key::{ApiKeyEntry, ApiKeyId, KeyStatus};
use crate::store::UtcTime;

/// How many columns the table has, all of which the row with a new key's secret spans.
pub(super) const COLUMNS: usize = 6;

/// What a row shows.
pub(super) struct ManagementKeyRow {
    pub(super) id: ApiKeyId,
    pub(super) name: String,
    pub(super) mask: String,
    pub(super) scopes: Vec<String>,
    pub(super) services: String,
    pub(super) last_used: Option<LastUsed>,
    pub(super) end: Option<KeyEnd>,
    pub(super) enabled: bool,
}

impl ManagementKeyRow {
    /// The row of a key and its bounds.
    pub(super) fn new(entry: ApiKeyEntry, bounds: BoundsView, now: UtcTime) -> Self {
        let last_used = entry.last_use().map(|usage| LastUsed::new(usage.clone(), entry.uses(), now));
        let ApiKeyEntry { key, secret, .. } = entry;
        Self {
            id: key.id,
            name: key.name,
            mask: secret.mask,
            scopes: key.scopes.names().map(str::to_owned).collect(),
            services: bounds.services,
            last_used,
            end: key.expires_at.map(|end| KeyEnd::new(end, now)),
            enabled: key.status == KeyStatus::Enabled,
        }
    }
}
