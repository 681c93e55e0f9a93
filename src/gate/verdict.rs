//! The answer to "does this key open this door?": one code per cause.

use std::sync::Arc;

use super::record::KeyRecord;
use crate::domain::api_key::Status;
use crate::domain::api_key::secret::Mode;
use crate::store::UtcTime;

/// What is asked for beside the key.
#[derive(Debug, Clone, Copy, Default)]
pub struct Door<'a> {
    /// Only keys of this service open it; of any, when empty.
    pub service: Option<&'a str>,
    /// Only keys of this mode open it; of any, when empty.
    pub mode: Option<Mode>,
}

/// The answer, with the key that it is about.
#[derive(Debug)]
pub enum Verdict {
    /// Unknown, malformed, or of another service: which of them is not told.
    NotFound,
    /// A live key at a test door, or the other way round.
    ModeNotAllowed(Arc<KeyRecord>),
    /// Its switch is off.
    Disabled(Arc<KeyRecord>),
    /// Its time is over.
    Expired(Arc<KeyRecord>),
    /// It opens the door.
    Valid(Arc<KeyRecord>),
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

    /// The key that it is about, where that may be told.
    #[must_use]
    pub const fn key(&self) -> Option<&Arc<KeyRecord>> {
        match self {
            Self::NotFound => None,
            Self::ModeNotAllowed(key) | Self::Disabled(key) | Self::Expired(key) | Self::Valid(key) => Some(key),
        }
    }
}

/// Judges a key that was looked up; the order of the checks is part of the contract.
#[must_use]
pub fn judge(key: Option<Arc<KeyRecord>>, door: &Door<'_>, now: UtcTime) -> Verdict {
    let Some(key) = key else { return Verdict::NotFound };
    if door.service.is_some_and(|service| service != key.service()) {
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
pub(super) mod tests {
    use super::*;
    use crate::domain::account::AccountId;
    use crate::domain::api_key::{ApiKey, ApiKeyId, KeySecretId, Origin, StoredSecret};
    use crate::gate::metrics::ServiceTally;
    use crate::store::Digest;

    const NOW: UtcTime = UtcTime::from_micros(1_000);

    pub(in crate::gate) fn key(change: impl FnOnce(&mut ApiKey, &mut StoredSecret)) -> KeyRecord {
        let mut key = ApiKey {
            id: ApiKeyId::mint(),
            account_id: AccountId::mint(),
            service: "sms".into(),
            mode: Mode::Live,
            name: "Project X".into(),
            description: String::new(),
            status: Status::Enabled,
            status_reason: None,
            created_by: None,
            created_at: NOW,
            expires_at: None,
            version: 1,
        };
        let mut secret = StoredSecret {
            id: KeySecretId::mint(),
            api_key_id: key.id.clone(),
            digest: Digest::of(b""),
            mask: String::new(),
            tail: String::new(),
            created_at: NOW,
            ends_at: None,
            origin: Origin::Minted,
        };
        change(&mut key, &mut secret);
        let tally = ServiceTally::of(&key.service);
        KeyRecord::new(key, &secret, tally)
    }

    fn code(change: impl FnOnce(&mut ApiKey), door: Door<'_>) -> &'static str {
        judge(Some(Arc::new(key(|key, _| change(key)))), &door, NOW).code()
    }

    #[test]
    fn the_table_of_verdicts() {
        let any = Door::default();
        let sms = Door { service: Some("sms"), mode: None };
        let other = Door { service: Some("mail"), mode: None };
        let live = Door { service: None, mode: Some(Mode::Live) };
        let test = Door { service: None, mode: Some(Mode::Test) };
        let off = |key: &mut ApiKey| key.status = Status::Disabled;
        let over = |key: &mut ApiKey| key.expires_at = Some(NOW);
        let off_and_over = |key: &mut ApiKey| {
            off(key);
            over(key);
        };
        let in_a_moment = |key: &mut ApiKey| key.expires_at = Some(UtcTime::from_micros(1_001));

        assert_eq!(judge(None, &any, NOW).code(), "NOT_FOUND");
        assert_eq!(code(|_| (), any), "VALID");
        assert_eq!(code(|_| (), sms), "VALID");
        assert_eq!(code(|_| (), live), "VALID");
        assert_eq!(code(off, other), "NOT_FOUND");
        assert_eq!(code(|_| (), other), "NOT_FOUND");
        assert_eq!(code(|_| (), test), "MODE_NOT_ALLOWED");
        assert_eq!(code(off, test), "MODE_NOT_ALLOWED");
        assert_eq!(code(off, any), "DISABLED");
        assert_eq!(code(off_and_over, any), "DISABLED");
        assert_eq!(code(over, any), "EXPIRED");
        assert_eq!(code(in_a_moment, any), "VALID");
        let replaced = |ends_at| Some(Arc::new(key(|_, secret| secret.ends_at = Some(UtcTime::from_micros(ends_at)))));
        assert_eq!(judge(replaced(1_000), &any, NOW).code(), "EXPIRED");
        assert_eq!(judge(replaced(1_001), &any, NOW).code(), "VALID");
    }
}
