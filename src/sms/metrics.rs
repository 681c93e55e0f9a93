//! What this instance did for messages, for `/metrics` and the page of carriers.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::pace::RecentPace;
use super::transport::{IgnoredDelivery, SegmentOutcome};
use crate::clock::Clock;
use crate::domain::carrier::CarrierName;
use crate::domain::message::StatusChange;
use crate::repeats::Repeats;
use crate::store::UtcTime;

/// Counters since the start of this instance, of all carriers.
#[derive(Debug, Default)]
pub struct SmsMetrics {
    accepted: AtomicU64,
    changes: Mutex<Vec<(StatusChange, u64)>>,
}

impl SmsMetrics {
    /// Counts accepted messages.
    pub(super) fn accepted(&self, messages: usize) {
        self.accepted.fetch_add(u64::try_from(messages).unwrap_or(u64::MAX), Ordering::Relaxed);
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
        let mut changes = self.changes.lock().clone();
        changes.sort_by_cached_key(|(change, _)| {
            (change.status.as_str(), change.error.map(|error| error.as_str()), change.carrier.clone())
        });
        SmsTotals { accepted: self.accepted.load(Ordering::Relaxed), changes }
    }
}

/// What [`SmsMetrics`] counted.
#[derive(Debug, Clone)]
pub struct SmsTotals {
    /// Accepted messages.
    pub accepted: u64,
    /// Messages that came to a new status.
    pub changes: Vec<(StatusChange, u64)>,
}

/// Counters of one carrier since the start of this instance, and its last error.
#[derive(Debug)]
pub struct CarrierMetrics {
    carrier: CarrierName,
    clock: Clock,
    taken: AtomicU64,
    rejected: AtomicU64,
    unanswered: AtomicU64,
    throttled: AtomicU64,
    binds: AtomicU64,
    ignored: [AtomicU64; IgnoredDelivery::ALL.len()],
    to_log: Repeats,
    last_fault: Mutex<Option<CarrierFault>>,
    pace: RecentPace,
}

/// What was wrong with the connection to a carrier, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierFault {
    /// The end of a sentence for the operator, such as `the carrier refuses the password`.
    pub sentence: String,
    /// When it was last so.
    pub at: UtcTime,
}

impl CarrierMetrics {
    /// The counters of a carrier.
    #[must_use]
    pub fn new(carrier: CarrierName, clock: Clock) -> Self {
        Self {
            carrier,
            clock,
            taken: AtomicU64::default(),
            rejected: AtomicU64::default(),
            unanswered: AtomicU64::default(),
            throttled: AtomicU64::default(),
            binds: AtomicU64::default(),
            ignored: std::array::from_fn(|_| AtomicU64::default()),
            to_log: Repeats::default(),
            last_fault: Mutex::default(),
            pace: RecentPace::default(),
        }
    }

    /// The carrier.
    pub(super) const fn carrier(&self) -> &CarrierName {
        &self.carrier
    }

    /// Counts what the carrier answered to a part of a message.
    pub(super) fn answered(&self, outcome: &SegmentOutcome) {
        let counter = match outcome {
            SegmentOutcome::Accepted(_) => &self.taken,
            SegmentOutcome::Rejected(_) | SegmentOutcome::Retry(_) => &self.rejected,
            SegmentOutcome::Unanswered => &self.unanswered,
            SegmentOutcome::NotSent | SegmentOutcome::Throttled { .. } => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if matches!(outcome, SegmentOutcome::Accepted(_)) {
            self.pace.count(self.clock.now());
        }
    }

    /// The submits that the carrier takes a second now.
    #[must_use]
    pub fn recent_pace(&self) -> f64 {
        self.pace.per_second(self.clock.now())
    }

    /// Counts a submit that the carrier throttled.
    pub(super) fn throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection to the carrier.
    pub(super) fn carrier_bound(&self) {
        self.binds.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes what is wrong with the connection: the end of a sentence.
    pub(super) fn fault(&self, sentence: &str) {
        *self.last_fault.lock() = Some(CarrierFault { sentence: sentence.to_owned(), at: self.clock.now() });
    }

    /// Counts a delivery that was not used. Returns how many were not logged since the
    /// last one that was, if this one is to be logged.
    pub(super) fn ignored(&self, kind: IgnoredDelivery) -> Option<u64> {
        let place = IgnoredDelivery::ALL.iter().position(|known| *known == kind)?;
        self.ignored[place].fetch_add(1, Ordering::Relaxed);
        self.to_log.to_log(kind.as_str())
    }

    /// What was wrong last; `None` when nothing was since the start.
    #[must_use]
    pub fn last_fault(&self) -> Option<CarrierFault> {
        self.last_fault.lock().clone()
    }

    /// The counts so far.
    #[must_use]
    pub fn totals(&self) -> CarrierTotals {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CarrierTotals {
            taken: count(&self.taken),
            rejected: count(&self.rejected),
            unanswered: count(&self.unanswered),
            throttled: count(&self.throttled),
            binds: count(&self.binds),
            ignored: IgnoredDelivery::ALL.iter().copied().zip(self.ignored.iter().map(count)).collect(),
        }
    }
}

/// What [`CarrierMetrics`] counted. Submits are segments, or whole messages where the
/// carrier takes those.
#[derive(Debug, Clone)]
pub struct CarrierTotals {
    /// Submits that the carrier took.
    pub taken: u64,
    /// Submits that it refused.
    pub rejected: u64,
    /// Submits that it did not answer.
    pub unanswered: u64,
    /// Submits that it throttled.
    pub throttled: u64,
    /// Connections to it.
    pub binds: u64,
    /// Deliveries that were not used, by kind.
    pub ignored: Vec<(IgnoredDelivery, u64)>,
}
