//! The queue of deliveries, served round robin by key and host, so that the backlog of
//! one key or of one host does not delay other deliveries.

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

/// The deliveries of one key to one host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    key: ApiKeyId,
    /// Empty for the address of the key itself, which may change while they wait.
    host: String,
}

impl Lane {
    /// The host that is called, if there is an address to call.
    fn target(&self, callback: &Callback) -> Option<String> {
        if self.host.is_empty() { callback.url.as_ref().map(CallbackUrl::host) } else { Some(self.host.clone()) }
    }
}

/// Leases up to `limit` due deliveries, first those of the lanes after `after`.
/// `room` gives the number of requests that a host can take now. Also returns the
/// last lane that was served, which is the next call's `after`.
///
/// # Errors
/// When the database fails.
pub fn lease(
    conn: &mut Conn,
    after: Option<&Lane>,
    limit: usize,
    mut room: impl FnMut(&str) -> usize,
    now: UtcTime,
) -> Result<(Vec<Attempt>, Option<Lane>)> {
    let (mut attempts, mut last) = (Vec::new(), None);
    for lane in lanes_round_robin(conn, after)? {
        let free = limit - attempts.len();
        if free == 0 {
            break;
        }
        last = Some(lane.clone());
        let callback = find(conn, &lane.key)?;
        match callback.as_ref().and_then(|callback| Some((callback, lane.target(callback)?))) {
            Some((callback, host)) => {
                let leased = attempts.iter().filter(|attempt: &&Attempt| attempt.url.host() == host).count();
                let host_limit = room(&host).saturating_sub(leased).min(free);
                attempts.extend(lease_for(conn, &lane, callback, host_limit, now)?);
            }
            None => fail_for_removed_callback(conn, &lane, now)?,
        }
    }
    Ok((attempts, last))
}

/// The lanes with queued deliveries, first those after `after`; the deliveries of keys in
/// the trash wait until their keys are restored, or until they are too old. Each lane is
/// one step in the index, however long its queue is.
///
/// # Errors
/// When the database fails.
fn lanes_round_robin(conn: &mut Conn, after: Option<&Lane>) -> Result<Vec<Lane>> {
    let (mut lanes, mut last) = (Vec::new(), String::new());
    let in_trash = api_keys::table
        .filter(api_keys::id.eq(callback_deliveries::api_key_id))
        .filter(api_keys::deleted_at.is_not_null());
    loop {
        let next: Option<(ApiKeyId, String)> = callback_deliveries::table
            .filter(callback_deliveries::due_at.is_not_null())
            .filter(callback_deliveries::api_key_id.gt(&last))
            .filter(dsl::not(dsl::exists(in_trash)))
            .order((callback_deliveries::api_key_id, callback_deliveries::host))
            .select((callback_deliveries::api_key_id, callback_deliveries::host))
            .first(conn)
            .optional()?;
        let Some((key, first_host)) = next else { break };
        last = key.to_string();
        let mut host = Some(first_host);
        while let Some(found) = host {
            host = next_host(conn, &key, &found)?;
            lanes.push(Lane { key: key.clone(), host: found });
        }
    }
    let turn = after.map_or(0, |after| lanes.iter().take_while(|lane| *lane <= after).count());
    lanes.rotate_left(turn);
    Ok(lanes)
}

fn next_host(conn: &mut Conn, key: &ApiKeyId, after: &str) -> Result<Option<String>> {
    Ok(callback_deliveries::table
        .filter(callback_deliveries::due_at.is_not_null())
        .filter(callback_deliveries::api_key_id.eq(key))
        .filter(callback_deliveries::host.gt(after))
        .order(callback_deliveries::host)
        .select(callback_deliveries::host)
        .first(conn)
        .optional()?)
}

/// Whether a delivery is due for a host that has room. A read alone, so that an
/// idle worker takes no write lock.
///
/// # Errors
/// When the database fails.
pub fn is_due(conn: &mut Conn, room: impl Fn(&str) -> usize, now: UtcTime) -> Result<bool> {
    for lane in lanes_round_robin(conn, None)? {
        let host = find(conn, &lane.key)?.and_then(|callback| lane.target(&callback));
        if host.is_none_or(|host| room(&host) > 0) && !due(conn, &lane, 1, now)?.is_empty() {
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

fn due(conn: &mut Conn, lane: &Lane, limit: usize, now: UtcTime) -> Result<Vec<DeliveryId>> {
    Ok(callback_deliveries::table
        .filter(callback_deliveries::api_key_id.eq(&lane.key))
        .filter(callback_deliveries::host.eq(&lane.host))
        .filter(callback_deliveries::due_at.is_not_null())
        .filter(is_due_at(now))
        .order(callback_deliveries::due_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(callback_deliveries::id)
        .load(conn)?)
}

fn lease_for(conn: &mut Conn, lane: &Lane, callback: &Callback, limit: usize, now: UtcTime) -> Result<Vec<Attempt>> {
    let ids = if limit == 0 { Vec::new() } else { due(conn, lane, limit, now)? };
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
    let attempt = |delivery: Delivery| {
        let url = delivery.url.clone().or_else(|| callback.url.clone())?;
        Some(Attempt { delivery, url, secrets: secrets.clone() })
    };
    Ok(leased.into_iter().filter_map(attempt).collect())
}

/// Fails the queued deliveries of a lane whose callback was removed.
fn fail_for_removed_callback(conn: &mut Conn, lane: &Lane, now: UtcTime) -> Result<()> {
    let rows = callback_deliveries::table
        .filter(callback_deliveries::api_key_id.eq(&lane.key))
        .filter(callback_deliveries::host.eq(&lane.host))
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
