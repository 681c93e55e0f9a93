//! The keys that a person has seen, each with the way to rotate it.

use crate::dashboard::api_keys;
use crate::dashboard::frame::layout::When;
use crate::domain::account::AccountId;
use crate::domain::identity::operator::{KnownKey, OperatorId, known_keys};
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// A key in the list.
pub(super) struct KnownKeyRow {
    pub(super) href: String,
    pub(super) name: String,
    /// Until when the secret works that they saw, where it was replaced already.
    pub(super) ends: Option<When>,
}

impl From<KnownKey> for KnownKeyRow {
    fn from(KnownKey { id, name, ends_at }: KnownKey) -> Self {
        Self { href: api_keys::paths::path(&id), name, ends: ends_at.map(When::from) }
    }
}

/// The keys of an account that a person has seen and that still work.
pub(super) fn read(conn: &mut Conn, account: &AccountId, id: &OperatorId, now: UtcTime) -> Result<Vec<KnownKeyRow>> {
    Ok(known_keys(conn, account, id, now)?.into_iter().map(KnownKeyRow::from).collect())
}
