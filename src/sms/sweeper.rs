//! Periodic work: expired leases, messages and deliveries past their time,
//! receipts that matched no segment yet, and expired idempotency records.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::service::Sms;
use crate::domain::callback;
use crate::domain::message::{self, MessageId, RetentionStep, StatusChange, idempotency};
use crate::error::Result;
use crate::store::{Conn, UtcTime};

const SWEEP_INTERVAL: Duration = Duration::from_secs(2);
/// The most messages of each kind in one transaction.
const BATCH_SIZE: usize = 200;

/// The most messages that lose their texts and numbers in one transaction.
const RETENTION_BATCH_SIZE: usize = 1_000;
/// How often old messages are looked for.
const RETENTION_INTERVAL: Duration = Duration::from_secs(600);

/// Sweeps periodically until `stop`. With `retention_days`, texts and numbers of
/// messages that are older are removed.
pub(super) async fn run(sms: Sms, retention_days: Option<u16>, mut stop: watch::Receiver<bool>) {
    let mut retention = retention_days.map(|days| Retention { days, last: None, due: Instant::now() });
    while !*stop.borrow() {
        if let Err(error) = sweep(&sms).await {
            tracing::warn!(%error, "the periodic sweep failed");
        }
        if let Some(retention) = &mut retention
            && let Err(error) = retention.step(&sms).await
        {
            tracing::warn!(%error, "texts and numbers of old messages could not be removed; trying again");
        }
        let _ = timeout(SWEEP_INTERVAL, stop.changed()).await;
    }
}

async fn sweep(sms: &Sms) -> Result<()> {
    let now = sms.clock.now();
    // A read first, so that an idle instance takes no write lock.
    if !sms.store.read(move |conn| is_needed(conn, now)).await? {
        return Ok(());
    }
    let (changes, unmatched) = sms.store.write(move |conn| run_all(conn, now)).await?;
    sms.metrics.changed(changes);
    for carrier_id in unmatched {
        tracing::warn!(%carrier_id, "a delivery receipt matched no message and was dropped");
    }
    Ok(())
}

fn is_needed(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    Ok(message::needs_sweep(conn, now)? || idempotency::has_expired(conn, now)? || callback::has_expired(conn, now)?)
}

/// Returns the messages that changed, and the carrier ids of receipts that were
/// deleted unmatched.
fn run_all(conn: &mut Conn, now: UtcTime) -> Result<(Vec<StatusChange>, Vec<String>)> {
    message::correct_due_times(conn, now)?;
    let mut changes = message::settle_expired_leases(conn, BATCH_SIZE, now)?;
    changes.extend(message::end_overdue(conn, BATCH_SIZE, now)?);
    changes.extend(message::match_receipts(conn, BATCH_SIZE, now)?);
    idempotency::delete_expired(conn, now)?;
    callback::fail_expired(conn, BATCH_SIZE, now)?;
    Ok((changes, message::delete_unmatched_receipts(conn, now)?))
}

/// Removes texts and numbers, from the oldest messages on.
struct Retention {
    days: u16,
    /// The last message that was looked at. None before it is looked at again: the
    /// least retention is longer than any message is on its way.
    last: Option<MessageId>,
    due: Instant,
}

impl Retention {
    async fn step(&mut self, sms: &Sms) -> Result<()> {
        if Instant::now() < self.due {
            return Ok(());
        }
        let before = sms.clock.now().plus_seconds(-i64::from(self.days) * 86_400);
        let last = self.last.clone();
        let work = move |conn: &mut Conn| message::remove_contents(conn, last.as_ref(), before, RETENTION_BATCH_SIZE);
        let RetentionStep { last, removed, has_more } = sms.store.write(work).await?;
        self.last = last.or_else(|| self.last.take());
        if removed > 0 {
            tracing::info!(messages = removed, "texts and numbers of old messages were removed");
        }
        if !has_more {
            self.due = Instant::now() + RETENTION_INTERVAL;
        }
        Ok(())
    }
}
