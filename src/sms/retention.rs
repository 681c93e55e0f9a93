//! Removes texts and numbers of messages that are older than `--message-retention`.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::service::Sms;
use crate::domain::message::{self, MessageId, RetentionStep};
use crate::error::Result;
use crate::store::Conn;

/// How often old messages are looked for.
const INTERVAL: Duration = Duration::from_secs(600);
/// The pause between two transactions while there are more.
const BATCH_PAUSE: Duration = Duration::from_millis(500);
/// The most messages in one transaction.
const BATCH_SIZE: usize = 1_000;

/// Runs until `stop`, from the oldest messages on. None is looked at twice: the least
/// retention is longer than any message is on its way.
pub(super) async fn run(sms: Sms, days: u16, mut stop: watch::Receiver<bool>) {
    let mut last = None;
    while !*stop.borrow() {
        let pause = match step(&sms, days, &mut last).await {
            Ok(true) => BATCH_PAUSE,
            Ok(false) => INTERVAL,
            Err(error) => {
                tracing::warn!(%error, "texts and numbers of old messages could not be removed; trying again");
                INTERVAL
            }
        };
        let _ = timeout(pause, stop.changed()).await;
    }
}

/// Whether more may be left.
async fn step(sms: &Sms, days: u16, last: &mut Option<MessageId>) -> Result<bool> {
    let before = sms.clock.now().plus_seconds(-i64::from(days) * 86_400);
    let after = last.clone();
    let work = move |conn: &mut Conn| message::remove_contents(conn, after.as_ref(), before, BATCH_SIZE);
    let RetentionStep { last: seen, removed, has_more } = sms.store.write(work).await?;
    if removed > 0 {
        tracing::info!(messages = removed, "texts and numbers of old messages were removed");
    }
    *last = seen.or_else(|| last.take());
    Ok(has_more)
}
