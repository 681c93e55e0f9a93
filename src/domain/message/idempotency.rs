//! Requests that may be sent again: the answer to the first is kept and given
//! to each repetition, so that a client that lost an answer can ask once more
//! without sending twice.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use crate::domain::account::AccountId;
use crate::domain::api_key::secret::Mode;
use crate::error::{Error, Result};
use crate::store::schema::idempotency_records;
use crate::store::{Conn, Digest, UtcTime};

/// For how long an answer is kept, in seconds.
pub const KEPT_SECONDS: i64 = 24 * 3600;
/// The longest key, in characters.
const LONGEST: usize = 255;

/// What the client calls its request. The same name may stand for different
/// things at another endpoint, in another mode and in another account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    account: String,
    mode: &'static str,
    endpoint: &'static str,
    key: String,
}

impl IdempotencyKey {
    /// Holds the header's value against the rules: 1 to 255 visible ASCII characters.
    ///
    /// # Errors
    /// [`Error::Malformed`] in words that say what to change.
    pub fn parse(account: &AccountId, mode: Mode, endpoint: &'static str, key: &str) -> Result<Self> {
        let is_visible = key.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        if key.is_empty() || key.len() > LONGEST || !is_visible {
            return Err(Error::Malformed(format!(
                "Send an Idempotency-Key of 1 to {LONGEST} letters, digits and signs, without spaces."
            )));
        }
        Ok(Self { account: account.to_string(), mode: mode.as_str(), endpoint, key: key.to_owned() })
    }
}

/// A kept answer.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = idempotency_records)]
struct IdempotencyRecord {
    request_digest: Digest,
    answer: String,
}

/// The answer that was given to this request before, if it was made before.
///
/// # Errors
/// [`Error::DifferentRequest`] when the key stood for something else.
pub fn find(conn: &mut Conn, key: &IdempotencyKey, request: Digest, now: UtcTime) -> Result<Option<String>> {
    let record: Option<IdempotencyRecord> = idempotency_records::table
        .find((&key.account, key.mode, key.endpoint, &key.key))
        .filter(idempotency_records::created_at.gt(now.plus_seconds(-KEPT_SECONDS)))
        .select(IdempotencyRecord::as_select())
        .first(conn)
        .optional()?;
    match record {
        Some(record) if record.request_digest != request => Err(Error::DifferentRequest),
        record => Ok(record.map(|record| record.answer)),
    }
}

/// Keeps the answer to a request, in the transaction of what the request did.
///
/// # Errors
/// [`Error::StillRunning`] when another instance was quicker: what this
/// transaction did must be undone.
pub fn keep(conn: &mut Conn, key: &IdempotencyKey, request: Digest, answer: &str, now: UtcTime) -> Result<()> {
    // One that is over and was not cleared away yet makes room.
    let old = idempotency_records::table
        .find((&key.account, key.mode, key.endpoint, &key.key))
        .filter(idempotency_records::created_at.le(now.plus_seconds(-KEPT_SECONDS)));
    diesel::delete(old).execute(conn)?;
    let kept = diesel::insert_into(idempotency_records::table)
        .values((
            idempotency_records::account_id.eq(&key.account),
            idempotency_records::mode.eq(key.mode),
            idempotency_records::endpoint.eq(key.endpoint),
            idempotency_records::key.eq(&key.key),
            idempotency_records::request_digest.eq(request),
            idempotency_records::answer.eq(answer),
            idempotency_records::created_at.eq(now),
        ))
        .execute(conn);
    match kept {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Err(Error::StillRunning),
        result => Ok(result.map(drop)?),
    }
}

/// Whether there are answers that are a day old.
///
/// # Errors
/// When the database fails.
pub fn has_old(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let old = idempotency_records::created_at.le(now.plus_seconds(-KEPT_SECONDS));
    let first = idempotency_records::table.filter(old).select(idempotency_records::created_at);
    Ok(first.first::<UtcTime>(conn).optional()?.is_some())
}

/// Forgets answers that are a day old; gives how many.
///
/// # Errors
/// When the database fails.
pub fn forget_old(conn: &mut Conn, now: UtcTime) -> Result<usize> {
    let old = idempotency_records::created_at.le(now.plus_seconds(-KEPT_SECONDS));
    Ok(diesel::delete(idempotency_records::table.filter(old)).execute(conn)?)
}
