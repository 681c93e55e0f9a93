//! The log of changes to keys, by which every instance learns what to forget.

use diesel::prelude::*;

use crate::error::Result;
use crate::store::schema::{api_key_changes, revisions};
use crate::store::{Conn, Digest};

const NAME: &str = "api_keys";
/// The log goes back this many changes; whoever has missed more forgets everything.
const KEPT: i64 = 10_000;

/// What a change gives back. The value comes out at the gate only
/// ([`Gate::change`](crate::gate::Gate::change)), so that no change can pass it by.
#[must_use = "a change has to pass the gate"]
pub struct Changed<T> {
    pub(crate) value: T,
    pub(crate) digest: Digest,
}

/// Notes that the key with this digest is changed by this transaction.
///
/// # Errors
/// When the database fails.
pub fn note(conn: &mut Conn, digest: Digest) -> Result<()> {
    let row = revisions::table.find(NAME);
    diesel::update(row).set(revisions::latest.eq(revisions::latest + 1)).execute(conn)?;
    let revision = latest(conn)?;
    diesel::insert_into(api_key_changes::table)
        .values((api_key_changes::revision.eq(revision), api_key_changes::digest.eq(digest)))
        .execute(conn)?;
    diesel::delete(api_key_changes::table.filter(api_key_changes::revision.le(revision - KEPT))).execute(conn)?;
    Ok(())
}

/// The revision of the last change.
///
/// # Errors
/// When the database fails.
pub fn latest(conn: &mut Conn) -> Result<i64> {
    Ok(revisions::table.find(NAME).select(revisions::latest).first(conn)?)
}

/// The keys that changed after `revision` and up to `latest`; `None` when the
/// log does not go back so far, and anything may have changed.
///
/// # Errors
/// When the database fails.
pub fn between(conn: &mut Conn, revision: i64, latest: i64) -> Result<Option<Vec<Digest>>> {
    let digests: Vec<Digest> = api_key_changes::table
        .filter(api_key_changes::revision.gt(revision))
        .filter(api_key_changes::revision.le(latest))
        .select(api_key_changes::digest)
        .load(conn)?;
    let complete = i64::try_from(digests.len()).is_ok_and(|count| count == latest - revision);
    Ok(complete.then_some(digests))
}
