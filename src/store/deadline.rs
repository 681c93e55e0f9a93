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

/// Waits for the result of a write in the group commit.
pub(super) async fn group_write<T>(result: oneshot::Receiver<Result<T>>) -> Result<T> {
    match tokio::time::timeout(WRITE_TIMEOUT, result).await {
        Ok(Ok(result)) => result,
        Ok(Err(dropped)) => Err(Error::internal(dropped)),
        Err(_) => Err(timed_out(WRITE_TIMEOUT)),
    }
}

/// Runs a read on a thread that may block.
pub(super) async fn read<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    blocking(READ_TIMEOUT, work).await
}

/// Runs a write on a thread that may block.
pub(super) async fn write<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    blocking(WRITE_TIMEOUT, work).await
}

async fn blocking<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let Ok(done) = tokio::time::timeout(limit, tokio::task::spawn_blocking(work)).await else {
        return Err(timed_out(limit));
    };
    done.unwrap_or_else(|panic| Err(Error::internal(panic)))
}

fn timed_out(limit: Duration) -> Error {
    Error::unavailable(DatabaseOutage::Unreachable, anyhow::anyhow!("no answer within {limit:?}"))
}
