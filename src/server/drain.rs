//! Draining: the server goes on answering while its connections close one by
//! one, so that a stop fails no request.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// How far the draining of a server is. Shared by all of its workers.
#[derive(Debug, Default)]
pub struct Drain {
    has_begun: AtomicBool,
    closes_idle: AtomicBool,
    idle_closing: Notify,
}

impl Drain {
    /// From now on every response carries `Connection: close`.
    pub fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// Whether the server is draining.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// From now on connections that wait for a request are closed, too.
    pub fn close_idle(&self) {
        self.closes_idle.store(true, Ordering::Release);
        self.idle_closing.notify_waiters();
    }

    /// Waits for `time`, or until [`Self::close_idle`] is called if that comes
    /// first. Returns whether it has been called.
    pub(super) async fn closes_idle_within(&self, time: Duration) -> bool {
        let mut notified = pin!(self.idle_closing.notified());
        // Registered before the flag is read, so that no call falls in between.
        notified.as_mut().enable();
        if !self.closes_idle.load(Ordering::Acquire) {
            let _ = timeout(time, notified).await;
        }
        self.closes_idle.load(Ordering::Acquire)
    }
}
