//! Notices that the carrier answers no submits, and bounds how many messages that
//! leaves unknown: at most one window, and then one for each probe.
//!
//! After the first time-out without any answer since, nothing is submitted while
//! another response is outstanding, so one submit at a time probes the carrier.
//! When a whole window is without an answer, probes come after a growing delay.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The submits without an answer on one connection after which it is replaced.
const MAX_UNANSWERED_PER_LINK: usize = 3;
/// The delays before the probes of a carrier that left a whole window unanswered, in
/// multiples of the timeout of a response; the last one stays. With the default
/// timeout of 10 seconds: 30 seconds, 1, 2, 5 and 10 minutes.
const PROBE_DELAYS: [u32; 5] = [3, 6, 12, 30, 60];

/// The answers of the carrier, across connections.
pub(super) struct Stall {
    window: usize,
    timeout: Duration,
    state: Mutex<StallState>,
    changed: Notify,
}

#[derive(Default)]
struct StallState {
    last_answer: Option<Instant>,
    /// When the first submit since the last answer timed out.
    since: Option<Instant>,
    /// Submits without an answer since the last answer.
    unanswered: usize,
    /// Those of the current connection.
    unanswered_on_link: usize,
    /// Whether a connection ended without the responses to its submits.
    has_lost: bool,
    is_probing: bool,
    next_probe: Option<Instant>,
    probes: usize,
}

/// A submit that began while the carrier does not answer; others wait for its end.
pub(super) struct Probe<'a>(Option<&'a Stall>);

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        if let Some(stall) = self.0 {
            stall.state.lock().is_probing = false;
            stall.changed.notify_waiters();
        }
    }
}

impl Stall {
    pub(super) fn new(window: usize, timeout: Duration) -> Self {
        Self { window, timeout, state: Mutex::default(), changed: Notify::new() }
    }

    /// For how long the carrier has answered no submits; `None` while it answers.
    pub(super) fn lasts(&self) -> Option<Duration> {
        self.state.lock().since.map(|since| since.elapsed())
    }

    /// How many submits may begin while `outstanding` ones have no response yet.
    pub(super) fn room(&self, outstanding: usize) -> usize {
        self.state.lock().room(outstanding, Instant::now())
    }

    /// Begins a submit, if it may begin now.
    pub(super) fn begin(&self, outstanding: usize) -> Option<Probe<'_>> {
        let mut state = self.state.lock();
        match state.room(outstanding, Instant::now()) {
            0 => None,
            usize::MAX => Some(Probe(None)),
            _ => {
                state.is_probing = true;
                Some(Probe(Some(self)))
            }
        }
    }

    /// Waits until a submit may begin; `outstanding` counts those without a response.
    pub(super) async fn ready(&self, outstanding: impl Fn() -> usize) {
        loop {
            let changed = self.changed.notified();
            if self.room(outstanding()) > 0 {
                return;
            }
            let next = self.state.lock().next_probe.filter(|next| *next > Instant::now());
            match next {
                Some(next) => drop(tokio::time::timeout_at(next, changed).await),
                None => changed.await,
            }
        }
    }

    /// Notes that a submit ended without having been written.
    pub(super) fn not_sent(&self) {
        self.changed.notify_waiters();
    }

    /// Notes a response to a submit, whatever it says. True when it ends a stall.
    pub(super) fn answered(&self) -> bool {
        let mut state = self.state.lock();
        let was_stalled = state.unanswered > 0;
        let was_limited = was_stalled || state.has_lost;
        let is_probing = state.is_probing;
        *state = StallState { last_answer: Some(Instant::now()), is_probing, ..StallState::default() };
        drop(state);
        if was_limited {
            self.changed.notify_waiters();
        }
        was_stalled
    }

    /// Notes a submit of `began` whose connection ended before a response came. A
    /// carrier that hangs up at each submit would leave a window unknown each time, so
    /// the next connection begins with one alone.
    pub(super) fn lost(&self, began: Instant) {
        let mut state = self.state.lock();
        state.has_lost |= state.last_answer.is_none_or(|answer| answer <= began);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Notes a submit of `began` whose response timed out. True when a stall begins
    /// with it.
    pub(super) fn unanswered(&self, began: Instant) -> bool {
        let mut state = self.state.lock();
        // If the carrier answered since, it lost this one response and goes on.
        if state.last_answer.is_some_and(|answer| answer > began) {
            return false;
        }
        state.unanswered += 1;
        state.unanswered_on_link += 1;
        state.since.get_or_insert_with(Instant::now);
        if state.unanswered >= self.window {
            state.probes += usize::from(state.is_probing);
            let delay = PROBE_DELAYS[state.probes.min(PROBE_DELAYS.len() - 1)];
            state.next_probe = Some(Instant::now() + self.timeout * delay);
        }
        let has_begun = state.unanswered == 1;
        drop(state);
        self.changed.notify_waiters();
        has_begun
    }

    /// Whether the connection should be replaced: enough submits on it, or a whole
    /// window, have no answer.
    pub(super) fn needs_new_link(&self) -> bool {
        let state = self.state.lock();
        let limit = MAX_UNANSWERED_PER_LINK.min(self.window);
        state.unanswered_on_link >= limit || (state.unanswered_on_link > 0 && state.unanswered >= self.window)
    }

    /// Notes a new connection.
    pub(super) fn link_began(&self) {
        self.state.lock().unanswered_on_link = 0;
    }
}

