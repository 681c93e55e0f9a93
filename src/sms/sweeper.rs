//! Periodic work: expired leases, messages and deliveries past their time,
//! receipts that matched no segment yet, expired idempotency records, and counts
//! of messages to add up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::service::Sms;
use super::transport::IgnoredDelivery;
use crate::domain::callback;
use crate::domain::carrier::CarrierName;
use crate::domain::idempotency;
use crate::domain::message::{self, StatusChange};
use crate::error::Result;
use crate::store::{Conn, UtcTime, log_outage};

/// The least time between two sweeps.
const SWEEP_INTERVAL: Duration = Duration::from_secs(2);
/// The most messages of each kind in one transaction.
const BATCH_SIZE: usize = 200;
/// The most changes of counts in one transaction.
const FOLD_SIZE: usize = 2_000;

/// Receipts that no message was found for: the carrier, and its id of the message.
type UnmatchedReceipts = Vec<(CarrierName, String)>;

/// Sweeps whenever `due` is notified, until `stop`.
pub(super) async fn run(sms: Sms, due: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::select! {
            () = due.notified() => {}
            _ = stop.changed() => return,
        }
        if let Err(error) = sweep(&sms).await {
            log_outage(&error);
        }
        let _ = timeout(SWEEP_INTERVAL, stop.changed()).await;
    }
}

async fn sweep(sms: &Sms) -> Result<()> {
    let now = sms.clock.now();
    let swept = sweep_messages(sms, now).await;
    // Also after a failure, or the changes of counts would pile up until it is mended.
    while sms.store.write(move |conn| message::fold_counts(conn, FOLD_SIZE, now)).await? {}
    swept
}

async fn sweep_messages(sms: &Sms, now: UtcTime) -> Result<()> {
    let carriers = Arc::clone(&sms.carriers);
    let takes_whole = move |name: &CarrierName| {
        let carrier = carriers.get().and_then(|carriers| carriers.find(name));
        carrier.is_some_and(|carrier| carrier.transport.takes_whole_messages())
    };
    let (changes, unmatched) = sms.store.write(move |conn| run_all(conn, &takes_whole, now)).await?;
    sms.metrics.changed(changes);
    for (name, carrier_id) in unmatched {
        let kind = IgnoredDelivery::Unmatched;
        let carrier = sms.carriers().and_then(|carriers| carriers.find(&name));
        // Another system that shares the carrier's account has thousands of them.
        if let Some(others) = carrier.and_then(|carrier| carrier.metrics.ignored(kind)) {
            tracing::warn!(carrier = %name, %carrier_id, others, "a delivery of the carrier {}; it is ignored", kind.sentence());
        }
    }
    Ok(())
}

/// Whether there is anything to sweep, by reads that take no write lock.
pub(super) fn is_needed(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    Ok(message::needs_sweep(conn, now)? || idempotency::has_expired(conn, now)? || callback::has_expired(conn, now)?)
}

/// Returns the messages that changed, and the carriers and their ids of receipts that
/// were deleted unmatched.
fn run_all(
    conn: &mut Conn,
    takes_whole: impl Fn(&CarrierName) -> bool,
    now: UtcTime,
) -> Result<(Vec<StatusChange>, UnmatchedReceipts)> {
    message::correct_due_times(conn, now)?;
    let mut changes = message::settle_expired_leases(conn, takes_whole, BATCH_SIZE, now)?;
    changes.extend(message::end_overdue(conn, BATCH_SIZE, now)?);
    changes.extend(message::match_receipts(conn, BATCH_SIZE, now)?);
    idempotency::delete_expired(conn, now)?;
    callback::fail_expired(conn, BATCH_SIZE, now)?;
    Ok((changes, message::delete_unmatched_receipts(conn, now)?))
}
