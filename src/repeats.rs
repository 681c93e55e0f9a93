//! Keeps a failure that repeats from filling the log: each cause is logged at once,
//! and then, for as long as it lasts, once a minute with the number of repetitions.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The least time between two log lines about one cause.
const LOG_INTERVAL: Duration = Duration::from_secs(60);
/// Causes that are told apart; when there are more, all are forgotten.
const MAX_CAUSES: usize = 32;

/// The causes at one place of the program.
#[derive(Debug, Default)]
pub struct Repeats(Mutex<HashMap<String, Repetition>>);

#[derive(Debug)]
struct Repetition {
    logged_at: Instant,
    since: u64,
}

impl Repeats {
    /// How often `cause` has come up since it was logged last, if it is to be logged now.
    pub fn to_log(&self, cause: &str) -> Option<u64> {
        self.to_log_at(cause, Instant::now())
    }

    fn to_log_at(&self, cause: &str, now: Instant) -> Option<u64> {
        let mut causes = self.0.lock();
        match causes.get_mut(cause) {
            Some(repetition) if now.duration_since(repetition.logged_at) < LOG_INTERVAL => {
                repetition.since += 1;
                None
            }
            Some(repetition) => {
                let since = std::mem::take(&mut repetition.since);
                repetition.logged_at = now;
                Some(since)
            }
            None => {
                if causes.len() >= MAX_CAUSES {
                    causes.clear();
                }
                causes.insert(cause.to_owned(), Repetition { logged_at: now, since: 0 });
                Some(0)
            }
        }
    }

    /// Logs every cause at once when it comes up again, since the failure has ended.
    pub fn end(&self) {
        self.0.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_logged_at_once_and_then_once_a_minute_with_a_count() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        let to_log = |cause, seconds| repeats.to_log_at(cause, start + Duration::from_secs(seconds));

        assert_eq!(to_log("full", 0), Some(0));
        assert_eq!((to_log("full", 1), to_log("full", 59)), (None, None));
        assert_eq!(to_log("down", 59), Some(0), "another cause");
        assert_eq!(to_log("full", 60), Some(2));
        assert_eq!(to_log("full", 61), None);
        repeats.end();
        assert_eq!(to_log("full", 62), Some(0), "after it had ended");
    }

    #[test]
    fn causes_without_end_take_no_memory() {
        let repeats = Repeats::default();
        for number in 0..1_000 {
            assert_eq!(repeats.to_log(&number.to_string()), Some(0));
        }
        assert!(repeats.0.lock().len() <= MAX_CAUSES);
    }
}
