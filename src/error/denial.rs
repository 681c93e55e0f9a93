//! Why a key opens nothing.

use http::StatusCode;

/// Why a key opens nothing, with the HTTP status and challenge of the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The stable word for the cause, such as `DISABLED`.
    pub code: &'static str,
    /// The status of the response.
    pub status: StatusCode,
    /// What `WWW-Authenticate` asks for; always with a 401.
    pub challenge: Option<Challenge>,
    /// The scopes that the key lacks, sorted.
    pub missing_scopes: Vec<String>,
}

/// How a client is asked for another key (RFC 6750 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// No key was sent: without an error code.
    NoToken,
    /// The key that was sent opens nothing.
    InvalidToken,
    /// Neither name and password of a management key were sent, nor its secret.
    NoManager,
    /// The key lacks scopes.
    InsufficientScope,
}
