//! Time limits for work on the database, seen from the async side. Work that
//! misses its deadline is not cancelled: it may still commit, so that its
//! outcome is unknown.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{DatabaseOutage, Error, Result};

/// Limit for reads, with the wait for a connection. A server that is frozen, or
/// that the network has lost, never answers by itself.
const READ_TIMEOUT: Duration = Duration::from_secs(4);
/// Limit for writes, with the wait for other programs' locks.
const WRITE_TIMEOUT: Duration = Duration::from_secs(9);

/// Waits for the result of a read.
pub(super) async fn read<T>(result: oneshot::Receiver<Result<T>>) -> Result<T> {
    within(READ_TIMEOUT, result).await
}

/// Waits for the result of a write.
pub(super) async fn write<T>(result: oneshot::Receiver<Result<T>>) -> Result<T> {
    within(WRITE_TIMEOUT, result).await
}

async fn within<T>(limit: Duration, result: oneshot::Receiver<Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, result).await {
        Ok(Ok(result)) => result,
        // The work panicked.
        Ok(Err(dropped)) => Err(Error::internal(dropped)),
        Err(_) => Err(timed_out(limit)),
    }
}

fn timed_out(limit: Duration) -> Error {
    Error::unavailable(DatabaseOutage::Unreachable, anyhow::anyhow!("no answer within {limit:?}"))
}
