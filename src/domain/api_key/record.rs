//! The rows of keys, without their secrets.

use diesel::prelude::*;

use super::allowed_ips::AllowedIps;
use super::external_id::ExternalId;
use super::metadata::Metadata;
use super::scopes::Scopes;
use super::secret::Mode;
use crate::domain::account::AccountId;
use crate::domain::audit::{self, Action, EventBuilder, TargetKind};
use crate::domain::id::id;
use crate::domain::identity::operator::OperatorId;
use crate::domain::management;
use crate::store::UtcTime;
use crate::store::schema::api_keys;
use crate::store::types::text_enum;

id! {
    /// The id of an API key. It is generated with the form, so that a form that
    /// is submitted twice creates one key.
    ApiKeyId = "key_"
}

text_enum! {
    /// Whether a key is switched on.
    KeyStatus {
        /// It is accepted.
        Enabled = "enabled",
        /// It is refused.
        Disabled = "disabled",
    }
}

text_enum! {
    /// Why a key is disabled.
    StatusReason {
        /// A third party may know the secret.
        Compromised = "compromised",
        /// Another key replaces it.
        Superseded = "superseded",
        /// It is not in use.
        Unused = "unused",
        /// A company's policy requires it.
        Policy = "policy",
        /// Its holder revoked it.
        Holder = "holder",
        /// A secret scanner or a person reported the secret as public.
        LeakReport = "leak_report",
    }
}

impl StatusReason {
    /// Those that people and programs choose from; the others are Keyfob's own.
    pub const CHOSEN: [Self; 4] = [Self::Compromised, Self::Superseded, Self::Unused, Self::Policy];
}

/// A row of `api_keys`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The account that owns it.
    pub account_id: AccountId,
    /// The slug of the service it is for.
    pub service: String,
    /// Live or test.
    pub mode: Mode,
    /// Its name on screen.
    pub name: String,
    /// Its description; may be empty.
    pub description: String,
    /// On or off.
    pub status: KeyStatus,
    /// The operator who created it; `None` after that operator was deleted.
    pub created_by: Option<OperatorId>,
    /// When it was created.
    pub created_at: UtcTime,
    /// From when on it is refused, if ever.
    pub expires_at: Option<UtcTime>,
    /// Incremented with every change of its name, description, external id, metadata, scopes, addresses
    /// and end, for optimistic locking; its switch and its secrets have nothing to do with it.
    pub version: i64,
    /// Why it is disabled; `None` while it is enabled, and if no reason was given.
    pub status_reason: Option<StatusReason>,
    /// What it may do.
    pub scopes: Scopes,
    /// From where it may be used.
    pub allowed_ips: AllowedIps,
    /// What the program that created it calls it.
    pub external_id: Option<ExternalId>,
    /// Words that a program keeps with it.
    pub metadata: Metadata,
}

impl ApiKey {
    /// Whether programs manage other keys with it.
    #[must_use]
    pub fn is_for_management(&self) -> bool {
        self.service == management::SERVICE
    }

    /// An audit event about this key.
    pub(in crate::domain) fn event(&self, action: Action) -> EventBuilder {
        audit::event(action, TargetKind::ApiKey, self.id.as_str(), &self.name).of(&self.account_id)
    }
}
