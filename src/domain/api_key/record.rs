//! A key as the database has it, with its current secret and what is known of
//! their use.

use diesel::prelude::*;

use super::secret::Mode;
use super::stored_secret::StoredSecret;
use super::usage::SecretUsage;
use crate::domain::account::AccountId;
use crate::domain::audit::{self, Action, EventBuilder, TargetKind};
use crate::domain::id::id;
use crate::domain::identity::operator::OperatorId;
use crate::domain::service::Service;
use crate::store::UtcTime;
use crate::store::schema::api_keys;
use crate::store::types::text_enum;

id! {
    /// Names an API key. Minted when the form is drawn, so that sending a form
    /// twice makes one key.
    ApiKeyId = "key_"
}

text_enum! {
    /// The position of a key's switch.
    Status {
        /// It opens its door.
        Enabled = "enabled",
        /// It opens nothing.
        Disabled = "disabled",
    }
}

text_enum! {
    /// Why a key is disabled.
    StatusReason {
        /// Somebody else may have the secret.
        Compromised = "compromised",
        /// Another key took its place.
        Superseded = "superseded",
        /// Nobody uses it.
        Unused = "unused",
        /// A rule of the company asks for it.
        Policy = "policy",
        /// Whoever holds the key ended it.
        Holder = "holder",
        /// The secret was reported as public.
        LeakReport = "leak_report",
    }
}

/// A key as it is kept: the record, without its secrets.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub account_id: AccountId,
    /// The slug of the service it is for.
    pub service: String,
    /// Live or test.
    pub mode: Mode,
    /// What the operator calls it.
    pub name: String,
    /// What else the operator wrote about it; may be empty.
    pub description: String,
    /// On or off.
    pub status: Status,
    /// Who made it, while that operator exists.
    pub created_by: Option<OperatorId>,
    /// When it was made.
    pub created_at: UtcTime,
    /// From when on it opens nothing, if ever.
    pub expires_at: Option<UtcTime>,
    /// Raised with every edit.
    pub version: i64,
    /// Why it is off; `None` while it is on, and where nobody said.
    pub status_reason: Option<StatusReason>,
}

impl ApiKey {
    /// An audit event about this key.
    pub(in crate::domain) fn event(&self, action: Action) -> EventBuilder {
        audit::event(action, TargetKind::ApiKey, self.id.as_str(), &self.name).of(&self.account_id)
    }
}

/// A key with what is known about it.
#[derive(Debug, Clone, Queryable, Selectable)]
pub struct ApiKeyEntry {
    /// The key.
    #[diesel(embed)]
    pub key: ApiKey,
    /// The secret that it has now.
    #[diesel(embed)]
    pub secret: StoredSecret,
    /// What it is for.
    #[diesel(embed)]
    pub service: Service,
    /// The uses of that secret, once there was one.
    #[diesel(embed)]
    pub usage: Option<SecretUsage>,
}
