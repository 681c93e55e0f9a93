//! What has to be looked at again and again: messages whose worker is gone or
//! whose time is over, receipts that fitted nothing, answers and news that are
//! old.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::domain::callback;
use crate::domain::message::{self, idempotency};
use crate::error::Result;
use crate::store::{Conn, Store, UtcTime};

const EVERY: Duration = Duration::from_secs(2);
/// Messages in one transaction at most.
const MOST: usize = 200;

/// Looks again until `stop`.
pub(super) async fn keep_sweeping(store: Store, clock: Clock, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = sweep(&store, clock.now()).await {
            tracing::warn!(%error, "messages could not be looked after");
        }
        let _ = timeout(EVERY, stop.changed()).await;
    }
}

async fn sweep(store: &Store, now: UtcTime) -> Result<()> {
    // Looking costs no write lock.
    if !store.read(move |conn| needs_care(conn, now)).await? {
        return Ok(());
    }
    for strange in store.write(move |conn| look_after(conn, now)).await? {
        tracing::warn!(carrier_id = %strange, "a receipt was about no message of ours");
    }
    Ok(())
}

fn needs_care(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    Ok(message::needs_care(conn, now)? || idempotency::has_old(conn, now)? || callback::has_old(conn, now)?)
}

fn look_after(conn: &mut Conn, now: UtcTime) -> Result<Vec<String>> {
    message::settle_lost(conn, MOST, now)?;
    message::end_in_time(conn, MOST, now)?;
    message::match_receipts(conn, MOST, now)?;
    idempotency::forget_old(conn, now)?;
    callback::give_up_old(conn, MOST, now)?;
    message::forget_receipts(conn, now)
}
