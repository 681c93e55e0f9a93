//! A limit on submits per second.
//!
//! The crate `governor`, which limits logins, does not fit: it can't say how many
//! submits may begin without using them up, as `Transport::capacity` has to.

use std::num::NonZeroU32;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The time whose submits may begin at once.
const BURST: Duration = Duration::from_millis(100);

/// A rate limit by the generic cell rate algorithm: submits are evenly spaced, but
/// up to a tenth of a second's worth may begin at once.
pub(super) struct RateLimit(Option<Limit>);

struct Limit {
    interval: Duration,
    burst: Duration,
    /// The theoretical arrival time: when the next submit would be due if all were
    /// evenly spaced.
    due: Mutex<Instant>,
}

impl RateLimit {
    /// At most `rate` submits per second; `None` is no limit.
    pub(super) fn new(rate: Option<NonZeroU32>) -> Self {
        Self(rate.map(|rate| {
            let interval = Duration::from_secs(1) / rate.get();
            Limit { interval, burst: BURST.max(interval), due: Mutex::new(Instant::now()) }
        }))
    }

    /// How many submits may begin now.
    pub(super) fn room(&self) -> usize {
        self.0.as_ref().map_or(usize::MAX, |limit| limit.room(*limit.due.lock()))
    }

    /// Counts one submit, if it may begin now.
    pub(super) fn take(&self) -> bool {
        let Some(limit) = &self.0 else { return true };
        let mut due = limit.due.lock();
        let free = limit.room(*due) > 0;
        if free {
            *due = (*due).max(Instant::now()) + limit.interval;
        }
        free
    }

    /// Waits until a submit may begin.
    pub(super) async fn ready(&self) {
        if let Some(limit) = &self.0 {
            let due = *limit.due.lock();
            tokio::time::sleep_until(due + limit.interval - limit.burst).await;
        }
    }
}

impl Limit {
    fn room(&self, due: Instant) -> usize {
        let ahead = due.saturating_duration_since(Instant::now());
        let left = self.burst.saturating_sub(ahead);
        usize::try_from(left.as_nanos() / self.interval.as_nanos().max(1)).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn taken_within(limit: &RateLimit, time: Duration) -> usize {
        let (end, mut taken) = (Instant::now() + time, 0);
        while Instant::now() < end {
            taken += usize::from(limit.take());
            if limit.room() == 0 {
                limit.ready().await;
            }
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_and_used_up() {
        for rate in [1, 7, 100, 3000] {
            let limit = RateLimit::new(NonZeroU32::new(rate));
            let taken = taken_within(&limit, Duration::from_secs(10)).await;
            let burst = (rate / 10).max(1) as usize;
            let expected = rate as usize * 10;
            assert!((expected - expected / 10..=expected + burst).contains(&taken), "{taken} at {rate}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenth_of_a_second_may_go_together_and_no_more_after_a_rest() {
        let limit = RateLimit::new(NonZeroU32::new(100));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(limit.room(), 10);
        assert_eq!((0..20).filter(|_| limit.take()).count(), 10);
    }

    #[test]
    fn without_a_rate_there_is_always_room() {
        assert!(RateLimit::new(None).take());
    }
}
