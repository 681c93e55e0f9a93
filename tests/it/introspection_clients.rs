//! Somebody else's resource server asks by configuration alone: Apache with its module for
//! OAuth, as `docs/introspection.md` sets it up. Only addresses, the credentials and whom it
//! trusts are replaced.

use crate::introspection::basic;
use crate::support::{App, Certificate, Database, Key, Outcome, Proxy, free_address};

const DOCS: &str = include_str!("../../docs/introspection.md");
/// Well-formed, and nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";
/// The lines of the documented configuration that some tests replace.
const ANY_KEY: &str = "Require claim aud:sms";
const NO_CACHE: &str = "OIDCOAuthTokenIntrospectionInterval -1";

/// What the documentation says between these marks, with each example replaced.
#[track_caller]
fn documented(language: &str, examples: &[(&str, &str)]) -> String {
    let text = DOCS.split(&format!("```{language}\n")).nth(1).unwrap().split("```").next().unwrap();
    examples.iter().fold(text.to_owned(), |text, (example, real)| {
        assert_eq!(text.matches(example).count(), 1, "{example} in {text}");
        text.replace(example, real)
    })
}

/// Apache between a client and an application, with a Keyfob that it asks.
struct Scene<'db> {
    app: App<'db>,
    manager: Key,
    apache: Proxy,
    /// Speaks TLS for Keyfob: Apache sends no credentials without it.
    _front: Proxy,
    _certificate: Certificate,
}

impl<'db> Scene<'db> {
    #[track_caller]
    fn set(db: &'db Database, changes: &[(&str, &str)]) -> Self {
        let (certificate, address) = (Certificate::of("localhost"), free_address());
        let public_url = address.replace("127.0.0.1", "https://localhost");
        let app = App::start_behind(db, &public_url);
        let front = Proxy::tls(&address, &app.url, &certificate);
        let manager = app.make_management_key("introspect", "sms");
        let site = documented(
            "apache",
            &[
                ("https://keys.example.com", &public_url),
                ("key_01kjmma2g0emq8k9w39qsaekf4", &manager.id),
                ("keyfob_live_…", &manager.secret),
            ],
        );
        let site = changes.iter().fold(site, |site, (line, other)| {
            assert_eq!(site.matches(line).count(), 1, "{line} in {site}");
            site.replace(line, other)
        });
        let trusting = format!("OIDCCABundlePath {}\n{site}", certificate.path().display());
        Self { apache: Proxy::apache(&trusting), app, manager, _front: front, _certificate: certificate }
    }

    fn ask(&self, token: &str) -> Outcome {
        self.apache.ask("GET /hello", &[("Authorization", &format!("Bearer {token}"))], "")
    }

    #[track_caller]
    fn assert_refused(&self, token: &str) {
        let outcome = self.ask(token);
        assert_eq!(outcome.status, 401, "{}\n{}", outcome.body, self.apache.log());
        assert!(!outcome.body.contains("/hello"), "the application was reached: {}", outcome.body);
    }
}

#[test]
fn whoever_has_a_key_comes_in_and_the_application_learns_who_it_is() {
    let db = Database::sqlite();
    let scene = Scene::set(&db, &[]);
    let key = scene.app.make_key_with_rules("messages.read messages.send", "");

    let outcome = scene.ask(&key.secret);

    assert_eq!(outcome.status, 200, "{}\n{}", outcome.body, scene.apache.log());
    let outcome = outcome.assert_reached_the_application();
    assert_eq!(outcome.received("oidc_claim_client_id"), [&key.id]);
    assert_eq!(outcome.received("oidc_claim_scope"), ["messages.read messages.send"]);
    assert_eq!(outcome.received("oidc_claim_aud"), ["sms"]);
}

#[test]
fn whoever_has_none_or_a_wrong_one_stays_outside() {
    let db = Database::sqlite();
    let scene = Scene::set(&db, &[]);
    scene.app.add_service("mail", "Mail");
    let elsewhere = scene.app.make_key("Elsewhere");
    db.execute(&format!("UPDATE api_keys SET service = 'mail' WHERE id = '{}'", elsewhere.id));
    let listed = scene.app.make_key_with_rules("*", "203.0.113.7");

    for token in [UNKNOWN, "hunter2", "a&token=b", &scene.manager.secret, &elsewhere.secret, &listed.secret] {
        scene.assert_refused(token);
    }
    assert_eq!(scene.apache.ask("GET /hello", &[], "").status, 401);
    let as_server = basic(&scene.manager.id, &scene.manager.secret);
    assert_eq!(scene.apache.ask("GET /hello", &[("Authorization", &as_server)], "").status, 401);
}

#[test]
fn without_a_cache_off_is_off_on_the_next_request() {
    let db = Database::sqlite();
    let scene = Scene::set(&db, &[]);
    let (key, operator) = (scene.app.make_key("Project X"), scene.app.signed_in());

    for _ in 0..3 {
        scene.ask(&key.secret).assert_reached_the_application();
        operator.switch(&key, "disabled");
        scene.assert_refused(&key.secret);
        operator.switch(&key, "enabled");
    }
    operator.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);
    scene.assert_refused(&key.secret);
}

#[test]
fn with_a_cache_off_comes_as_late_as_the_cache() {
    for interval in ["0", "3600"] {
        let db = Database::sqlite();
        let scene = Scene::set(&db, &[(NO_CACHE, &NO_CACHE.replace("-1", interval))]);
        let [known, other, endless] = ["Known", "Other", "Endless"].map(|name| scene.app.make_key(name));
        // By Apache's clock, not by that of the test.
        db.execute("UPDATE api_keys SET expires_at = 4000000000000000 WHERE service = 'sms' AND name <> 'Endless'");
        let operator = scene.app.signed_in();
        for key in [&known, &endless] {
            scene.ask(&key.secret).assert_reached_the_application();
        }

        [&known, &other, &endless].into_iter().for_each(|key| operator.switch(key, "disabled"));

        scene.ask(&known.secret).assert_reached_the_application();
        scene.assert_refused(&other.secret);
        scene.assert_refused(&endless.secret);
    }
}

#[test]
fn a_scope_can_be_asked_for() {
    let db = Database::sqlite();
    let required = documented("apacheconf", &[]);
    let scene = Scene::set(&db, &[(ANY_KEY, required.trim())]);
    let [able, full, unable] =
        ["messages.read messages.send", "*", "messages.read"].map(|scopes| scene.app.make_key_with_rules(scopes, ""));

    for key in [able, full] {
        scene.ask(&key.secret).assert_reached_the_application();
    }
    let refused = scene.ask(&unable.secret);
    assert!([401, 403].contains(&refused.status) && !refused.body.contains("/hello"), "{}", refused.body);
}

#[test]
fn a_resource_server_whose_own_key_is_switched_off_lets_nobody_in() {
    let db = Database::sqlite();
    let scene = Scene::set(&db, &[]);
    let key = scene.app.make_key("Project X");
    scene.ask(&key.secret).assert_reached_the_application();

    scene.app.gate_switch().set(&scene.manager, keyfob::domain::api_key::KeyStatus::Disabled);

    scene.assert_refused(&key.secret);
}
