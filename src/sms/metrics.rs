//! What this instance did for messages, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::transport::IgnoredDelivery;
use crate::domain::message::StatusChange;

/// A cause is logged once in this time; the others are counted.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Counters since the start of this instance.
#[derive(Debug, Default)]
pub struct SmsMetrics {
    accepted: AtomicU64,
    throttled: AtomicU64,
    binds: AtomicU64,
    ignored: [AtomicU64; IgnoredDelivery::ALL.len()],
    last_logged: Mutex<[Option<(Instant, u64)>; IgnoredDelivery::ALL.len()]>,
    changes: Mutex<Vec<(StatusChange, u64)>>,
}

impl SmsMetrics {
    /// Counts accepted messages.
    pub(super) fn accepted(&self, messages: usize) {
        self.accepted.fetch_add(u64::try_from(messages).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts a submit that the carrier throttled.
    pub(super) fn throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection to the carrier.
    pub(super) fn carrier_bound(&self) {
        self.binds.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a delivery that was not used. Returns how many were not logged since the
    /// last one that was, if this one is to be logged.
    pub(super) fn ignored(&self, kind: IgnoredDelivery) -> Option<u64> {
        let place = IgnoredDelivery::ALL.iter().position(|known| *known == kind)?;
        let count = self.ignored[place].fetch_add(1, Ordering::Relaxed) + 1;
        let mut logged = self.last_logged.lock();
        let last = logged[place];
        if last.is_some_and(|(at, _)| at.elapsed() < LOG_INTERVAL) {
            return None;
        }
        logged[place] = Some((Instant::now(), count));
        Some(count - 1 - last.map_or(0, |(_, count)| count))
    }

    /// Counts messages that came to a new status.
    pub(super) fn changed(&self, changes: impl IntoIterator<Item = StatusChange>) {
        let mut counts = self.changes.lock();
        for change in changes {
            match counts.iter_mut().find(|(known, _)| *known == change) {
                Some((_, count)) => *count += 1,
                None => counts.push((change, 1)),
            }
        }
    }

    /// The counts so far.
    pub(super) fn totals(&self) -> SmsTotals {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut changes = self.changes.lock().clone();
        changes.sort_by_key(|(change, _)| {
            (change.status.as_str(), change.error.map(|error| error.as_str()), change.rehearsed)
        });
        SmsTotals {
            accepted: count(&self.accepted),
            throttled: count(&self.throttled),
            binds: count(&self.binds),
            ignored: IgnoredDelivery::ALL.iter().copied().zip(self.ignored.iter().map(count)).collect(),
            changes,
        }
    }
}

/// What [`SmsMetrics`] counted.
#[derive(Debug, Clone)]
pub struct SmsTotals {
    /// Accepted messages.
    pub accepted: u64,
    /// Submits that the carrier throttled.
    pub throttled: u64,
    /// Connections to the carrier.
    pub binds: u64,
    /// Deliveries that were not used, by kind.
    pub ignored: Vec<(IgnoredDelivery, u64)>,
    /// Messages that came to a new status.
    pub changes: Vec<(StatusChange, u64)>,
}
