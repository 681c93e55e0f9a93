//! The queue of deliveries, served round robin by key, so that one key's backlog
//! does not delay another's deliveries.

use diesel::dsl;
use diesel::prelude::*;

use super::delivery::{Delivery, DeliveryId, DeliveryStatus};
use super::outcome::{AttemptOutcome, CallbackError, MAX_RETRY_DELAY_SECONDS, retry_at};
use super::previous_secret;
use super::record::{Callback, find};
use super::secret::CallbackSecret;
use super::url::CallbackUrl;
use crate::domain::api_key::ApiKeyId;
use crate::error::Result;
use crate::store::schema::{api_keys, callback_deliveries};
use crate::store::{Conn, PrepareCached, UtcTime};

/// How long a worker has to record the outcome of an attempt, in seconds; longer
/// than the timeout of a request. Then the delivery is attempted again.
pub const LEASE_SECONDS: i64 = 60;

/// A leased delivery with what a worker needs to send it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The delivery.
    pub delivery: Delivery,
    /// The URL to send it to.
    pub url: CallbackUrl,
    /// The secrets to sign it with, the current one first.
    pub secrets: Vec<CallbackSecret>,
}

/// Leases up to `limit` due deliveries, first those of the keys after `after`.
/// `room` gives the number of requests that a host can take now. Also returns the
/// last key that was served, which is the next call's `after`.
///
/// # Errors
/// When the database fails.
pub fn lease(
    conn: &mut Conn,
    after: Option<&ApiKeyId>,
    limit: usize,
    mut room: impl FnMut(&str) -> usize,
    now: UtcTime,
) -> Result<(Vec<Attempt>, Option<ApiKeyId>)> {
    let (mut attempts, mut last) = (Vec::new(), None);
    for key in keys_round_robin(conn, after)? {
        let free = limit - attempts.len();
        if free == 0 {
            break;
        }
        last = Some(key.clone());
        match find(conn, &key)? {
            Some(callback) => {
                let leased =
                    attempts.iter().filter(|attempt: &&Attempt| attempt.url.host() == callback.url.host()).count();
                let host_limit = room(&callback.url.host()).saturating_sub(leased).min(free);
                attempts.extend(lease_for(conn, &callback, host_limit, now)?);
            }
            None => fail_for_removed_callback(conn, &key, now)?,
        }
    }
    Ok((attempts, last))
}

/// The keys with queued deliveries, first those after `after`; the deliveries of keys in the
/// trash wait until their keys are restored, or until they are too old. Each key is one
/// step in the index, however long its queue is.
///
/// # Errors
/// When the database fails.
fn keys_round_robin(conn: &mut Conn, after: Option<&ApiKeyId>) -> Result<Vec<ApiKeyId>> {
    let (mut keys, mut last) = (Vec::new(), String::new());
    let in_trash = api_keys::table
        .filter(api_keys::id.eq(callback_deliveries::api_key_id))
        .filter(api_keys::deleted_at.is_not_null());
    loop {
        let next: Option<ApiKeyId> = callback_deliveries::table
            .filter(callback_deliveries::due_at.is_not_null())
            .filter(callback_deliveries::api_key_id.gt(&last))
            .filter(dsl::not(dsl::exists(in_trash)))
            .order(callback_deliveries::api_key_id)
            .select(callback_deliveries::api_key_id)
            .first(conn)
            .optional()?;
        let Some(key) = next else { break };
        last = key.to_string();
        keys.push(key);
    }
    let turn = after.map_or(0, |after| keys.iter().take_while(|key| key.as_str() <= after.as_str()).count());
    keys.rotate_left(turn);
    Ok(keys)
}

