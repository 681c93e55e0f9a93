//! Keys as they are looked up for the gate: with what management keys may do.

use crate::domain::api_key::{self, ApiKey, ManagementBounds, StoredSecret};
use crate::domain::management;
use crate::error::Result;
use crate::store::change_log::Position;
use crate::store::{Conn, Digest};

/// A key as it was looked up.
pub(super) struct FoundKey {
    /// The key.
    pub(super) key: ApiKey,
    /// The secret that it was found by.
    pub(super) secret: StoredSecret,
    /// Of a management key.
    pub(super) bounds: Option<ManagementBounds>,
    /// The position in the history of changes.
    pub(super) read_at: Position,
}

/// Looks up the key that has a secret with this digest.
///
/// Bounds are read after the position, so that a change of them in between is one that the
/// feed has yet to tell.
///
/// # Errors
/// When the database fails.
pub(super) fn find_with_bounds(conn: &mut Conn, digest: Digest) -> Result<Option<FoundKey>> {
    let Some((key, secret, read_at)) = api_key::find_by_digest(conn, digest)? else { return Ok(None) };
    let is_management_key = key.service == management::SERVICE;
    let bounds = is_management_key.then(|| api_key::bounds(conn, &key.id)).transpose()?;
    Ok(Some(FoundKey { key, secret, bounds, read_at }))
}
