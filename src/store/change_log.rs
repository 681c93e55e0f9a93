//! The change log: digests of changed keys, numbered by revision. Every instance
//! polls it to invalidate its cached keys.

use diesel::prelude::*;

use super::schema::{api_key_changes, revisions};
use super::{Conn, Digest};
use crate::error::Result;

const REVISION: &str = "api_keys";
/// Older entries are deleted; an instance that has missed some empties its cache.
const MAX_LOGGED_CHANGES: i64 = 10_000;

/// Appends a digest that the current transaction makes stale. The row of the
/// latest revision stays locked until the commit, so that revisions become
/// visible in their order, and no reader skips one.
///
/// # Errors
/// When the database fails.
pub fn append(conn: &mut Conn, digest: Digest) -> Result<()> {
    let row = revisions::table.find(REVISION);
    diesel::update(row).set(revisions::latest.eq(revisions::latest + 1)).execute(conn)?;
    let revision = latest(conn)?;
    diesel::insert_into(api_key_changes::table)
        .values((api_key_changes::revision.eq(revision), api_key_changes::digest.eq(digest)))
        .execute(conn)?;
    let old = api_key_changes::table.filter(api_key_changes::revision.le(revision - MAX_LOGGED_CHANGES));
    diesel::delete(old).execute(conn)?;
    Ok(())
}

/// The latest revision.
///
/// # Errors
/// When the database fails.
pub fn latest(conn: &mut Conn) -> Result<i64> {
    Ok(revisions::table.find(REVISION).select(revisions::latest).first(conn)?)
}

/// The digests that changed after `revision` and up to `latest`; `None` when the
/// log does not reach back that far: then any key may have changed.
///
/// # Errors
/// When the database fails.
pub fn between(conn: &mut Conn, revision: i64, latest: i64) -> Result<Option<Vec<Digest>>> {
    let digests: Vec<Digest> = api_key_changes::table
        .filter(api_key_changes::revision.gt(revision))
        .filter(api_key_changes::revision.le(latest))
        .select(api_key_changes::digest)
        .load(conn)?;
    let is_complete = i64::try_from(digests.len()).is_ok_and(|count| count == latest - revision);
    Ok(is_complete.then_some(digests))
}
