//! Whether messages may be sent now: how many at once, how fast, and what the last
//! answers say about the carrier.
//!
//! After a failure that is not the message's, nothing begins until the messages on their
//! way have come back; if none of them was answered, one message is tried at a time, each
//! after a longer pause. So a carrier that hangs leaves at most one window unknown.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::sms::transport::interface::{LinkProblem, LinkState};
use crate::sms::transport::smpp::pace::{Pace, THROTTLE_PAUSE};

/// The pauses after an answer about the account, in seconds; the last one stays. Carriers
/// lock out users that retry quickly.
const HELD_PAUSES: [u64; 4] = [30, 60, 120, 300];
/// The pauses while nobody can be reached, or nobody answers, in milliseconds.
const FAILED_PAUSES: [u64; 8] = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000];
/// The longest pause that a carrier may ask for.
const MAX_ASKED_PAUSE: Duration = Duration::from_secs(3_600);
/// A carrier that has refused nothing for so long no longer throttles.
const THROTTLING_ENDS_AFTER: Duration = Duration::from_secs(10);

/// The state of the connection to a carrier.
pub(super) struct HttpLink {
    window: usize,
    pace: Pace,
    state: Mutex<LinkInner>,
    /// Notified when a message comes back, and when the link is closed.
    changed: Notify,
}

struct LinkInner {
    in_flight: usize,
    trouble: Option<Trouble>,
    paused_until: Instant,
    throttled: Option<Throttling>,
    /// When the trouble began, or when it ended.
    since: Instant,
    is_closed: bool,
}

struct Trouble {
    problem: LinkProblem,
    failures: usize,
    /// When the failure came that was counted last.
    counted_at: Instant,
    probe_at: Instant,
}

#[derive(Clone, Copy)]
struct Throttling {
    since: Instant,
    last: Instant,
}

/// A message on its way. Dropping it counts it as back.
pub(super) struct MessageInFlight {
    link: Arc<HttpLink>,
    began: Instant,
}

impl Drop for MessageInFlight {
    fn drop(&mut self) {
        self.link.state.lock().in_flight -= 1;
        self.link.changed.notify_waiters();
    }
}

impl HttpLink {
    pub(super) fn new(window: usize, rate: Option<NonZeroU32>) -> Self {
        let now = Instant::now();
        let state =
            LinkInner { in_flight: 0, trouble: None, paused_until: now, throttled: None, since: now, is_closed: false };
        Self { window, pace: Pace::new(rate), state: Mutex::new(state), changed: Notify::new() }
    }

    /// How many messages may begin now.
    pub(super) fn capacity(&self) -> usize {
        self.state.lock().room(self.window, Instant::now()).min(self.pace.room())
    }

    /// Waits until a message may begin; for ever once the link is closed.
    pub(super) async fn ready(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let wake = {
                let (state, now) = (self.state.lock(), Instant::now());
                if state.room(self.window, now) > 0 { None } else { Some(state.wake(now)) }
            };
            match wake {
                None => {
                    self.pace.ready().await;
                    if self.capacity() > 0 {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
                Some(Some(at)) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = changed => {}
                },
                Some(None) => changed.await,
            }
        }
    }

    /// Counts a message as on its way, if it may begin now.
    pub(super) fn begin(self: &Arc<Self>) -> Option<MessageInFlight> {
        let (mut state, began) = (self.state.lock(), Instant::now());
        if state.room(self.window, began) == 0 || !self.pace.take() {
            return None;
        }
        state.in_flight += 1;
        Some(MessageInFlight { link: Arc::clone(self), began })
    }

    /// The carrier dealt with a message. Returns whether that ended a trouble.
    pub(super) fn answered(&self) -> bool {
        self.pace.answered();
        let mut state = self.state.lock();
        let ended = state.trouble.take().is_some();
        if ended {
            state.since = Instant::now();
        }
        ended
    }

    /// The carrier takes no more at the moment. Returns the rate that it takes, if an
    /// operator should know it.
    pub(super) fn throttled(&self, message: &MessageInFlight, after: Option<Duration>) -> Option<f64> {
        let (mut state, now) = (self.state.lock(), Instant::now());
        let pause = after.unwrap_or(THROTTLE_PAUSE).min(MAX_ASKED_PAUSE);
        state.paused_until = state.paused_until.max(now + pause);
        let since = state.throttled(now).map_or(now, |known| known.since);
        state.throttled = Some(Throttling { since, last: now.max(state.paused_until) });
        self.pace.throttled(message.began)
    }

    /// A failure that is not the message's.
    pub(super) fn failed(&self, message: &MessageInFlight, problem: LinkProblem) {
        let (mut state, now) = (self.state.lock(), Instant::now());
        // What was on its way when the failure was counted says nothing new.
        if let Some(known) = &mut state.trouble
            && message.began <= known.counted_at
        {
            known.problem = problem;
            return;
        }
        let failures = state.trouble.as_ref().map_or(0, |known| known.failures);
        let pause = if problem.needs_operator {
            Duration::from_secs(HELD_PAUSES[failures.min(HELD_PAUSES.len() - 1)])
        } else {
            Duration::from_millis(FAILED_PAUSES[failures.min(FAILED_PAUSES.len() - 1)])
        };
        if state.trouble.is_none() {
            state.since = now;
        }
        state.trouble = Some(Trouble { problem, failures: failures + 1, counted_at: now, probe_at: now + pause });
    }

    pub(super) fn state(&self) -> LinkState {
        let (state, now) = (self.state.lock(), Instant::now());
        LinkState {
            problem: state.trouble.as_ref().map(|trouble| trouble.problem.clone()),
            lasts: now.duration_since(state.since),
            throttled_for: state.throttled(now).map(|throttling| now.duration_since(throttling.since)),
            learned_rate: self.pace.learned(),
        }
    }

    /// Lets nothing begin any more.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
        self.changed.notify_waiters();
    }
}

impl LinkInner {
    fn room(&self, window: usize, now: Instant) -> usize {
        if self.is_closed || now < self.paused_until {
            return 0;
        }
        match &self.trouble {
            None => window.saturating_sub(self.in_flight),
            Some(trouble) => usize::from(self.in_flight == 0 && trouble.probe_at <= now),
        }
    }

    /// When there may be room without anything else happening.
    fn wake(&self, now: Instant) -> Option<Instant> {
        let probe_at = self.trouble.as_ref().map(|trouble| trouble.probe_at);
        let at = probe_at.map_or(self.paused_until, |at| at.max(self.paused_until));
        Some(at).filter(|at| *at > now && !self.is_closed)
    }

    fn throttled(&self, now: Instant) -> Option<Throttling> {
        self.throttled.filter(|throttling| now < throttling.last + THROTTLING_ENDS_AFTER)
    }
}

#[cfg(test)]
mod tests;
