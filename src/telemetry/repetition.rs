//! Causes that come back with every request: written once, and then counted.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How often a cause that goes on is written again, with its count.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);

/// So many causes are remembered: one outage shows itself in several ways in turn.
const MAX_CAUSES: usize = 8;

/// What to log of one more occurrence.
#[derive(Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// The cause was not there lately: write it.
    New,
    /// It goes on: write that it came so often since it was last written.
    Again(u64),
    /// It was counted: write nothing.
    Counted,
}

/// The last causes of one kind of failure, and how often each came.
#[derive(Debug)]
pub struct Repetition(Mutex<Vec<KnownCause>>);

#[derive(Debug)]
struct KnownCause {
    text: String,
    written_at: Instant,
    count: u64,
}

impl Repetition {
    /// Nothing has happened yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Counts one occurrence of `cause`.
    pub fn note(&self, cause: &str, now: Instant) -> Occurrence {
        let mut known = self.0.lock();
        let Some(last) = known.iter_mut().find(|last| last.text == cause) else {
            if known.len() == MAX_CAUSES {
                known.remove(0);
            }
            known.push(KnownCause { text: cause.to_owned(), written_at: now, count: 0 });
            return Occurrence::New;
        };
        last.count += 1;
        if now.saturating_duration_since(last.written_at) < SUMMARY_INTERVAL {
            return Occurrence::Counted;
        }
        last.written_at = now;
        Occurrence::Again(std::mem::take(&mut last.count))
    }
}

impl Default for Repetition {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_written_once_and_again_with_its_count_and_another_one_at_once() {
        let (repetition, start) = (Repetition::new(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);

        assert_eq!(repetition.note("refused", after(0)), Occurrence::New);
        let counted = (0..100).filter(|_| repetition.note("refused", after(59)) == Occurrence::Counted);
        assert_eq!(counted.count(), 100);
        assert_eq!(repetition.note("refused", after(60)), Occurrence::Again(101));
        assert_eq!(repetition.note("refused", after(119)), Occurrence::Counted);

        assert_eq!(repetition.note("full", after(119)), Occurrence::New);
        assert_eq!(repetition.note("refused", after(119)), Occurrence::Counted, "two in turn are no change");
    }

    #[test]
    fn causes_that_never_come_back_are_forgotten() {
        let (repetition, now) = (Repetition::new(), Instant::now());

        let is_new = |n| repetition.note(&format!("cause {n}"), now) == Occurrence::New;

        assert_eq!((0..100).filter(|n| is_new(*n)).count(), 100);
        assert_eq!(repetition.0.lock().len(), MAX_CAUSES);
    }
}
