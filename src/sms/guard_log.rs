//! What sending limits did, in the log.

use crate::domain::guard::{GuardWarning, WarnedLimit};
use crate::error::Error;
use crate::repeats::Repeats;

/// The log lines about sending limits.
#[derive(Debug, Default)]
pub(super) struct GuardLog {
    /// Limits that refuse, each logged once a minute.
    refusals: Repeats,
}

impl GuardLog {
    /// Logs that limits are nearly used: once while their window lasts, as the counts say.
    pub(super) fn warn(&self, account: &str, warnings: &[GuardWarning]) {
        for GuardWarning { holder, limit_kind, used, limit } in warnings {
            let window = match limit_kind {
                WarnedLimit::MessagesMinute => "messages in a minute",
                WarnedLimit::CreditsDay => "credits in a day",
            };
            tracing::warn!(account, holder, used, limit, window, "a sending limit is nearly used up");
        }
    }

    /// Logs that a limit refused a request.
    pub(super) fn refused(&self, account: &str, error: &Error) {
        let Error::GuardRefused(refusal) = error else { return };
        let (holder, code) = (&*refusal.holder, refusal.rule.code());
        if let Some(since) = self.refusals.to_log(&format!("{holder} {code}")) {
            tracing::warn!(account, holder, code, repetitions = since, "a sending limit refused messages");
        }
    }
}
