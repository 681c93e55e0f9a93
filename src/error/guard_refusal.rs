//! Why a sending limit refused a request.

use http::StatusCode;

/// The limit that refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardRule {
    /// Messages to one recipient.
    Recipient,
    /// Messages in a minute.
    Minute,
    /// Credits in a day.
    Day,
    /// Where messages may go.
    Destination,
    /// What messages may name as their sender.
    Sender,
}

impl GuardRule {
    /// The stable word for it in answers.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Recipient => "TOO_MANY_TO_RECIPIENT",
            Self::Minute => "TOO_MANY",
            Self::Day => "DAILY_LIMIT",
            Self::Destination => "DESTINATION_NOT_ALLOWED",
            Self::Sender => "SENDER_NOT_ALLOWED",
        }
    }

    /// The title of answers.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Recipient => "Too many to one recipient",
            Self::Minute => "Too many messages",
            Self::Day => "Daily limit reached",
            Self::Destination => "Destination not allowed",
            Self::Sender => "Sender not allowed",
        }
    }

    /// The status of answers: what time alone mends is 429.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Recipient | Self::Minute | Self::Day => StatusCode::TOO_MANY_REQUESTS,
            Self::Destination | Self::Sender => StatusCode::FORBIDDEN,
        }
    }
}

/// A request that a limit refused: nothing was charged, and nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardRefusal {
    /// The limit.
    pub rule: GuardRule,
    /// The account or the key whose limit it is, by its id.
    pub holder: String,
    /// Which of the request's recipients, from 0, where it is about one.
    pub index: Option<usize>,
    /// Seconds until the same request may pass; `None` where waiting does not help.
    pub retry_after: Option<u64>,
    /// What is wrong and what to change.
    pub detail: String,
}
