//! How a stop goes, as connections see it.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// Whether the server is about to stop.
#[derive(Debug, Default)]
pub struct Stopping {
    has_begun: AtomicBool,
    is_over: AtomicBool,
    over: Notify,
}

impl Stopping {
    /// From now on every answer is its connection's last.
    pub fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// Whether it was told to stop.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// From now on no connection is kept for a next request.
    pub fn end_notice(&self) {
        self.is_over.store(true, Ordering::Release);
        self.over.notify_waiters();
    }

    /// Waits so long, or for less when the notice is over before; whether it is.
    pub(super) async fn is_over_within(&self, time: Duration) -> bool {
        let mut over = pin!(self.over.notified());
        over.as_mut().enable();
        let is_over = || self.is_over.load(Ordering::Acquire);
        if !is_over() {
            let _ = timeout(time, over).await;
        }
        is_over()
    }
}
