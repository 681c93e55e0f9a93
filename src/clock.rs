//! The clock. It is passed to whatever needs the time, so that tests can set it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime};

use crate::store::UtcTime;

/// A source of time.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that stands still until it is set: microseconds since 1970.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `time`.
    #[must_use]
    pub fn standing_at(time: UtcTime) -> Self {
        Self::Set(Arc::new(AtomicI64::new(time.micros())))
    }

    /// The current time in UTC, to the microsecond.
    #[must_use]
    pub fn now(&self) -> UtcTime {
        match self {
            Self::System => since_1970(),
            Self::Set(micros) => UtcTime::from_micros(micros.load(Ordering::SeqCst)),
        }
    }

    /// Microseconds since an arbitrary moment, for measuring durations: setting the
    /// system's clock does not change it.
    #[must_use]
    pub fn monotonic_micros(&self) -> i64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match self {
            Self::System => i64::try_from(START.elapsed().as_micros()).unwrap_or(i64::MAX),
            Self::Set(micros) => micros.load(Ordering::SeqCst),
        }
    }

    /// Moves a standing clock forward, or back; the system's clock is not changed.
    pub fn advance(&self, seconds: i64) {
        if let Self::Set(micros) = self {
            micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
        }
    }
}

/// Without a calendar in between, since every verdict reads the clock.
fn since_1970() -> UtcTime {
    let passed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UtcTime::from_micros(i64::try_from(passed.as_micros()).unwrap_or(i64::MAX))
}
