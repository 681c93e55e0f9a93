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