impl StallState {
    /// [`usize::MAX`] without a stall.
    fn room(&self, outstanding: usize, now: Instant) -> usize {
        if self.unanswered == 0 && !self.has_lost {
            return usize::MAX;
        }
        let is_due = self.next_probe.is_none_or(|next| next <= now);
        usize::from(outstanding == 0 && !self.is_probing && is_due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_carrier_that_answers_is_never_stalled() {
        let stall = Stall::new(10, TIMEOUT);
        let began = Instant::now();
        tokio::time::sleep(TIMEOUT).await;
        assert!(!stall.answered());
        // It lost one response among others.
        assert!(!stall.unanswered(began));
        assert_eq!((stall.room(9), stall.lasts().is_some(), stall.needs_new_link()), (usize::MAX, false, false));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_time_out_one_submit_at_a_time_probes_the_carrier() {
        let stall = Stall::new(10, TIMEOUT);
        assert!(stall.unanswered(Instant::now()) && !stall.unanswered(Instant::now()));
        assert_eq!((stall.room(1), stall.room(0)), (0, 1));

        let probe = stall.begin(0);
        assert!(probe.is_some() && stall.begin(0).is_none());
        drop(probe);
        assert!(stall.begin(0).is_some());

        assert!(stall.answered());
        assert_eq!(stall.room(9), usize::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_connection_that_ended_without_answers_the_next_one_begins_with_one_submit() {
        let stall = Stall::new(10, TIMEOUT);
        let began = Instant::now();
        stall.lost(began);
        stall.link_began();
        assert_eq!((stall.room(0), stall.lasts().is_some()), (1, false));
        let probe = stall.begin(0);
        assert!(probe.is_some() && stall.begin(0).is_none());

        assert!(!stall.answered());
        assert_eq!(stall.room(9), usize::MAX);
        tokio::time::sleep(TIMEOUT).await;
        assert!(!stall.answered());
        stall.lost(began); // answered others since
        assert_eq!(stall.room(9), usize::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_replaced_after_three_submits_or_a_window_without_an_answer() {
        for window in [1, 2, 10, 1000] {
            let stall = Stall::new(window, TIMEOUT);
            let count = (1..).take_while(|_| {
                stall.unanswered(Instant::now());
                !stall.needs_new_link()
            });
            assert_eq!(count.count() + 1, window.min(3));
            stall.link_began();
            assert!(!stall.needs_new_link() && stall.lasts().is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_window_without_an_answer_probes_come_ever_later() {
        let stall = Stall::new(2, TIMEOUT);
        let start = Instant::now();
        stall.unanswered(start);
        stall.unanswered(start);
        let mut delays = Vec::new();
        for _ in 0..6 {
            let waiting = Instant::now();
            assert_eq!(stall.room(0), 0);
            stall.ready(|| 0).await;
            let probe = stall.begin(0);
            assert!(probe.is_some());
            delays.push(waiting.elapsed().as_secs());
            stall.unanswered(Instant::now());
        }
        assert_eq!(delays, [30, 60, 120, 300, 600, 600]);
    }
}
