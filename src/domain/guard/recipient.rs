//! Messages to one recipient: the latest ones are looked up, so that every stretch of 10
//! minutes and of 24 hours is counted exactly.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::record::Guard;
use crate::domain::message::Message;
use crate::domain::message::phone_number::PhoneNumber;
use crate::error::{Error, GuardRefusal, GuardRule, Result};
use crate::format::count;
use crate::store::schema::messages;
use crate::store::{Conn, PrepareCached, UtcTime};

const SHORT_WINDOW_SECONDS: i64 = 10 * 60;
const DAY_SECONDS: i64 = 24 * 3600;
/// As text, since a partial index serves no value that is bound later.
const IS_LIVE: &str = "messages.mode = 'live'";

/// Refuses the first of these messages that would be one too many to its recipient.
pub(super) fn check(conn: &mut Conn, guard: &Guard, messages: &[Message], now: UtcTime) -> Result<()> {
    let limits = &guard.limits;
    let windows = [
        (limits.recipient_10_minutes, SHORT_WINDOW_SECONDS, "10 minutes"),
        (limits.recipient_day, DAY_SECONDS, "24 hours"),
    ];
    let Some(most) = windows.iter().filter_map(|(limit, ..)| *limit).max() else { return Ok(()) };
    for (index, message) in messages.iter().enumerate() {
        let times = latest(conn, guard, message, now, most)?;
        for (limit, seconds, words) in windows {
            let Some(limit) = limit else { continue };
            let oldest = usize::try_from(limit - 1).ok().and_then(|place| times.get(place));
            let free_at = oldest.map(|oldest| oldest.plus_seconds(seconds)).filter(|free_at| *free_at > now);
            if let Some(free_at) = free_at {
                let wait = seconds_until(free_at, now);
                let detail = detail(guard, &message.recipient, limit, words, wait);
                return Err(Error::GuardRefused(Box::new(GuardRefusal {
                    rule: GuardRule::Recipient,
                    holder: guard.holder.clone(),
                    index: Some(index),
                    retry_after: Some(wait),
                    detail,
                })));
            }
        }
    }
    Ok(())
}

/// When the latest messages to the recipient of this one were accepted, the last one first.
fn latest(conn: &mut Conn, guard: &Guard, message: &Message, now: UtcTime, limit: i64) -> Result<Vec<UtcTime>> {
    let key = guard.api_key_id.as_ref();
    let rows = messages::table
        .filter(messages::account_id.eq(&guard.account_id))
        .filter(messages::recipient.eq(&message.recipient))
        .filter(messages::rehearsed.eq(message.rehearsed))
        .filter(messages::created_at.gt(now.plus_seconds(-DAY_SECONDS)))
        .filter(sql::<Bool>(IS_LIVE))
        .order(messages::created_at.desc())
        .limit(limit)
        .select(messages::created_at);
    Ok(match key {
        Some(key) => rows.filter(messages::api_key_id.eq(key)).prepare_cached().load(conn)?,
        None => rows.prepare_cached().load(conn)?,
    })
}

/// Whole seconds, at least one.
pub(super) fn seconds_until(time: UtcTime, now: UtcTime) -> u64 {
    let micros = time.micros().saturating_sub(now.micros());
    u64::try_from(micros).unwrap_or_default().div_ceil(1_000_000).max(1)
}

fn detail(guard: &Guard, number: &PhoneNumber, limit: i64, window: &str, wait: u64) -> String {
    format!(
        "{number} has had {} in {window}, the most that {} allows. Wait {wait} seconds, or raise the sending limit. \
         Nothing was charged and nothing is sent.",
        count(limit, "message"),
        guard.whose(),
    )
}