/// Whether a delivery is due for a host that has room. A read alone, so that an
/// idle worker takes no write lock.
///
/// # Errors
/// When the database fails.
pub fn is_due(conn: &mut Conn, room: impl Fn(&str) -> usize, now: UtcTime) -> Result<bool> {
    for key in keys_round_robin(conn, None)? {
        let has_room = find(conn, &key)?.is_none_or(|callback| room(&callback.url.host()) > 0);
        if has_room && !due(conn, &key, 1, now)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many deliveries wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackFigures {
    /// Those that wait for their first attempt or for a retry.
    pub waiting: i64,
    /// Those of them whose last attempt failed.
    pub failing: i64,
}

/// Counts the deliveries that wait.
///
/// # Errors
/// When the database fails.
pub fn figures(conn: &mut Conn) -> Result<CallbackFigures> {
    let waiting = callback_deliveries::table.filter(callback_deliveries::due_at.is_not_null());
    Ok(CallbackFigures {
        waiting: waiting.count().get_result(conn)?,
        failing: waiting.filter(callback_deliveries::tries.gt(0)).count().get_result(conn)?,
    })
}

/// Due by now, or later than Keyfob ever lets a delivery wait: then the clock was
/// ahead when the time was set.
fn is_due_at(now: UtcTime) -> IsDueAt {
    let impossible = now.plus_seconds(MAX_RETRY_DELAY_SECONDS + LEASE_SECONDS);
    callback_deliveries::due_at.le(now).or(callback_deliveries::due_at.gt(impossible))
}

type IsDueAt = dsl::Or<dsl::LtEq<callback_deliveries::due_at, UtcTime>, dsl::Gt<callback_deliveries::due_at, UtcTime>>;

fn due(conn: &mut Conn, key: &ApiKeyId, limit: usize, now: UtcTime) -> Result<Vec<DeliveryId>> {
    Ok(callback_deliveries::table
        .filter(callback_deliveries::api_key_id.eq(key))
        .filter(callback_deliveries::due_at.is_not_null())
        .filter(is_due_at(now))
        .order(callback_deliveries::due_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(callback_deliveries::id)
        .load(conn)?)
}

fn lease_for(conn: &mut Conn, callback: &Callback, limit: usize, now: UtcTime) -> Result<Vec<Attempt>> {
    let ids = if limit == 0 { Vec::new() } else { due(conn, &callback.api_key_id, limit, now)? };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // The update checks again whether they are due: on PostgreSQL another worker may
    // have leased some of these rows since the select.
    let rows = callback_deliveries::table.filter(callback_deliveries::id.eq_any(&ids)).filter(is_due_at(now));
    let leased: Vec<Delivery> = diesel::update(rows)
        .set(callback_deliveries::due_at.eq(now.plus_seconds(LEASE_SECONDS)))
        .returning(callback_deliveries::all_columns)
        .get_results(conn)?;
    let mut secrets = vec![callback.secret.clone()];
    secrets.extend(previous_secret::list(conn, &callback.api_key_id, now)?);
    let attempt = |delivery| Attempt { delivery, url: callback.url.clone(), secrets: secrets.clone() };
    Ok(leased.into_iter().map(attempt).collect())
}

/// Fails the queued deliveries of a key whose callback was removed.
fn fail_for_removed_callback(conn: &mut Conn, key: &ApiKeyId, now: UtcTime) -> Result<()> {
    let rows = callback_deliveries::table
        .filter(callback_deliveries::api_key_id.eq(key))
        .filter(callback_deliveries::due_at.is_not_null());
    diesel::update(rows)
        .set((
            callback_deliveries::status.eq(DeliveryStatus::Failed),
            callback_deliveries::due_at.eq(None::<UtcTime>),
            callback_deliveries::error.eq(CallbackError::Removed),
            callback_deliveries::http_status.eq(None::<i64>),
            callback_deliveries::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Records the outcome of an attempt. A delivery that has a final state by now
/// does not change.
///
/// # Errors
/// When the database fails.
pub fn record_attempt(conn: &mut Conn, delivery: &Delivery, outcome: AttemptOutcome, now: UtcTime) -> Result<()> {
    let tries = delivery.tries + 1;
    let next = if outcome.is_success() { None } else { retry_at(outcome, tries, delivery.created_at, now) };
    let status = match (outcome.is_success(), next) {
        (true, _) => DeliveryStatus::Delivered,
        (false, Some(_)) => DeliveryStatus::Waiting,
        (false, None) => DeliveryStatus::Failed,
    };
    let (error, http_status) = match outcome {
        AttemptOutcome::Answered { status, .. } => (None, Some(i64::from(status))),
        AttemptOutcome::Unanswered(error) => (Some(error), None),
    };
    let row = callback_deliveries::table.find(&delivery.id).filter(callback_deliveries::due_at.is_not_null());
    diesel::update(row)
        .set((
            callback_deliveries::status.eq(status),
            callback_deliveries::tries.eq(tries),
            callback_deliveries::due_at.eq(next),
            callback_deliveries::error.eq(error),
            callback_deliveries::http_status.eq(http_status),
            callback_deliveries::updated_at.eq(now),
        ))
        .prepare_cached()
        .execute(conn)?;
    Ok(())
}
