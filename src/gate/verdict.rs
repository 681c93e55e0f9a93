//! The answer to "does this key open this door?": one code per cause.

use crate::domain::api_key::{ApiKey, Status};
use crate::domain::key_secret::Mode;
use crate::store::UtcTime;

/// What is asked for beside the key.
#[derive(Debug, Clone, Default)]
pub struct Door {
    /// Only keys of this service open it; of any, when empty.
    pub service: Option<String>,
    /// Only keys of this mode open it; of any, when empty.
    pub mode: Option<Mode>,
}

/// The answer, with the key that it is about.
#[derive(Debug)]
pub enum Verdict {
    /// Unknown, malformed, or of another service: which of them is not told.
    NotFound,
    /// A live key at a test door, or the other way round.
    ModeNotAllowed(Box<ApiKey>),
    /// Its switch is off.
    Disabled(Box<ApiKey>),
    /// Its time is over.
    Expired(Box<ApiKey>),
    /// It opens the door.
    Valid(Box<ApiKey>),
}

impl Verdict {
    /// The stable word for it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::ModeNotAllowed(_) => "MODE_NOT_ALLOWED",
            Self::Disabled(_) => "DISABLED",
            Self::Expired(_) => "EXPIRED",
            Self::Valid(_) => "VALID",
        }
    }
}

/// Judges a key that was looked up; the order of the checks is part of the contract.
#[must_use]
pub fn judge(key: Option<ApiKey>, door: &Door, now: UtcTime) -> Verdict {
    let Some(key) = key.map(Box::new) else { return Verdict::NotFound };
    if door.service.as_ref().is_some_and(|service| *service != key.service) {
        return Verdict::NotFound;
    }
    if door.mode.is_some_and(|mode| mode != key.mode) {
        return Verdict::ModeNotAllowed(key);
    }
    if key.status == Status::Disabled {
        return Verdict::Disabled(key);
    }
    if key.expires_at.is_some_and(|end| end <= now) {
        return Verdict::Expired(key);
    }
    Verdict::Valid(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::AccountId;
    use crate::domain::api_key::ApiKeyId;
    use crate::store::Digest;

    const NOW: UtcTime = UtcTime::from_micros(1_000);

    fn key(change: impl FnOnce(&mut ApiKey)) -> Option<ApiKey> {
        let mut key = ApiKey {
            id: ApiKeyId::mint(),
            account_id: AccountId::mint(),
            service: "sms".into(),
            mode: Mode::Live,
            name: "Project X".into(),
            description: String::new(),
            digest: Digest::of(b""),
            mask: String::new(),
            status: Status::Enabled,
            created_by: None,
            created_at: NOW,
            expires_at: None,
        };
        change(&mut key);
        Some(key)
    }

    fn code(key: Option<ApiKey>, door: &Door) -> &'static str {
        judge(key, door, NOW).code()
    }

    #[test]
    fn the_table_of_verdicts() {
        let any = Door::default();
        let sms = Door { service: Some("sms".into()), mode: None };
        let other = Door { service: Some("mail".into()), mode: None };
        let test = Door { service: None, mode: Some(Mode::Test) };
        let off = |key: &mut ApiKey| key.status = Status::Disabled;
        let over = |key: &mut ApiKey| key.expires_at = Some(NOW);
        let in_a_moment = |key: &mut ApiKey| key.expires_at = Some(UtcTime::from_micros(1_001));

        assert_eq!(code(None, &any), "NOT_FOUND");
        assert_eq!(code(key(|_| ()), &any), "VALID");
        assert_eq!(code(key(|_| ()), &sms), "VALID");
        assert_eq!(code(key(|_| ()), &other), "NOT_FOUND");
        assert_eq!(code(key(off), &other), "NOT_FOUND");
        assert_eq!(code(key(off), &test), "MODE_NOT_ALLOWED");
        assert_eq!(code(key(off), &any), "DISABLED");
        assert_eq!(
            code(
                key(|key| {
                    off(key);
                    over(key)
                }),
                &any
            ),
            "DISABLED"
        );
        assert_eq!(code(key(over), &any), "EXPIRED");
        assert_eq!(code(key(in_a_moment), &any), "VALID");
    }
}
