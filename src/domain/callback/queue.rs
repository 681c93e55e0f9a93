//! The queue of callbacks: each key's in turn, so that no customer waits for
//! another's.

use diesel::prelude::*;

use super::delivery::{Delivery, DeliveryId, DeliveryStatus};
use super::outcome::{Outcome, Trouble, retry_at};
use super::{Callback, CallbackSecret, Target, find};
use crate::domain::api_key::ApiKeyId;
use crate::error::Result;
use crate::store::schema::callback_deliveries;
use crate::store::{Conn, Steadily, UtcTime};

/// How long a worker has to say what came of a try, in seconds; longer than any
/// receiver is waited for. After that it is tried again.
pub const LEASE_SECONDS: i64 = 60;

/// A delivery that this worker, and for now no other, is to try.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The delivery.
    pub delivery: Delivery,
    /// Where to.
    pub url: Target,
    /// What to sign it with.
    pub secret: CallbackSecret,
}

/// Leases up to `most` deliveries that are due, of the keys behind `after`
/// first; `room` says how many a host can have now. Also gives the key where to
/// go on next time.
///
/// # Errors
/// When the database fails.
pub fn lease(
    conn: &mut Conn,
    after: Option<&ApiKeyId>,
    most: usize,
    mut room: impl FnMut(&str) -> usize,
    now: UtcTime,
) -> Result<(Vec<Attempt>, Option<ApiKeyId>)> {
    let (mut attempts, mut last) = (Vec::new(), None);
    for key in keys_in_turn(conn, after)? {
        let free = most - attempts.len();
        if free == 0 {
            break;
        }
        last = Some(key.clone());
        match find(conn, &key)? {
            Some(callback) => {
                let taken =
                    attempts.iter().filter(|attempt: &&Attempt| attempt.url.host() == callback.url.host()).count();
                let wanted = room(&callback.url.host()).saturating_sub(taken).min(free);
                attempts.extend(lease_for(conn, &callback, wanted, now)?);
            }
            None => give_up(conn, &key, now)?,
        }
    }
    Ok((attempts, last))
}

/// The keys with something in the queue, those behind `after` first. Each is
/// one step in the index, however much it has there.
///
/// # Errors
/// When the database fails.
fn keys_in_turn(conn: &mut Conn, after: Option<&ApiKeyId>) -> Result<Vec<ApiKeyId>> {
    let (mut keys, mut last) = (Vec::new(), String::new());
    loop {
        let next: Option<ApiKeyId> = callback_deliveries::table
            .filter(callback_deliveries::due_at.is_not_null())
            .filter(callback_deliveries::api_key_id.gt(&last))
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

/// Whether a delivery waits for its turn, to a host that has room.
///
/// # Errors
/// When the database fails.
pub fn is_due(conn: &mut Conn, room: impl Fn(&str) -> usize, now: UtcTime) -> Result<bool> {
    for key in keys_in_turn(conn, None)? {
        let has_room = find(conn, &key)?.is_none_or(|callback| room(&callback.url.host()) > 0);
        if has_room && !due(conn, &key, 1, now)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn due(conn: &mut Conn, key: &ApiKeyId, most: usize, now: UtcTime) -> Result<Vec<DeliveryId>> {
    Ok(callback_deliveries::table
        .filter(callback_deliveries::api_key_id.eq(key))
        .filter(callback_deliveries::due_at.is_not_null())
        .filter(callback_deliveries::due_at.le(now))
        .order(callback_deliveries::due_at)
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select(callback_deliveries::id)
        .load(conn)?)
}

fn lease_for(conn: &mut Conn, callback: &Callback, most: usize, now: UtcTime) -> Result<Vec<Attempt>> {
    let ids = if most == 0 { Vec::new() } else { due(conn, &callback.api_key_id, most, now)? };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // Whether it is due once more: on PostgreSQL another worker may have been quicker.
    let rows = callback_deliveries::table
        .filter(callback_deliveries::id.eq_any(&ids))
        .filter(callback_deliveries::due_at.le(now));
    let leased: Vec<Delivery> = diesel::update(rows)
        .set(callback_deliveries::due_at.eq(now.plus_seconds(LEASE_SECONDS)))
        .returning(callback_deliveries::all_columns)
        .get_results(conn)?;
    let attempt = |delivery| Attempt { delivery, url: callback.url.clone(), secret: callback.secret.clone() };
    Ok(leased.into_iter().map(attempt).collect())
}

/// Ends what waits for a key without a callback.
fn give_up(conn: &mut Conn, key: &ApiKeyId, now: UtcTime) -> Result<()> {
    let rows = callback_deliveries::table
        .filter(callback_deliveries::api_key_id.eq(key))
        .filter(callback_deliveries::due_at.is_not_null());
    diesel::update(rows)
        .set((
            callback_deliveries::status.eq(DeliveryStatus::Failed),
            callback_deliveries::due_at.eq(None::<UtcTime>),
            callback_deliveries::error.eq(Trouble::Removed),
            callback_deliveries::http_status.eq(None::<i64>),
            callback_deliveries::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes down what came of a try. A delivery that another worker has settled
/// meanwhile stays as it is.
///
/// # Errors
/// When the database fails.
pub fn settle(conn: &mut Conn, delivery: &Delivery, outcome: Outcome, now: UtcTime) -> Result<()> {
    let tries = delivery.tries + 1;
    let next = if outcome.is_success() { None } else { retry_at(outcome, tries, delivery.created_at, now) };
    let status = match (outcome.is_success(), next) {
        (true, _) => DeliveryStatus::Delivered,
        (false, Some(_)) => DeliveryStatus::Waiting,
        (false, None) => DeliveryStatus::Failed,
    };
    let (error, http_status) = match outcome {
        Outcome::Answered { status, .. } => (None, Some(i64::from(status))),
        Outcome::Unanswered(trouble) => (Some(trouble), None),
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
        .steadily()
        .execute(conn)?;
    Ok(())
}
