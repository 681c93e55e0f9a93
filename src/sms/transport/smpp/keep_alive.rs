//! Keep-alives of a connection: `enquire_link` (SMPP 3.4 §4.11), and the end of a
//! connection on which the carrier is silent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The keep-alives of one connection.
pub(super) struct KeepAlive {
    interval: Duration,
    timeout: Duration,
    /// The number of commands read so far.
    received: AtomicU64,
    enquire_now: Notify,
}

impl KeepAlive {
    pub(super) fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout, received: AtomicU64::new(0), enquire_now: Notify::new() }
    }

    /// Notes a sign of life.
    pub(super) fn received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// Has the next keep-alive sent at once.
    pub(super) fn enquire(&self) {
        self.enquire_now.notify_one();
    }

    /// Calls `send` once in each interval, measured from the last call: carriers close
    /// a connection that is idle for longer. Ends with the reason, as a sentence, when
    /// the carrier sends nothing at all within the timeout.
    pub(super) async fn run(&self, send: impl Fn()) -> String {
        let mut next = Instant::now() + self.interval;
        // Until when a sign of life is awaited, and how many there were before.
        let mut awaited: Option<(Instant, u64)> = None;
        loop {
            let deadline = awaited.map_or(next, |(deadline, _)| deadline);
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.enquire_now.notified() => {}
                () = sleep_until(deadline), if awaited.is_some() => {
                    let before = awaited.take().map(|(_, received)| received);
                    if before == Some(self.received.load(Ordering::Relaxed)) {
                        return format!("the carrier was silent for {} s", self.timeout.as_secs());
                    }
                    continue;
                }
            }
            send();
            let now = Instant::now();
            next = now + self.interval;
            awaited = awaited.or_else(|| Some((now + self.timeout, self.received.load(Ordering::Relaxed))));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// When keep-alives were sent within a minute by a carrier that answers all, in
    /// seconds.
    async fn sent_within_a_minute(interval: u64, timeout: u64) -> Vec<u64> {
        let keep_alive = KeepAlive::new(Duration::from_secs(interval), Duration::from_secs(timeout));
        let (start, sent) = (Instant::now(), RefCell::new(Vec::new()));
        let run = keep_alive.run(|| {
            sent.borrow_mut().push(start.elapsed().as_secs());
            keep_alive.received();
        });
        let answered = async {
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                keep_alive.received();
            }
        };
        tokio::select! {
            reason = run => panic!("{reason}"),
            () = answered => {}
            () = tokio::time::sleep(Duration::from_millis(60_500)) => {}
        }
        sent.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn the_interval_is_measured_from_the_last_one_sent() {
        assert_eq!(sent_within_a_minute(20, 10).await, [20, 40, 60]);
        assert_eq!(sent_within_a_minute(20, 50).await, [20, 40, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_wanted_is_sent_at_once_and_silence_ends_the_connection() {
        let keep_alive = KeepAlive::new(Duration::from_secs(3600), Duration::from_secs(10));
        let (start, sent) = (Instant::now(), RefCell::new(Vec::new()));
        keep_alive.enquire();
        let reason = keep_alive.run(|| sent.borrow_mut().push(start.elapsed().as_secs())).await;
        assert_eq!((reason.as_str(), start.elapsed().as_secs()), ("the carrier was silent for 10 s", 10));
        assert_eq!(sent.into_inner(), [0]);
    }
}
