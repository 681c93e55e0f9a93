//! How logins ended, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginResult {
    /// Somebody is logged in.
    Succeeded,
    /// The email address or the password was wrong.
    WrongPassword,
    /// The code of the second factor was wrong.
    WrongCode,
    /// Too many logins were tried.
    Throttled,
    /// The database could not be asked.
    Unavailable,
}

impl LoginResult {
    const ALL: [Self; 5] = [Self::Succeeded, Self::WrongPassword, Self::WrongCode, Self::Throttled, Self::Unavailable];

    /// What metrics call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::WrongPassword => "wrong_password",
            Self::WrongCode => "wrong_code",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Counters since the start of this instance.
#[derive(Debug, Default)]
pub struct LoginMetrics([AtomicU64; LoginResult::ALL.len()]);

impl LoginMetrics {
    /// Counts a login that ended.
    pub fn count(&self, result: LoginResult) {
        self.0[result as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a login that ended with an error of the throttle or the database; no other.
    pub fn count_error(&self, error: &Error) {
        match error {
            Error::TooMany { .. } => self.count(LoginResult::Throttled),
            Error::Unavailable { .. } => self.count(LoginResult::Unavailable),
            _ => {}
        }
    }

    /// The counts so far.
    pub fn totals(&self) -> impl Iterator<Item = (LoginResult, u64)> {
        LoginResult::ALL.into_iter().zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}
