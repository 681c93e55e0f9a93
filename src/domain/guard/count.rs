//! Messages in a minute and credits in a day: counted by adding up, in the transaction of
//! the debit.

use super::recipient::seconds_until;
use super::record::Guard;
use super::warning::{GuardWarning, WarnedLimit, level};
use super::window::{CountKind, CountSlot, Counter};
use crate::domain::message::{Message, day_of};
use crate::error::{Error, GuardRefusal, GuardRule, Result};
use crate::format::{count, grouped};
use crate::store::{Conn, UtcTime};

const MINUTE_SECONDS: i64 = 60;
/// Messages are counted in slots of so many seconds; those that a minute only touches count
/// whole, so that no minute ever has too many.
const SLOT_SECONDS: i64 = 5;
const DAY_SECONDS: i64 = 24 * 3600;
/// For so long pages tell that a minute was nearly full.
pub(super) const MINUTE_NEWS_SECONDS: i64 = 3600;

/// Counts these messages, rehearsed ones apart. Gives what is to be warned of.
pub(super) fn add(conn: &mut Conn, guard: &Guard, messages: &[Message], now: UtcTime) -> Result<Vec<GuardWarning>> {
    let mut warnings = Vec::new();
    for rehearsed in [false, true] {
        let counted = || messages.iter().filter(|message| message.rehearsed == rehearsed);
        let number = i64::try_from(counted().count()).unwrap_or(i64::MAX);
        let credits: i64 = counted().map(|message| message.credits).sum();
        if let Some(limit) = guard.limits.messages_minute.filter(|_| number > 0) {
            warnings.extend(add_messages(conn, guard, rehearsed, number, limit, now)?);
        }
        if let Some(limit) = guard.limits.credits_day.filter(|_| credits > 0) {
            warnings.extend(add_credits(conn, guard, rehearsed, credits, limit, now)?);
        }
    }
    Ok(warnings)
}

/// The first slot that the minute before `now` touches.
pub(super) fn minute_begins(now: UtcTime) -> UtcTime {
    slot_of(now.plus_seconds(-MINUTE_SECONDS))
}

fn slot_of(time: UtcTime) -> UtcTime {
    let micros = SLOT_SECONDS * 1_000_000;
    UtcTime::from_micros(time.micros() - time.micros().rem_euclid(micros))
}

fn add_messages(
    conn: &mut Conn,
    guard: &Guard,
    rehearsed: bool,
    number: i64,
    limit: i64,
    now: UtcTime,
) -> Result<Option<GuardWarning>> {
    let counter = Counter { holder: &guard.holder, kind: CountKind::Messages, rehearsed };
    let slots = counter.since(conn, minute_begins(now))?;
    let used = number.saturating_add(slots.iter().map(|slot| slot.used).sum());
    if used > limit {
        let wait = seconds_until(free_at(&slots, used - limit, now), now);
        let detail = if number > limit {
            format!(
                "{} at once, but {} sends at most {} a minute. Send",
                grouped(number),
                guard.whose(),
                grouped(limit)
            ) + " fewer at once, or raise the sending limit."
        } else {
            let most = count(limit, "message");
            format!(
                "{} sends at most {most} a minute. Wait {wait} seconds, or raise the limit.",
                capital(guard.whose())
            )
        };
        return Err(refusal(guard, GuardRule::Minute, wait, &detail));
    }
    let warned = slots.iter().map(|slot| slot.warned).max().unwrap_or_default();
    let now_level = level(used, limit);
    // As the slot keeps the level, it is warned once while the minute has it.
    let slot = CountSlot { begins: slot_of(now), used: number, warned: warned_in(&slots, slot_of(now)).max(now_level) };
    counter.add(conn, slot, now.plus_seconds(-MINUTE_NEWS_SECONDS))?;
    Ok((now_level > warned).then(|| warning(guard, WarnedLimit::MessagesMinute, used, limit)))
}

/// What was warned of in the slot that begins then.
fn warned_in(slots: &[CountSlot], begins: UtcTime) -> i64 {
    slots.iter().find(|slot| slot.begins == begins).map_or(0, |slot| slot.warned)
}

/// When so much of what these slots hold will be over.
fn free_at(slots: &[CountSlot], excess: i64, now: UtcTime) -> UtcTime {
    let mut freed = 0_i64;
    let enough = slots.iter().find(|slot| {
        freed = freed.saturating_add(slot.used);
        freed >= excess
    });
    let begins = enough.map_or_else(|| slot_of(now), |slot| slot.begins);
    begins.plus_seconds(SLOT_SECONDS + MINUTE_SECONDS)
}

fn add_credits(
    conn: &mut Conn,
    guard: &Guard,
    rehearsed: bool,
    credits: i64,
    limit: i64,
    now: UtcTime,
) -> Result<Option<GuardWarning>> {
    let counter = Counter { holder: &guard.holder, kind: CountKind::Credits, rehearsed };
    let today = day_of(now);
    let row = counter.since(conn, today)?.into_iter().next_back();
    let (before, warned) = row.map_or((0, 0), |slot| (slot.used, slot.warned));
    let used = before.saturating_add(credits);
    if used > limit {
        let left = count((limit - before).max(0), "credit");
        let detail = format!(
            "This costs {}, and {left} of the {} that {} may spend in a day are left. The next day begins at 00:00 UTC; \
             or raise the sending limit.",
            count(credits, "credit"),
            grouped(limit),
            guard.whose(),
        );
        let wait = seconds_until(today.plus_seconds(DAY_SECONDS), now);
        return Err(refusal(guard, GuardRule::Day, wait, &detail));
    }
    let now_level = level(used, limit);
    let begins = row.map_or(today, |slot| slot.begins);
    counter.add(conn, CountSlot { begins, used: credits, warned: warned.max(now_level) }, today)?;
    Ok((now_level > warned).then(|| warning(guard, WarnedLimit::CreditsDay, used, limit)))
}

/// Starts the count of a day with what was spent on it before there was a limit.
pub(super) fn begin_day(conn: &mut Conn, holder: &str, spent: i64, now: UtcTime) -> Result<()> {
    let counter = Counter { holder, kind: CountKind::Credits, rehearsed: false };
    let tomorrow = day_of(now).plus_seconds(DAY_SECONDS);
    counter.forget_before(conn, tomorrow)?;
    counter.insert(conn, CountSlot { begins: day_of(now), used: spent.max(0), warned: 0 })
}

fn warning(guard: &Guard, limit_kind: WarnedLimit, used: i64, limit: i64) -> GuardWarning {
    GuardWarning { holder: guard.holder.clone(), limit_kind, used, limit }
}

fn refusal(guard: &Guard, rule: GuardRule, wait: u64, detail: &str) -> Error {
    let detail = format!("{detail} Nothing was charged and nothing is sent.");
    Error::GuardRefused(Box::new(GuardRefusal {
        rule,
        holder: guard.holder.clone(),
        index: None,
        retry_after: Some(wait),
        detail,
    }))
}

/// With a capital letter, as a sentence begins.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}
