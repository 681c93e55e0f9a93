//! The verdict on a key, and the one table of codes: its name, its
//! HTTP status and challenge, and whether the answer names the key.

use std::sync::Arc;

use http::StatusCode;

use super::metrics::MAX_CODES;
use super::question::Question;
use super::record::{KeyPolicy, KeyRecord};
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
pub(super) mod tests {
    use super::*;
    use crate::domain::account::AccountId;
    use crate::domain::api_key::secret::Mode;
    use crate::domain::api_key::{
        AllowedIps, ApiKey, ApiKeyId, KeySecretId, ManagementBounds, Metadata, Scopes, SecretOrigin, ServiceReach,
        StoredSecret,
    };
    use crate::domain::management;
    use crate::gate::metrics::ServiceMetrics;
    use crate::gate::question::Client;
    use crate::store::Digest;

    const NOW: UtcTime = UtcTime::from_micros(1_000);

    pub(in crate::gate) fn key(change: impl FnOnce(&mut ApiKey, &mut StoredSecret)) -> KeyRecord {
        let (key, secret) = rows(change);
        let tally = ServiceMetrics::of(&key.service);
        KeyRecord::new(key, &secret, None, tally)
    }

    fn rows(change: impl FnOnce(&mut ApiKey, &mut StoredSecret)) -> (ApiKey, StoredSecret) {
        let mut key = ApiKey {
            id: ApiKeyId::mint(),
            account_id: AccountId::mint(),
            service: "sms".into(),
            mode: Mode::Live,
            name: "Project X".into(),
            description: String::new(),
            status: KeyStatus::Enabled,
            status_reason: None,
            created_by: None,
            created_at: NOW,
            expires_at: None,
            version: 1,
            scopes: Scopes::full(),
            allowed_ips: AllowedIps::anywhere(),
            external_id: None,
            metadata: Metadata::default(),
        };
        let mut secret = StoredSecret {
            id: KeySecretId::mint(),
            api_key_id: key.id.clone(),
            digest: Digest::of(b""),
            mask: String::new(),
            tail: String::new(),
            created_at: NOW,
            ends_at: None,
            origin: SecretOrigin::Minted,
        };
        change(&mut key, &mut secret);
        (key, secret)
    }

    fn code(change: impl FnOnce(&mut ApiKey), question: Question<'_>) -> Code {
        judge(Some(Arc::new(key(|key, _| change(key)))), &question, NOW).code()
    }

    #[test]
    fn the_table_of_verdicts() {
        let any = Question::default();
        let sms = Question { service: Some("sms"), ..any };
        let other = Question { service: Some("mail"), ..any };
        let live = Question { mode: Some(Mode::Live), ..any };
        let test = Question { mode: Some(Mode::Test), ..any };
        let off = |key: &mut ApiKey| key.status = KeyStatus::Disabled;
        let over = |key: &mut ApiKey| key.expires_at = Some(NOW);
        let off_and_over = |key: &mut ApiKey| {
            off(key);
            over(key);
        };
        let in_a_moment = |key: &mut ApiKey| key.expires_at = Some(UtcTime::from_micros(1_001));

        assert_eq!(judge(None, &any, NOW).code(), Code::NotFound);
        assert_eq!(code(|_| (), any), Code::Valid);
        assert_eq!(code(|_| (), sms), Code::Valid);
        assert_eq!(code(|_| (), live), Code::Valid);
        assert_eq!(code(off, other), Code::NotFound);
        assert_eq!(code(|_| (), other), Code::NotFound);
        assert_eq!(code(|_| (), test), Code::ModeNotAllowed);
        assert_eq!(code(off, test), Code::ModeNotAllowed);
        assert_eq!(code(off, any), Code::Disabled);
        assert_eq!(code(off_and_over, any), Code::Disabled);
        assert_eq!(code(over, any), Code::Expired);
        assert_eq!(code(in_a_moment, any), Code::Valid);
        let bound = |key: &mut ApiKey| {
            key.scopes = Scopes::parse(["a"]).unwrap();
            key.allowed_ips = AllowedIps::parse("192.0.2.1").unwrap();
        };
        let from = |address: &str| Client { address: address.parse().ok(), user_agent: "" };
        let here = Question { client: from("192.0.2.1"), scopes: &["a"], ..any };
        assert_eq!(code(bound, here), Code::Valid);
        assert_eq!(code(bound, Question { scopes: &["a", "b"], ..here }), Code::InsufficientScope);
        assert_eq!(code(bound, Question { client: from("192.0.2.2"), scopes: &["b"], ..here }), Code::IpNotAllowed);
        assert_eq!(code(bound, Question { client: from("unknown"), ..here }), Code::IpNotAllowed);
        let manager = |key: &mut ApiKey| key.service = management::SERVICE.to_owned();
        assert_eq!(code(manager, any), Code::NotFound);
        assert_eq!(code(manager, Question { service: Some(management::SERVICE), ..any }), Code::NotFound);
        assert_eq!(code(manager, Question { takes_management_keys: true, ..any }), Code::Valid);
        let other = ApiKeyId::mint();
        assert_eq!(code(off, Question { key_id: Some(other.as_str()), ..any }), Code::NotFound);
        let replaced = |ends_at| Some(Arc::new(key(|_, secret| secret.ends_at = Some(UtcTime::from_micros(ends_at)))));
        assert_eq!(judge(replaced(1_000), &any, NOW).code(), Code::Expired);
        assert_eq!(judge(replaced(1_001), &any, NOW).code(), Code::Valid);
    }

