//! The outcome of an attempt to deliver a callback, and the back-off before the
//! next one.

use crate::store::UtcTime;
use crate::store::types::text_enum;

/// How long a delivery is retried, in seconds since it was queued.
pub const MAX_DELIVERY_AGE_SECONDS: i64 = 24 * 3600;
/// The delay after the first failed attempt, in seconds; it doubles each time.
const MIN_RETRY_DELAY_SECONDS: i64 = 5;
/// The longest delay, in seconds, even if `Retry-After` asks for more.
pub(super) const MAX_RETRY_DELAY_SECONDS: i64 = 4 * 3600;
/// The status of a receiver that wants no more requests (RFC 9110 §15.5.11).
const HTTP_GONE: u16 = 410;

text_enum! {
    /// Why an attempt got no response, or was not made.
    CallbackError {
        /// The host name does not resolve.
        NameUnknown = "name_unknown",
        /// The host's address is private and not allowed.
        Forbidden = "forbidden",
        /// The connection could not be established.
        Unreachable = "unreachable",
        /// The certificate is invalid, or the TLS handshake failed.
        Tls = "tls",
        /// No response came before the timeout.
        TimedOut = "timed_out",
        /// The receiver closed the connection before it responded.
        HungUp = "hung_up",
        /// The response was not valid HTTP.
        NotHttp = "not_http",
        /// The callback was removed before the attempt.
        Removed = "removed",
        /// The delivery got too old before its first attempt.
        TooLate = "too_late",
    }
}

impl CallbackError {
    /// The sentence that people read.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NameUnknown => "The host name was not found.",
            Self::Forbidden => "The address is private, so nothing was sent.",
            Self::Unreachable => "The receiver could not be reached.",
            Self::Tls => "No secure connection: the receiver's certificate or TLS is invalid.",
            Self::TimedOut => "The receiver did not answer within 10 seconds.",
            Self::HungUp => "The receiver closed the connection without an answer.",
            Self::NotHttp => "The receiver's answer was not valid HTTP.",
            Self::Removed => "The callback was removed, or its key was deleted.",
            Self::TooLate => "Not sent within a day.",
        }
    }
}

/// The outcome of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The receiver responded.
    Answered {
        /// Its HTTP status.
        status: u16,
        /// The seconds of its `Retry-After`, if it sent one; may be negative.
        retry_after: Option<i64>,
    },
    /// No response came.
    Unanswered(CallbackError),
}

impl AttemptOutcome {
    /// Whether the receiver accepted the delivery (2xx).
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }
}

/// When to retry a delivery that was queued at `created_at`, after `tries`
/// attempts; `None` when it has failed for good.
#[must_use]
pub fn retry_at(outcome: AttemptOutcome, tries: i64, created_at: UtcTime, now: UtcTime) -> Option<UtcTime> {
    let asked_for = match outcome {
        AttemptOutcome::Answered { status: HTTP_GONE, .. }
        | AttemptOutcome::Unanswered(CallbackError::Removed | CallbackError::TooLate) => {
            return None;
        }
        AttemptOutcome::Answered { retry_after, .. } => retry_after.unwrap_or_default(),
        AttemptOutcome::Unanswered(_) => 0,
    };
    let doublings = u32::try_from(tries - 1).unwrap_or_default().min(20);
    let wait = (MIN_RETRY_DELAY_SECONDS << doublings).max(asked_for).min(MAX_RETRY_DELAY_SECONDS);
    let at = now.plus_seconds(wait);
    (at < created_at.plus_seconds(MAX_DELIVERY_AGE_SECONDS)).then_some(at)
}

/// The result of the last attempt as a sentence for people; `None` before the
/// first.
#[must_use]
pub fn sentence(error: Option<CallbackError>, status: Option<i64>) -> Option<String> {
    let answered = |status| match status {
        200..=299 => format!("The receiver accepted it ({status})."),
        300..=399 => format!("The receiver answered {status}, a redirect. Callbacks do not follow redirects."),
        410 => "The receiver answered 410: gone for good.".to_owned(),
        _ => format!("The receiver answered {status}."),
    };
    error.map(|error| error.sentence().to_owned()).or_else(|| status.map(answered))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcTime = UtcTime::from_micros(0);
    const DOWN: AttemptOutcome = AttemptOutcome::Answered { status: 503, retry_after: None };

    fn asked(seconds: i64) -> AttemptOutcome {
        AttemptOutcome::Answered { status: 503, retry_after: Some(seconds) }
    }

    #[test]
    fn waits_double_up_to_four_hours_and_end_after_a_day() {
        let (mut now, mut waits) = (NOW, Vec::new());
        for tries in 1.. {
            let Some(next) = retry_at(DOWN, tries, NOW, now) else { break };
            waits.push((next.micros() - now.micros()) / 1_000_000);
            now = next;
        }
        assert_eq!(waits[..4], [5, 10, 20, 40]);
        assert_eq!(waits[11..], [10_240, 14_400, 14_400, 14_400, 14_400]);
        assert!(waits.iter().sum::<i64>() <= MAX_DELIVERY_AGE_SECONDS);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_wait_within_limits() {
        for (seconds, wait) in [(60, 60), (1, 5), (-5, 5), (i64::MAX, MAX_RETRY_DELAY_SECONDS)] {
            assert_eq!(retry_at(asked(seconds), 1, NOW, NOW), Some(NOW.plus_seconds(wait)), "{seconds}");
        }
    }

    #[test]
    fn what_is_gone_is_not_asked_again() {
        let gone = AttemptOutcome::Answered { status: HTTP_GONE, retry_after: Some(5) };
        assert_eq!(retry_at(gone, 1, NOW, NOW), None);
        assert_eq!(retry_at(AttemptOutcome::Unanswered(CallbackError::Removed), 1, NOW, NOW), None);
    }
}
