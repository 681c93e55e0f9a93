//! Removes texts and numbers of messages that are older than `--message-retention`.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::service::Sms;
use crate::domain::message::{self, MessageId, RetentionStep};
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// How often old messages are looked for.
const INTERVAL: Duration = Duration::from_secs(600);
/// The pause between two transactions while there are more.
const BATCH_PAUSE: Duration = Duration::from_millis(500);
/// The most messages in one transaction.
const BATCH_SIZE: usize = 1_000;
const DAY_SECONDS: i64 = 86_400;

/// Runs until `stop`.
pub(super) async fn run(sms: Sms, days: u16, mut stop: watch::Receiver<bool>) {
    let mut pass = Pass::new(sms.clock.now());
    while !*stop.borrow() {
        let pause = match step(&sms, days, &mut pass.last).await {
            Ok(true) => BATCH_PAUSE,
            Ok(false) => {
                pass.begin_anew_after_a_day(sms.clock.now());
                INTERVAL
            }
            Err(error) => {
                tracing::warn!(%error, "texts and numbers of old messages could not be removed; trying again");
                INTERVAL
            }
        };
        let _ = timeout(pause, stop.changed()).await;
    }
}

/// Goes over all messages, from the oldest on. What was still on its way, as a callback
/// that is tried again may be, is found by the pass of the next day.
struct Pass {
    began: UtcTime,
    /// The last message that was looked at.
    last: Option<MessageId>,
}

impl Pass {
    const fn new(began: UtcTime) -> Self {
        Self { began, last: None }
    }

    fn begin_anew_after_a_day(&mut self, now: UtcTime) {
        if self.began.plus_seconds(DAY_SECONDS) <= now {
            *self = Self::new(now);
        }
    }
}

/// Whether more may be left.
async fn step(sms: &Sms, days: u16, last: &mut Option<MessageId>) -> Result<bool> {
    let before = sms.clock.now().plus_seconds(-i64::from(days) * DAY_SECONDS);
    let after = last.clone();
    let work = move |conn: &mut Conn| message::remove_contents(conn, after.as_ref(), before, BATCH_SIZE);
    let RetentionStep { last: seen, removed, has_more } = sms.store.write(work).await?;
    if removed > 0 {
        tracing::info!(messages = removed, "texts and numbers of old messages were removed");
    }
    *last = seen.or_else(|| last.take());
    Ok(has_more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_on_its_way_is_looked_at_again_the_next_day() {
        let began = UtcTime::from_micros(1_772_366_400_000_000);
        let mut pass = Pass { last: Some(MessageId::mint()), ..Pass::new(began) };

        pass.begin_anew_after_a_day(began.plus_seconds(DAY_SECONDS - 1));
        assert!(pass.last.is_some());
        pass.begin_anew_after_a_day(began.plus_seconds(DAY_SECONDS));
        assert_eq!((pass.last, pass.began), (None, began.plus_seconds(DAY_SECONDS)));
    }
}
