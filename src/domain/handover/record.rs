//! The rows of hand-overs, and what an operator sees of them.

use diesel::prelude::*;

use crate::domain::api_key::{ApiKeyEntry, ApiKeyId, KeyStatus};
use crate::error::Result;
use crate::store::schema::key_handovers;
use crate::store::{Conn, Digest, UtcTime};

/// A row of `key_handovers`: a key has one at most.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = key_handovers)]
pub struct StoredHandover {
    /// The key that is handed over.
    pub api_key_id: ApiKeyId,
    /// What the row is found by.
    pub token_digest: Digest,
    /// The key's secret, encrypted; `None` once it was shown.
    pub sealed: Option<Vec<u8>>,
    /// When the link was made.
    pub created_at: UtcTime,
    /// From when on the link shows nothing.
    pub ends_at: UtcTime,
    /// When the key was shown.
    pub opened_at: Option<UtcTime>,
    /// The address that the key was shown to.
    pub address: Option<String>,
    /// The `User-Agent` that the key was shown to.
    pub user_agent: Option<String>,
}

/// A hand-over as the operator sees it.
#[derive(Debug, Clone)]
pub enum HandoverState {
    /// Nobody opened the link yet.
    Unopened {
        /// When it was made.
        created_at: UtcTime,
        /// From when on it shows nothing.
        ends_at: UtcTime,
    },
    /// The key was shown.
    Opened {
        /// When.
        at: UtcTime,
        /// To which address.
        address: Option<String>,
        /// To which program.
        user_agent: Option<String>,
    },
}

/// The hand-over of a key; `None` when there is none, or its link ended without being opened.
///
/// # Errors
/// When the database fails.
pub fn state_of(conn: &mut Conn, key: &ApiKeyId, now: UtcTime) -> Result<Option<HandoverState>> {
    let row: Option<StoredHandover> =
        key_handovers::table.find(key).select(StoredHandover::as_select()).first(conn).optional()?;
    Ok(row.and_then(|StoredHandover { created_at, ends_at, opened_at, address, user_agent, .. }| match opened_at {
        Some(at) => Some(HandoverState::Opened { at, address, user_agent }),
        None => (now < ends_at).then_some(HandoverState::Unopened { created_at, ends_at }),
    }))
}

/// Whether a key with this current secret is accepted now, and so worth handing over.
pub(super) fn is_accepted(
    ApiKeyEntry { key, secret, service, .. }: &ApiKeyEntry,
    digest: &Digest,
    now: UtcTime,
) -> bool {
    let is_over = key.expires_at.is_some_and(|end| end <= now);
    key.status == KeyStatus::Enabled && !service.is_off() && !is_over && secret.digest == *digest
}