    #[test]
    fn a_management_key_knows_the_keys_of_its_account_and_its_services_alone() {
        let account = AccountId::mint();
        let of = |service: &str, account: &AccountId| {
            Arc::new(key(|key, _| {
                key.service = service.to_owned();
                key.account_id = account.clone();
            }))
        };
        let manager = |services: &str| {
            let services = ServiceReach::parse(services.split(' ')).unwrap();
            manager_of(&account, ManagementBounds::new(services, Scopes::full(), None).unwrap())
        };
        let code = |manager: &KeyRecord, key: &Arc<KeyRecord>| {
            let question = Question { asked_by: Some(manager), ..Question::default() };
            judge(Some(Arc::clone(key)), &question, NOW).code()
        };

        for (services, service, known) in
            [("sms", "sms", true), ("mail sms", "sms", true), ("mail", "sms", false), ("*", "sms", true)]
        {
            let expected = if known { Code::Valid } else { Code::NotFound };
            assert_eq!(code(&manager(services), &of(service, &account)), expected, "{services}");
            assert_eq!(code(&manager(services), &of(service, &AccountId::mint())), Code::NotFound);
        }
        assert_eq!(code(&manager("*"), &of(management::SERVICE, &account)), Code::NotFound);
        assert_eq!(code(&of("sms", &account), &of("sms", &account)), Code::NotFound);
    }

    fn manager_of(account: &AccountId, bounds: ManagementBounds) -> KeyRecord {
        let (key, secret) = rows(|key, _| {
            key.service = management::SERVICE.to_owned();
            key.account_id = account.clone();
        });
        let tally = ServiceMetrics::of(&key.service);
        KeyRecord::new(key, &secret, Some(bounds), tally)
    }

    #[test]
    fn every_code_has_a_name_of_its_own_and_all_but_one_a_status_that_proxies_pass_on() {
        let names: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL.iter().filter(|code| **code != Code::Valid) {
            let Denial { status, challenge, .. } = code.denial();
            // nginx turns every other status of a subrequest into a 500.
            assert!(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN), "{code:?}");
            // RFC 9110 §11.6.1: a 401 comes with a challenge.
            let lacks_scope = challenge == Some(Challenge::InsufficientScope);
            assert_eq!(status == StatusCode::UNAUTHORIZED, challenge.is_some() && !lacks_scope, "{code:?}");
        }
    }

    #[test]
    fn a_verdict_names_the_key_only_where_its_code_does() {
        let verdict = |service| {
            let question = Question { service: Some(service), ..Question::default() };
            judge(Some(Arc::new(key(|_, _| ()))), &question, NOW)
        };

        assert!(
            verdict("mail").key().is_none()
                && verdict("mail").allowed(&[]).is_err_and(|denial| denial == Code::NotFound.denial())
        );
        assert!(verdict("sms").key().is_some() && verdict("sms").allowed(&[]).is_ok());
    }
}
