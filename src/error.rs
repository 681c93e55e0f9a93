//! The one error of this program. It knows nothing of HTTP: `web::errors`
//! gives it its three faces (page, fragment, JSON).
//!
//! What a variant says is for the person who made the request; the cause of
//! [`Error::Internal`] and [`Error::Unavailable`] goes to the log only.

mod database_outage;
mod denial;
mod guard_refusal;

use diesel::result::DatabaseErrorKind;

pub use database_outage::DatabaseOutage;
pub use denial::{Challenge, Denial};
pub use guard_refusal::{GuardRefusal, GuardRule};

/// What every fallible operation of the program gives back.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or it is not this account's: the two look alike.
    #[error("not found")]
    NotFound,
    /// Nobody is logged in.
    #[error("not logged in")]
    Unauthenticated,
    /// The operator's role does not allow it.
    #[error("not allowed")]
    Forbidden,
    /// The installation asks for a second factor, which the operator does not have.
    #[error("a second factor is needed")]
    SecondFactorMissing,
    /// Keys of this service are switched off by operators only.
    #[error("holders may not switch off keys of this service")]
    SelfRevocationRefused,
    /// The secret or the signature of a carrier's receipt is wrong.
    #[error("a receipt with a wrong secret or signature")]
    ReceiptRefused,
    /// A management key may not do it, whatever its scopes; the sentence says which bound.
    #[error("beyond the bounds of the management key")]
    OutOfBounds(String),
    /// What the condition of the request names was changed since.
    #[error("the condition of the request does not hold")]
    PreconditionFailed,
    /// The request has to say which version it changes.
    #[error("the request lacks a condition")]
    PreconditionRequired,
    /// It needs a login of the last minutes.
    #[error("the login is not recent enough")]
    StaleLogin,
    /// The request came from another site's page.
    #[error("cross-site request refused")]
    CrossSite,
    /// No key was sent, or it does not open this door.
    #[error("key refused: {}", .0.code)]
    KeyRefused(Denial),
    /// The account can't pay for it; nothing was charged and nothing done.
    #[error("not enough credits: {needed} needed, {left} left")]
    NotEnoughCredits {
        /// What it costs.
        needed: i64,
        /// What the account has.
        left: i64,
    },
    /// A sending limit refused it.
    #[error("refused by a sending limit: {}", .0.rule.code())]
    GuardRefused(Box<GuardRefusal>),
    /// A request with this idempotency key is being worked on.
    #[error("the same request is still running")]
    StillRunning,
    /// The idempotency key stood for another request before.
    #[error("the idempotency key was used for another request")]
    DifferentRequest,
    /// Input that can be mended, with a message for each field.
    #[error("invalid input")]
    Invalid(FieldErrors),
    /// It can't be done with the thing as it is now.
    #[error("wrong state: {sentence}")]
    WrongState {
        /// The cause for people.
        sentence: &'static str,
    },
    /// Somebody else changed the same thing since it was read.
    #[error("changed meanwhile")]
    ChangedMeanwhile,
    /// The secret that the last rotation replaced is still accepted.
    #[error("rotation in progress")]
    RotationInProgress,
    /// A request that is not in the form that is asked for; says what to change.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// Too many passwords or codes were tried.
    #[error("too many tries")]
    TooMany {
        /// Seconds until the next one is let through.
        retry_after: u64,
    },
    /// The address does not take this method.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The body is longer than this route takes.
    #[error("request body too large")]
    TooLarge,
    /// The headers are too large for this server.
    #[error("request head too large")]
    HeadTooLarge,
    /// The body is of a kind that this route does not take.
    #[error("unsupported content type")]
    UnsupportedMediaType,
    /// The same of a route that takes forms.
    #[error("no form")]
    NotAForm,
    /// The database can't do it now; the same request may work later.
    #[error("unavailable: {reason:?}")]
    Unavailable {
        /// What is wrong with it, as far as it is known.
        reason: DatabaseOutage,
        /// For the log.
        #[source]
        cause: anyhow::Error,
    },
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

impl Error {
    /// A fault of ours, from whatever caused it.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Internal(cause.into())
    }

    /// An outage, with its cause for the log.
    pub fn unavailable(reason: DatabaseOutage, cause: impl Into<anyhow::Error>) -> Self {
        Self::Unavailable { reason, cause: cause.into() }
    }

    /// The same for somebody else that it keeps waiting, for errors that are
    /// nobody's in particular.
    #[must_use]
    pub fn same_again(&self) -> Self {
        match self {
            Self::Unavailable { reason, cause } => Self::unavailable(*reason, anyhow::anyhow!("{cause:#}")),
            Self::Internal(cause) => Self::internal(anyhow::anyhow!("{cause:#}")),
            other => Self::internal(anyhow::anyhow!("{other}")),
        }
    }

    /// One field that is wrong.
    #[must_use]
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        let mut errors = FieldErrors::default();
        errors.add(field, message);
        Self::Invalid(errors)
    }

    /// Seconds until the same request may work, where that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after } => Some(*retry_after),
            Self::GuardRefused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        if matches!(error, diesel::result::Error::NotFound) {
            return Self::NotFound;
        }
        match outage(&error) {
            Some(reason) => Self::unavailable(reason, error),
            None => Self::internal(error),
        }
    }
}

/// Classifies a database error. The two databases share few error kinds, so
/// SQLite's are recognised by their fixed English texts (`sqlite3_errstr`).
fn outage(error: &diesel::result::Error) -> Option<DatabaseOutage> {
    use diesel::result::Error::{BrokenTransactionManager, DatabaseError};
    let DatabaseError(kind, info) = error else {
        return matches!(error, BrokenTransactionManager).then_some(DatabaseOutage::Unreachable);
    };
    let says = |text: &str| info.message().contains(text);
    match kind {
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            Some(DatabaseOutage::Unreachable)
        }
        DatabaseErrorKind::ReadOnlyTransaction => Some(DatabaseOutage::ReadOnly),
        _ if says("database is locked") || says("lock timeout") || says("deadlock detected") => {
            Some(DatabaseOutage::Locked)
        }
        _ if says("disk is full") || says("No space left on device") => Some(DatabaseOutage::DiskFull),
        _ if says("readonly database") => Some(DatabaseOutage::ReadOnly),
        _ if says("disk I/O error")
            || says("unable to open database file")
            || says("server closed the connection")
            || says("terminating connection")
            || says("the database system is")
            || says("during recovery") =>
        {
            Some(DatabaseOutage::Unreachable)
        }
        _ => None,
    }
}

/// Messages for the fields of a form, in the order in which they were found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct FieldErrors(Vec<(&'static str, String)>);

impl FieldErrors {
    /// Adds what is wrong with `field`; says what to change.
    pub fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push((field, message.into()));
    }

    /// Keeps the value, or the messages that come in its place.
    ///
    /// # Errors
    /// Passes on every error that is not about input.
    pub fn collect<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Error::Invalid(errors)) => {
                self.0.extend(errors.0);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The first message for `field`.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, message)| message.as_str())
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every field with its message.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(field, message)| (*field, message.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadlock_is_over_when_it_is_tried_again() {
        let info = Box::new("deadlock detected".to_owned());
        let error = diesel::result::Error::DatabaseError(DatabaseErrorKind::Unknown, info);
        assert!(matches!(Error::from(error), Error::Unavailable { reason: DatabaseOutage::Locked, .. }));
    }
}
