//! A key's row in the table, which several answers draw.

use super::key_end::KeyEnd;
use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::layout::When;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::usage::SecretUsage;
use crate::domain::api_key::{ApiKeyEntry, ApiKeyId, KeyStatus};
use crate::store::UtcTime;

/// How many columns the table has, all of which the row with a new key's secret spans.
pub(super) const COLUMNS: usize = 5;

/// What a row shows.
pub(super) struct ApiKeyRow {
    pub(super) id: ApiKeyId,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) mask: String,
    pub(super) service_name: String,
    pub(super) is_test: bool,
    pub(super) created: When,
    pub(super) last_used: Option<LastUsed>,
    pub(super) enabled: bool,
    pub(super) end: Option<KeyEnd>,
}

impl ApiKeyRow {
    pub(super) fn new(ApiKeyEntry { key, secret, service, usage }: ApiKeyEntry, now: UtcTime) -> Self {
        Self {
            id: key.id,
            name: key.name,
            description: key.description,
            mask: secret.mask,
            service_name: service.name,
            is_test: key.mode == Mode::Test,
            created: key.created_at.into(),
            last_used: usage.map(|usage| LastUsed::new(usage, now)),
            enabled: key.status == KeyStatus::Enabled,
            end: key.expires_at.map(|end| KeyEnd::new(end, now)),
        }
    }
}

/// A key's last use, and how many there were.
pub(super) struct LastUsed {
    pub(super) when: When,
    pub(super) ago: String,
    pub(super) address: String,
    pub(super) user_agent: String,
    pub(super) uses: i64,
}

impl LastUsed {
    fn new(usage: SecretUsage, now: UtcTime) -> Self {
        Self {
            ago: ago(usage.last_used_at, now),
            when: usage.last_used_at.into(),
            address: usage.address,
            user_agent: usage.user_agent,
            uses: usage.uses,
        }
    }
}
