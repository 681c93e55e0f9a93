//! The verdict on a key, and the one table of codes: its name, its
//! HTTP status and challenge, and whether the answer names the key.

use std::sync::Arc;

use http::StatusCode;

use super::metrics::MAX_CODES;
use super::policy::KeyPolicy;
use super::question::Question;
use super::record::KeyRecord;
use crate::domain::api_key::KeyStatus;
use crate::error::{Challenge, Denial};
use crate::store::UtcTime;

/// A code's row in the table.
#[derive(Debug)]
struct Entry {
    name: &'static str,
    status: StatusCode,
    challenge: Option<Challenge>,
    names_key: bool,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $status:expr, $challenge:expr, names_key: $names_key:literal;)+) => {
        /// Why a key opens a door, or does not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $code),+ }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$code),+];
        }

        static TABLE: &[Entry] = &[
            $(Entry { name: $name, status: $status, challenge: $challenge, names_key: $names_key }),+
        ];
    };
}

codes! {
    /// The key opens the door.
    Valid = "VALID", StatusCode::OK, None, names_key: true;
    /// Unknown, malformed, or of another service: which of them does not leak.
    NotFound = "NOT_FOUND", StatusCode::UNAUTHORIZED, Some(Challenge::InvalidToken), names_key: false;
    /// A live key at a test door, or the other way round.
    ModeNotAllowed = "MODE_NOT_ALLOWED", StatusCode::FORBIDDEN, None, names_key: true;
    /// The key's switch is off.
    Disabled = "DISABLED", StatusCode::UNAUTHORIZED, Some(Challenge::InvalidToken), names_key: true;
    /// The key, or this secret of it, has ended.
    Expired = "EXPIRED", StatusCode::UNAUTHORIZED, Some(Challenge::InvalidToken), names_key: true;
    /// The key may not be used from this address, or from one that is not known.
    IpNotAllowed = "IP_NOT_ALLOWED", StatusCode::FORBIDDEN, None, names_key: true;
    /// The key lacks a scope that the door asks for.
    InsufficientScope = "INSUFFICIENT_SCOPE", StatusCode::FORBIDDEN, Some(Challenge::InsufficientScope), names_key: true;
    /// No key was sent.
    KeyMissing = "KEY_MISSING", StatusCode::UNAUTHORIZED, Some(Challenge::NoToken), names_key: false;
}

const _: () = assert!(Code::ALL.len() <= MAX_CODES, "the metrics have no place for as many codes");

impl Code {
    const fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }

    /// The stable word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// How a code other than [`Code::Valid`] is answered over HTTP.
    #[must_use]
    pub const fn denial(self) -> Denial {
        let Entry { name, status, challenge, .. } = *self.entry();
        Denial { code: name, status, challenge, missing_scopes: Vec::new() }
    }
}

/// The answer to a question, with the key that it is about.
#[derive(Debug)]
pub struct Verdict {
    code: Code,
    key: Option<Arc<KeyRecord>>,
}

impl Verdict {
    /// A verdict about no key.
    pub(super) const fn without_key(code: Code) -> Self {
        Self { code, key: None }
    }

    const fn about(key: Arc<KeyRecord>, code: Code) -> Self {
        Self { code, key: Some(key) }
    }

    /// Why.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The key that it is about, where the caller may know.
    #[must_use]
    pub fn key(&self) -> Option<&Arc<KeyRecord>> {
        self.key.as_ref().filter(|_| self.code.entry().names_key)
    }

    /// The key that it is about, also where the caller may not know: its owner may.
    pub(super) const fn record(&self) -> Option<&Arc<KeyRecord>> {
        self.key.as_ref()
    }

    /// The key, where it opens the door that asks for `scopes`.
    ///
    /// # Errors
    /// Why it does not.
    pub fn allowed(self, scopes: &[&str]) -> Result<Arc<KeyRecord>, Denial> {
        match (self.code, self.key) {
            (Code::Valid, Some(key)) => Ok(key),
            (code @ Code::InsufficientScope, Some(key)) => {
                let missing_scopes = key.missing_scopes(scopes).into_iter().map(str::to_owned).collect();
                Err(Denial { missing_scopes, ..code.denial() })
            }
            (code, _) => Err(code.denial()),
        }
    }
}

/// Judges a key that was looked up.
#[must_use]
pub fn judge(key: Option<Arc<KeyRecord>>, question: &Question<'_>, now: UtcTime) -> Verdict {
    match key {
        Some(key) => {
            let code = check(&key, question, now);
            Verdict::about(key, code)
        }
        None => Verdict::without_key(Code::NotFound),
    }
}

/// The order of the checks is part of the contract.
fn check(key: &KeyRecord, question: &Question<'_>, now: UtcTime) -> Code {
    if question.service.is_some_and(|service| service != key.service()) {
        return Code::NotFound;
    }
    if !question.takes_management_keys && key.policy.as_ref().is_some_and(|policy| policy.is_management_key) {
        return Code::NotFound;
    }
    if question.key_id.is_some_and(|id| id != key.id.as_str()) {
        return Code::NotFound;
    }
    if question.asked_by.is_some_and(|manager| !manager.reaches(key)) {
        return Code::NotFound;
    }
    if question.mode.is_some_and(|mode| mode != key.mode) {
        return Code::ModeNotAllowed;
    }
    if key.status == KeyStatus::Disabled {
        return Code::Disabled;
    }
    match key.policy.as_ref() {
        Some(policy) => check_policy(policy, question, now),
        None => Code::Valid,
    }
}

fn check_policy(policy: &KeyPolicy, question: &Question<'_>, now: UtcTime) -> Code {
    if policy.has_ended(now) {
        Code::Expired
    } else if !policy.allows(question.client.address) {
        Code::IpNotAllowed
    } else if !question.scopes.iter().all(|scope| policy.has_scope(scope)) {
        Code::InsufficientScope
    } else {
        Code::Valid
    }
}

#[cfg(test)]
pub(super) mod tests;
