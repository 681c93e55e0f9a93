//! Idempotent requests: the response to the first request with an idempotency
//! key is stored and returned to each repetition, so that a client that lost the
//! response can repeat the request without doing it twice.

use std::collections::HashSet;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use parking_lot::Mutex;

use super::account::AccountId;
use super::api_key::secret::Mode;
use crate::error::{Error, Result};
use crate::store::schema::idempotency_records;
use crate::store::{Conn, Digest, UtcTime};

/// How long a response is stored, in seconds.
pub const RETENTION_SECONDS: i64 = 24 * 3600;
/// The longest key, in characters.
const MAX_KEY_CHARS: usize = 255;

/// A client's name for one request. It is scoped to an account, a mode and an
/// endpoint: the same name elsewhere is another request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    account: String,
    mode: &'static str,
    endpoint: &'static str,
    key: String,
}

impl IdempotencyKey {
    /// Validates the header `Idempotency-Key`: 1 to 255 visible ASCII characters.
    ///
    /// # Errors
    /// [`Error::Malformed`], which says what to change.
    pub fn parse(account: &AccountId, mode: Mode, endpoint: &'static str, key: &str) -> Result<Self> {
        let is_visible = key.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        if key.is_empty() || key.len() > MAX_KEY_CHARS || !is_visible {
            return Err(Error::Malformed(format!(
                "Send an Idempotency-Key of 1 to {MAX_KEY_CHARS} letters, digits and signs, without spaces."
            )));
        }
        Ok(Self { account: account.to_string(), mode: mode.as_str(), endpoint, key: key.to_owned() })
    }
}

/// What makes a request idempotent.
#[derive(Debug, Clone)]
pub struct IdempotentRequest {
    /// The client's name for the request.
    pub key: IdempotencyKey,
    /// The SHA-256 of the request's content, by which a reused key is detected.
    pub digest: Digest,
}

/// The idempotent requests that this instance is working on. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct RunningRequests(Arc<Mutex<HashSet<IdempotencyKey>>>);

impl RunningRequests {
    /// Begins a request, which ends when what this returns is dropped.
    ///
    /// # Errors
    /// [`Error::StillRunning`] while another one with its key is running.
    pub fn begin(&self, key: &IdempotencyKey) -> Result<RunningRequest> {
        if !self.0.lock().insert(key.clone()) {
            return Err(Error::StillRunning);
        }
        Ok(RunningRequest { all: self.clone(), key: key.clone() })
    }
}

/// Marks the request with a key as running until it is dropped.
#[derive(Debug)]
#[must_use = "the request ends when it is dropped"]
pub struct RunningRequest {
    all: RunningRequests,
    key: IdempotencyKey,
}

impl Drop for RunningRequest {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.key);
    }
}

/// A stored response.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = idempotency_records)]
struct IdempotencyRecord {
    request_digest: Digest,
    answer: String,
}

/// The stored response to an earlier request with this key, if there was one;
/// `request` is the digest of the request's content.
///
/// # Errors
/// [`Error::DifferentRequest`] when the earlier request had another content.
pub fn find(conn: &mut Conn, key: &IdempotencyKey, request: Digest, now: UtcTime) -> Result<Option<String>> {
    let record: Option<IdempotencyRecord> = idempotency_records::table
        .find((&key.account, key.mode, key.endpoint, &key.key))
        .filter(idempotency_records::created_at.gt(now.plus_seconds(-RETENTION_SECONDS)))
        .select(IdempotencyRecord::as_select())
        .first(conn)
        .optional()?;
    match record {
        Some(record) if record.request_digest != request => Err(Error::DifferentRequest),
        record => Ok(record.map(|record| record.answer)),
    }
}

/// Stores the response, in the same transaction as the request's effects.
///
/// # Errors
/// [`Error::StillRunning`] when another instance has stored a response since:
/// this transaction must be rolled back.
pub fn store_response(
    conn: &mut Conn,
    key: &IdempotencyKey,
    request: Digest,
    answer: &str,
    now: UtcTime,
) -> Result<()> {
    // An expired record that was not swept yet would violate the primary key.
    let expired = idempotency_records::table
        .find((&key.account, key.mode, key.endpoint, &key.key))
        .filter(idempotency_records::created_at.le(now.plus_seconds(-RETENTION_SECONDS)));
    diesel::delete(expired).execute(conn)?;
    let inserted = diesel::insert_into(idempotency_records::table)
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
    match inserted {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Err(Error::StillRunning),
        result => Ok(result.map(drop)?),
    }
}

/// Whether there are responses past their retention.
///
/// # Errors
/// When the database fails.
pub fn has_expired(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    let expired = idempotency_records::created_at.le(now.plus_seconds(-RETENTION_SECONDS));
    let first = idempotency_records::table.filter(expired).select(idempotency_records::created_at);
    Ok(first.first::<UtcTime>(conn).optional()?.is_some())
}

/// Deletes responses past their retention. Returns how many.
///
/// # Errors
/// When the database fails.
pub fn delete_expired(conn: &mut Conn, now: UtcTime) -> Result<usize> {
    let expired = idempotency_records::created_at.le(now.plus_seconds(-RETENTION_SECONDS));
    Ok(diesel::delete(idempotency_records::table.filter(expired)).execute(conn)?)
}
