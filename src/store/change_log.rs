//! The change log: digests of changed keys, numbered by revision. Every instance
//! polls it to invalidate its cached keys.

use std::iter;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool};

use super::many_rows::insert_rows;
use super::schema::{api_key_changes, revisions};
use super::{Conn, Digest};
use crate::error::Result;
use crate::random;

/// The name of the row that holds the latest revision.
pub const REVISION: &str = "api_keys";
/// Older entries are deleted; an instance that has missed some empties its cache.
const MAX_LOGGED_CHANGES: i64 = 10_000;

/// A place in the history of changes. The revision alone does not identify it: after
/// a failover or a restore that lost changes, other changes get the same revisions.
/// Their random nonces differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Position {
    /// The number of the last change.
    pub revision: i64,
    nonce: i64,
}

/// The columns of the latest [`Position`], for queries that read it together with a key.
pub const LATEST: (revisions::latest, revisions::nonce) = (revisions::latest, revisions::nonce);

/// A secret whose key has changed, or is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct SecretChange {
    /// The secret's digest; [`Digest::ANY`] for every secret.
    pub digest: Digest,
    /// Whether the key is new and another system generated its secret, which may have any shape.
    pub is_imported: bool,
}

#[derive(Queryable)]
struct LoggedChange {
    position: Position,
    secret: SecretChange,
}

/// Appends the secrets whose cached records the current transaction makes stale. The row of the
/// latest revision stays locked until the commit, so that revisions become
/// visible in their order, and no reader skips one.
///
/// # Errors
/// When the database fails.
pub fn append(conn: &mut Conn, changes: &[SecretChange]) -> Result<()> {
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(());
    }
    let row = revisions::table.find(REVISION);
    let nonce = i64::from_le_bytes(*random::bytes()?);
    let set = (revisions::latest.eq(revisions::latest + count), revisions::nonce.eq(nonce));
    diesel::update(row).set(set).execute(conn)?;
    let latest = latest(conn)?.revision;
    let too_old = latest - MAX_LOGGED_CHANGES;
    // Of more than the log keeps, the first ones would be deleted at once.
    let rows: Vec<(i64, &SecretChange)> =
        (latest - count + 1..).zip(changes).skip_while(|(revision, _)| *revision <= too_old).collect();
    insert_rows(
        conn,
        "api_key_changes (revision, digest, nonce, is_imported)",
        4,
        &rows,
        |row, (revision, change)| {
            let row = row.bind::<BigInt, _>(*revision).bind::<Binary, _>(change.digest);
            row.bind::<BigInt, _>(nonce).bind::<Bool, _>(change.is_imported)
        },
    )?;
    diesel::delete(api_key_changes::table.filter(api_key_changes::revision.le(too_old))).execute(conn)?;
    Ok(())
}

/// The latest position.
///
/// # Errors
/// When the database fails.
pub fn latest(conn: &mut Conn) -> Result<Position> {
    Ok(revisions::table.find(REVISION).select(LATEST).first(conn)?)
}

/// The secrets whose keys changed after `seen` and up to `latest`. `None` when the log
/// does not lead from `seen` and every position in `passed` to `latest`, because it
/// does not reach back that far or is another history: then any key may have changed.
///
/// # Errors
/// When the database fails.
pub fn since(
    conn: &mut Conn,
    seen: Position,
    passed: &[Position],
    latest: Position,
) -> Result<Option<Vec<SecretChange>>> {
    let known = || iter::once(&seen).chain(passed);
    if known().all(|position| *position == latest) {
        return Ok(Some(Vec::new()));
    }
    let oldest = known().map(|position| position.revision).min().unwrap_or(seen.revision);
    let entries: Vec<LoggedChange> = api_key_changes::table
        .filter(api_key_changes::revision.ge(oldest))
        .filter(api_key_changes::revision.le(latest.revision))
        .order(api_key_changes::revision)
        .select((
            (api_key_changes::revision, api_key_changes::nonce),
            (api_key_changes::digest, api_key_changes::is_imported),
        ))
        .load(conn)?;
    let is_complete = i64::try_from(entries.len()).is_ok_and(|count| count == latest.revision - oldest + 1);
    let holds = |position: &Position| {
        let index = usize::try_from(position.revision - oldest).ok();
        index.and_then(|index| entries.get(index)).is_some_and(|entry| entry.position == *position)
    };
    if !(is_complete && known().all(holds) && holds(&latest)) {
        return Ok(None);
    }
    let later = entries.into_iter().filter(|entry| entry.position.revision > seen.revision);
    Ok(Some(later.map(|entry| entry.secret).collect()))
}
