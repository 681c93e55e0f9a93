//! What came of a try to call somebody back, and when to try again.

use super::delivery::TOLD_FOR_SECONDS;
use crate::store::UtcTime;
use crate::store::types::text_enum;

/// The wait after the first try that failed, in seconds; it doubles each time.
const FIRST_WAIT: i64 = 5;
/// The longest wait, in seconds, whatever the receiver asks for.
const LONGEST_WAIT: i64 = 4 * 3600;
/// For good: nothing will ever be there again (RFC 9110 §15.5.11).
const GONE: u16 = 410;

text_enum! {
    /// What kept a callback from being answered.
    Trouble {
        /// The name has no address.
        NameUnknown = "name_unknown",
        /// The address may not be called.
        Forbidden = "forbidden",
        /// Nobody took the connection.
        Unreachable = "unreachable",
        /// The certificate, or something else about TLS, is not right.
        Tls = "tls",
        /// The answer took too long.
        TimedOut = "timed_out",
        /// The connection ended before there was an answer.
        HungUp = "hung_up",
        /// The answer could not be understood.
        NotHttp = "not_http",
        /// There is no callback any more.
        Removed = "removed",
        /// Its turn never came while the news was news.
        TooLate = "too_late",
    }
}

impl Trouble {
    /// One sentence for a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NameUnknown => "The name in the address could not be found.",
            Self::Forbidden => "The address is private, so nothing was sent there.",
            Self::Unreachable => "The receiver could not be reached.",
            Self::Tls => "No safe connection was made: the receiver's certificate or its TLS is not right.",
            Self::TimedOut => "The receiver did not answer within 10 seconds.",
            Self::HungUp => "The receiver hung up before it had answered.",
            Self::NotHttp => "The receiver's answer was not understood.",
            Self::Removed => "The callback was removed, or its key was deleted.",
            Self::TooLate => "Its turn did not come within a day.",
        }
    }
}

/// What came of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There was an answer.
    Answered {
        /// Its HTTP status.
        status: u16,
        /// After how many seconds the receiver wants to be asked again.
        retry_after: Option<i64>,
    },
    /// There was none.
    Unanswered(Trouble),
}

impl Outcome {
    /// Whether the receiver has it.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }
}

/// When to try again, after `tries` tries of what began at `began`; `None` when
/// it is not worth it.
#[must_use]
pub fn retry_at(outcome: Outcome, tries: i64, began: UtcTime, now: UtcTime) -> Option<UtcTime> {
    let asked_for = match outcome {
        Outcome::Answered { status: GONE, .. } | Outcome::Unanswered(Trouble::Removed | Trouble::TooLate) => {
            return None;
        }
        Outcome::Answered { retry_after, .. } => retry_after.unwrap_or_default(),
        Outcome::Unanswered(_) => 0,
    };
    let doublings = u32::try_from(tries - 1).unwrap_or_default().min(20);
    let wait = (FIRST_WAIT << doublings).max(asked_for).min(LONGEST_WAIT);
    let at = now.plus_seconds(wait);
    (at < began.plus_seconds(TOLD_FOR_SECONDS)).then_some(at)
}

/// The last try in one sentence for a person; nothing before the first.
#[must_use]
pub fn sentence(trouble: Option<Trouble>, status: Option<i64>) -> Option<String> {
    let answered = |status| match status {
        200..=299 => format!("The receiver took it ({status})."),
        300..=399 => format!("The receiver answered {status}, which leads elsewhere; callbacks do not follow."),
        410 => "The receiver answered 410: there is nothing any more, for good.".to_owned(),
        _ => format!("The receiver answered {status}."),
    };
    trouble.map(|trouble| trouble.sentence().to_owned()).or_else(|| status.map(answered))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcTime = UtcTime::from_micros(0);
    const DOWN: Outcome = Outcome::Answered { status: 503, retry_after: None };

    fn asked(seconds: i64) -> Outcome {
        Outcome::Answered { status: 503, retry_after: Some(seconds) }
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
        assert!(waits.iter().sum::<i64>() <= TOLD_FOR_SECONDS);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_wait_within_limits() {
        for (seconds, wait) in [(60, 60), (1, 5), (-5, 5), (i64::MAX, LONGEST_WAIT)] {
            assert_eq!(retry_at(asked(seconds), 1, NOW, NOW), Some(NOW.plus_seconds(wait)), "{seconds}");
        }
    }

    #[test]
    fn what_is_gone_is_not_asked_again() {
        let gone = Outcome::Answered { status: GONE, retry_after: Some(5) };
        assert_eq!(retry_at(gone, 1, NOW, NOW), None);
        assert_eq!(retry_at(Outcome::Unanswered(Trouble::Removed), 1, NOW, NOW), None);
    }
}
