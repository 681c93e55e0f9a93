//! The pace of submits: the configured rate, and what the carrier's throttling
//! teaches.
//!
//! After the carrier throttles, submits pause for a second. Then they go on at the
//! rate that the carrier took last, which rises with each answer until it throttles
//! again (additive increase, multiplicative decrease, as TCP's congestion control).
//!
//! The crate `governor`, which limits logins, does not fit: it can't say how many
//! submits may begin without using them up, as `Transport::capacity` has to, and its
//! rate is fixed.

use std::num::NonZeroU32;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The time whose submits may begin at once.
const BURST: Duration = Duration::from_millis(100);
/// How long nothing is submitted after the carrier throttled.
pub(in crate::sms::transport) const THROTTLE_PAUSE: Duration = Duration::from_secs(1);
/// The lowest learned rate, in submits per second.
const MIN_RATE: f64 = 0.5;
/// Above this rate, in submits per second, nothing is limited any more.
const MAX_RATE: f64 = 100_000.0;
/// A throttled rate becomes this part of itself, and not less than half of itself.
const DECREASE: f64 = 0.9;
/// The rate rises by this part of itself each second at first, and by as much again
/// with each ten seconds without throttling.
const INCREASE_PER_SECOND: f64 = 0.01;
/// A learned rate is news when it differs from the last news by this factor.
const NEWS_FACTOR: f64 = 2.0;

/// Spaces submits evenly (generic cell rate algorithm): up to a tenth of a second's
/// worth may begin at once.
pub(in crate::sms::transport) struct Pace {
    configured: Option<f64>,
    state: Mutex<PaceState>,
}

struct PaceState {
    /// Submits per second; `None` is no limit.
    rate: Option<f64>,
    /// When the next submit would be due if all were evenly spaced.
    due: Instant,
    paused_until: Instant,
    /// When the rate was lowered last.
    lowered_at: Option<Instant>,
    answers_since_lowered: f64,
    recent: RecentAnswers,
    /// The learned rate that was reported last.
    reported: Option<f64>,
}

impl Pace {
    /// At most `rate` submits per second; `None` is no limit until the carrier
    /// throttles.
    pub(in crate::sms::transport) fn new(rate: Option<NonZeroU32>) -> Self {
        let (configured, now) = (rate.map(|rate| f64::from(rate.get())), Instant::now());
        let state = PaceState {
            rate: configured,
            due: now,
            paused_until: now,
            lowered_at: None,
            answers_since_lowered: 0.0,
            recent: RecentAnswers::new(now),
            reported: None,
        };
        Self { configured, state: Mutex::new(state) }
    }

    /// How many submits may begin now.
    pub(in crate::sms::transport) fn room(&self) -> usize {
        self.state.lock().room(Instant::now())
    }

    /// Counts one submit, if it may begin now.
    pub(in crate::sms::transport) fn take(&self) -> bool {
        let (mut state, now) = (self.state.lock(), Instant::now());
        let free = state.room(now) > 0;
        if let (true, Some(rate)) = (free, state.rate) {
            state.due = state.due.max(now) + interval(rate);
        }
        free
    }

    /// Waits until a submit may begin.
    pub(in crate::sms::transport) async fn ready(&self) {
        loop {
            let wake = self.state.lock().next_room();
            if wake <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(wake).await;
        }
    }

    /// The rate that the carrier's throttling has taught, in submits per second.
    pub(in crate::sms::transport) fn learned(&self) -> Option<f64> {
        let state = self.state.lock();
        state.lowered_at.and(state.rate).filter(|rate| self.configured != Some(*rate))
    }

    /// Counts an answer other than throttling, which lets a learned rate rise.
    pub(in crate::sms::transport) fn answered(&self) {
        let (mut state, now) = (self.state.lock(), Instant::now());
        state.recent.add(now);
        let (Some(rate), Some(_)) = (state.rate, state.lowered_at) else { return };
        state.answers_since_lowered += 1.0;
        let seconds = state.answers_since_lowered / rate;
        // An answer stands for 1/rate seconds.
        let risen = rate + INCREASE_PER_SECOND * (1.0 + seconds / 10.0);
        state.rate = match self.configured {
            Some(configured) => Some(risen.min(configured)),
            None => Some(risen).filter(|rate| *rate < MAX_RATE),
        };
    }

    /// Pauses and lowers the rate after the carrier throttled a submit that began at
    /// `began`. Returns the new rate if an operator should know it.
    pub(in crate::sms::transport) fn throttled(&self, began: Instant) -> Option<f64> {
        let (mut state, now) = (self.state.lock(), Instant::now());
        state.paused_until = now + THROTTLE_PAUSE;
        // Submits that were on their way when the rate was lowered say nothing about
        // the new rate.
        if state.lowered_at.is_some_and(|lowered| began <= lowered) {
            return None;
        }
        let recent = state.recent.within_a_second(now);
        let lowered = match state.rate {
            Some(rate) => (rate * DECREASE).min(recent.max(rate / 2.0)),
            None => recent,
        };
        let lowered = lowered.max(MIN_RATE);
        (state.rate, state.lowered_at, state.answers_since_lowered) = (Some(lowered), Some(now), 0.0);
        state.due = now;
        let is_news = state.reported.is_none_or(|last| lowered * NEWS_FACTOR <= last || last * NEWS_FACTOR <= lowered);
        is_news.then(|| {
            state.reported = Some(lowered);
            lowered
        })
    }
}

impl PaceState {
    fn room(&self, now: Instant) -> usize {
        if now < self.paused_until {
            return 0;
        }
        let Some(rate) = self.rate else { return usize::MAX };
        let interval = interval(rate);
        let left = BURST.max(interval).saturating_sub(self.due.saturating_duration_since(now));
        usize::try_from(left.as_nanos() / interval.as_nanos().max(1)).unwrap_or(usize::MAX)
    }

    fn next_room(&self) -> Instant {
        let Some(rate) = self.rate else { return self.paused_until };
        let interval = interval(rate);
        let spaced = self.due + interval - BURST.max(interval);
        spaced.max(self.paused_until)
    }
}

fn interval(rate: f64) -> Duration {
    Duration::from_secs_f64(1.0 / rate)
}

/// Counts the answers of about the last second: those of the current one, and a
/// share of the one before.
struct RecentAnswers {
    began: Instant,
    current: u32,
    previous: u32,
}

impl RecentAnswers {
    fn new(now: Instant) -> Self {
        Self { began: now, current: 0, previous: 0 }
    }

    fn add(&mut self, now: Instant) {
        self.turn(now);
        self.current += 1;
    }

    fn within_a_second(&mut self, now: Instant) -> f64 {
        self.turn(now);
        let share = 1.0 - now.duration_since(self.began).as_secs_f64().min(1.0);
        f64::from(self.current) + f64::from(self.previous) * share
    }

    fn turn(&mut self, now: Instant) {
        let second = Duration::from_secs(1);
        let passed = now.duration_since(self.began);
        if passed >= second {
            self.previous = if passed < 2 * second { self.current } else { 0 };
            self.current = 0;
            self.began = if passed < 2 * second { self.began + second } else { now };
        }
    }
}

#[cfg(test)]
mod tests;
