//! The snippets of the Connect page, run by the real proxies as they are: only
//! the site's and the application's addresses, which are examples, are replaced.

use std::thread;
use std::time::Duration;

use keyfob::domain::api_key::secret::{KeySecret, Mode};

use crate::support::{
    Answer, App, Client, Database, Outcome, Proxy, ProxyKind, Relay, on_both_databases, with_each_proxy,
};

const IDENTITY: [&str; 8] = [
    "x-key-id",
    "x-key-name",
    "x-key-mode",
    "x-key-service",
    "x-key-scopes",
    "x-key-secret",
    "x-account-id",
    "x-auth-code",
];

/// A proxy between a client and an application, with a Keyfob that it asks.
struct Scene<'db> {
    app: App<'db>,
    operator: Client,
    relay: Relay,
    proxy: Proxy,
}

impl<'db> Scene<'db> {
    #[track_caller]
    fn set(kind: ProxyKind, db: &'db Database) -> Self {
        Self::set_asking(kind, db, "")
    }

    /// The same with more parameters of the page.
    #[track_caller]
    fn set_asking(kind: ProxyKind, db: &'db Database, parameters: &str) -> Self {
        let app = db.app();
        let relay = Relay::to(&app.url);
        let operator = app.signed_in();
        // The page fills in the address that it is asked for: the relay's.
        let path = format!("/connect?service=sms{parameters}");
        let page = operator.at(&format!("http://{}", relay.address)).get(&path).assert_ok().page();
        let proxy = kind.start(&page);
        Self { app, operator, relay, proxy }
    }

    #[track_caller]
    fn ask(&self, headers: &[(&str, &str)]) -> Outcome {
        self.proxy.ask("GET /hello?a=b", headers, "")
    }

    #[track_caller]
    fn assert_open(&self, secret: &str) {
        self.ask(&[("X-API-Key", secret)]).assert_reached_the_application();
    }

    #[track_caller]
    fn assert_closed(&self, headers: &[(&str, &str)], statuses: &[u16]) -> Outcome {
        let outcome = self.ask(headers);
        assert!(statuses.contains(&outcome.status), "{}\n{}", outcome.head, outcome.body);
        assert!(!outcome.body.contains("GET /hello"), "the application was reached: {}", outcome.body);
        outcome
    }
}

with_each_proxy! {
    fn whoever_has_a_key_comes_in_and_the_application_learns_who_it_is(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let key = scene.operator.create_key("Zoë & Co");

        for header in [("X-API-Key", key.secret.clone()), ("Authorization", format!("Bearer {}", key.secret))] {
            let outcome = scene.ask(&[(header.0, &header.1)]).assert_reached_the_application();
            assert_eq!(outcome.received("x-key-id"), [&key.id]);
            assert_eq!(outcome.received("x-key-name"), ["Zo%C3%AB%20%26%20Co"]);
            assert_eq!(outcome.received("x-key-mode"), ["live"]);
            assert_eq!(outcome.received("x-key-service"), ["sms"]);
            assert!(outcome.received("x-account-id")[0].starts_with("acc_"));
            assert_eq!(outcome.received("x-auth-code"), ["VALID"]);
            assert!(outcome.received("host")[0].starts_with("127.0.0.1"));
            let head = outcome.head.to_lowercase();
            for name in IDENTITY.into_iter().chain(["cache-control"]) {
                assert!(!head.contains(name), "{name} reaches the client: {head}");
            }
        }
    }

    fn whoever_has_none_or_a_wrong_one_stays_outside(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let unknown = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";

        let missing = scene.assert_closed(&[], &[401]);
        assert!(missing.head.to_lowercase().contains("www-authenticate: bearer realm=\"keyfob\"\r\n"), "{}", missing.head);
        for key in [unknown, "", "sms_live_", "hunter2"] {
            scene.assert_closed(&[("X-API-Key", key)], &[401]);
        }
        scene.assert_closed(&[("X-API-Key", unknown), ("X-API-Key", unknown)], &[401]);
        scene.assert_closed(&[("Authorization", "Basic YTpi")], &[401]);
    }

    fn off_is_off_on_the_next_request(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let key = scene.operator.create_key("Project X");
        for _ in 0..3 {
            scene.assert_open(&key.secret);
            scene.operator.switch(&key, "disabled");
            scene.assert_closed(&[("X-API-Key", &key.secret)], &[401]);
            scene.operator.switch(&key, "enabled");
        }
        scene.operator.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);
        scene.assert_closed(&[("X-API-Key", &key.secret)], &[401]);
    }

    fn a_key_of_another_service_and_a_test_key_stay_outside(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        scene.app.add_service("mail", "Mail");
        let id = scene.operator.form_id();
        let page = scene.operator.post("/api-keys", &[("key_id", &id), ("service", "mail"), ("name", "Mail")]).page();
        let mail = page.text(".reveal .copyable__text[id^=key-secret]");
        let test = make_test_key(&scene);

        scene.assert_closed(&[("X-API-Key", &mail)], &[401]);
        scene.assert_closed(&[("X-API-Key", &test)], &[403]);
    }

    fn only_keys_with_every_scope_come_in_whatever_the_client_asks_for(kind: ProxyKind, db: &Database) {
        let scene = Scene::set_asking(kind, db, "&scope=messages.send&scope=messages.read");
        let able = scene.app.make_key_with_rules("messages.read messages.send", "");
        let unable = scene.app.make_key_with_rules("messages.read", "");

        let outcome = scene.ask(&[("X-API-Key", &able.secret)]).assert_reached_the_application();
        assert_eq!(outcome.received("x-key-scopes"), ["messages.read messages.send"]);
        scene.assert_closed(&[("X-API-Key", &unable.secret)], &[403]);
        let chosen = "GET /hello?scopes=messages.read;scopes=messages.read";
        assert_eq!(scene.proxy.ask(chosen, &[("X-API-Key", &unable.secret)], "").status, 403);
    }

    fn what_a_client_claims_to_be_never_reaches_the_application(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let key = scene.operator.create_key("Project X");
        let mut headers = vec![("X-API-Key", &*key.secret)];
        let names: Vec<String> = IDENTITY.iter().flat_map(|name| [(*name).to_owned(), name.to_uppercase(), name.replace('-', "_")]).collect();
        headers.extend(names.iter().map(|name| (name.as_str(), "spoofed")));
        headers.extend(IDENTITY.map(|name| (name, "")));

        let outcome = scene.ask(&headers).assert_reached_the_application();

        assert!(!outcome.body.contains("spoofed"), "{}", outcome.body);
        for name in IDENTITY {
            assert_eq!(outcome.received(name).len(), 1, "{name}: {}", outcome.body);
        }
        scene.assert_closed(&headers[1..], &[401]);
    }

    fn the_key_stays_with_the_proxy(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let key = scene.operator.create_key("Project X");

        for header in [("X-API-Key", key.secret.clone()), ("Authorization", format!("Bearer {}", key.secret))] {
            let outcome = scene.ask(&[(header.0, &header.1)]).assert_reached_the_application();
            assert!(!outcome.body.contains(&key.secret), "{}", outcome.body);
        }
    }

    fn a_preflight_reaches_the_application_as_nobody_and_nothing_else_does(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let origin = ("Origin", "https://app.example.com");
        let mut headers = vec![origin, ("Access-Control-Request-Method", "PUT")];
        headers.extend(IDENTITY.map(|name| (name, "spoofed")));

        let outcome = scene.proxy.ask("OPTIONS /hello", &headers, "").assert_reached_the_application();

        assert!(!outcome.body.contains("spoofed"), "{}", outcome.body);
        assert!(IDENTITY.iter().all(|name| outcome.received(name).iter().all(|value| *value == "-")), "{}", outcome.body);
        assert_eq!(outcome.received("access-control-request-method"), ["PUT"]);
        scene.assert_closed(&headers, &[401]);
        headers.push(("X-Forwarded-Method", "OPTIONS"));
        scene.assert_closed(&headers, &[401]);
        assert_eq!(scene.proxy.ask("OPTIONS /hello", &[origin], "").status, 401);
    }

    fn what_a_client_writes_into_its_address_chooses_nothing(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let test = make_test_key(&scene);

        for path in ["/hello?mode=any", "/;mode=any/hello?service=sms&mode=any", "/hello&mode=any", "//hello;mode=any"] {
            let outcome = scene.proxy.ask(&format!("GET {path}"), &[("X-API-Key", &test)], "");
            assert_eq!(outcome.status, 403, "{path}: {}\n{}", outcome.head, outcome.body);
        }
    }

    fn a_body_reaches_the_application_and_not_keyfob(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let key = scene.operator.create_key("Project X");
        let body = "x".repeat(100_000);

        let outcome = scene.proxy.ask("POST /hello", &[("X-API-Key", &key.secret)], &body);

        let outcome = outcome.assert_reached_the_application();
        assert!(outcome.body.starts_with("POST /hello") && outcome.body.ends_with(&body));
        assert!(scene.relay.bytes() < 50_000, "{} bytes went to Keyfob", scene.relay.bytes());
    }

    fn a_packed_body_reaches_the_application(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let key = scene.operator.create_key("Project X");
        let headers = |key| [("X-API-Key", key), ("Content-Encoding", "gzip")];

        let outcome = scene.proxy.ask("POST /hello", &headers(&key.secret), "packed");

        assert!(outcome.assert_reached_the_application().body.ends_with("packed"));
        scene.assert_closed(&headers("hunter2"), &[401]);
    }

    fn connections_to_keyfob_are_kept(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let key = scene.operator.create_key("Project X");
        let before = scene.relay.connections();

        for _ in 0..50 {
            scene.assert_open(&key.secret);
        }

        let made = scene.relay.connections() - before;
        assert!(made <= 4, "{made} connections for 50 requests");
    }

    fn while_keyfob_is_down_nothing_gets_through(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let key = scene.operator.create_key("Project X");
        scene.assert_open(&key.secret);
        scene.relay.cut();

        for _ in 0..3 {
            scene.assert_closed(&[("X-API-Key", &key.secret)], &[500, 502, 503]);
        }
    }

    fn while_keyfob_hangs_nothing_gets_through(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let key = scene.operator.create_key("Project X");
        scene.relay.hang();

        scene.assert_closed(&[("X-API-Key", &key.secret)], &[500, 502, 503, 504]);
    }

    fn while_keyfobs_database_is_gone_nothing_gets_through(kind: ProxyKind, db: &Database) {
        let scene = Scene::set(kind, db);
        let key = scene.operator.create_key("Project X");
        scene.assert_open(&key.secret);
        scene.app.db.take_away();
        thread::sleep(Duration::from_millis(1_300));

        scene.assert_closed(&[("X-API-Key", &key.secret)], &[500, 503]);

        scene.app.db.bring_back();
    }
}

on_both_databases! {
    fn traefik_gets_what_it_needs(db: &Database) {
        let scene = AsTraefik::of(db);
        let (key, test_key) = (scene.operator.create_key("Project X"), scene.app.make_test_key("Test"));

        let allowed = scene.ask(&key.secret).assert_ok().assert_header("x-key-id", &key.id);
        for name in IDENTITY {
            assert!(!allowed.header(name).is_empty(), "{name}");
        }
        scene.assert_refused(&test_key.secret, 403, "MODE_NOT_ALLOWED");
        scene.assert_refused(UNKNOWN, 401, "NOT_FOUND");
        scene.assert_refused("nonsense", 401, "NOT_FOUND");
        scene.operator.switch(&key, "disabled");
        scene.assert_refused(&key.secret, 401, "DISABLED");
        scene.operator.switch(&key, "enabled");
        scene.ask(&key.secret).assert_ok();
        scene.operator.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);
        scene.assert_refused(&key.secret, 401, "NOT_FOUND");
    }

    fn traefik_is_told_to_ask_for_a_key_where_none_came(db: &Database) {
        let scene = AsTraefik::of(db);

        let refused = scene.client.get("/v1/auth?service=sms").assert_status(401);

        refused.assert_header("x-auth-code", "KEY_MISSING").assert_header("www-authenticate", "Bearer realm=\"keyfob\"");
    }

    fn a_key_of_another_service_opens_nothing_behind_traefik(db: &Database) {
        let scene = AsTraefik::of(db);
        scene.app.add_service("mail", "Mail");
        let key = scene.operator.create_key("Project X");

        let elsewhere = scene.client.with("x-api-key", &key.secret).get("/v1/auth?service=mail").assert_status(401);

        elsewhere.assert_header("x-auth-code", "NOT_FOUND");
        scene.ask(&key.secret).assert_ok().assert_header("x-key-service", "sms");
    }
}

/// Has the right checksum, and is nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";

/// What Traefik asks for a client that claims to be somebody.
struct AsTraefik<'a> {
    app: App<'a>,
    operator: Client,
    client: Client,
}

impl<'a> AsTraefik<'a> {
    fn of(db: &'a Database) -> Self {
        let app = db.app();
        let operator = app.signed_in();
        let asking = app
            .anonymous()
            .with("x-forwarded-method", "POST")
            .with("x-forwarded-proto", "https")
            .with("x-forwarded-host", "api.example.com")
            .with("x-forwarded-uri", "/orders?service=mail&mode=any")
            .with("x-forwarded-for", "203.0.113.9")
            .with("user-agent", "billing/2.1");
        let client = IDENTITY.iter().fold(asking, |asking, name| asking.with(name, "somebody-else"));
        Self { app, operator, client }
    }

    fn ask(&self, key: &str) -> Answer {
        self.client.with("x-api-key", key).get("/v1/auth?service=sms")
    }

    /// With its status and cause, and with nothing that says who it is.
    #[track_caller]
    fn assert_refused(&self, key: &str, status: u16, code: &str) {
        let refused = self.ask(key).assert_status(status).assert_header("x-auth-code", code);
        for name in &IDENTITY[..7] {
            assert!(refused.header(name).is_empty(), "{name}");
        }
        let challenge = if status == 401 { "Bearer realm=\"keyfob\", error=\"invalid_token\"" } else { "" };
        assert_eq!(refused.header("www-authenticate"), challenge);
    }
}

/// A key in mode test, which the dashboard does not make.
fn make_test_key(scene: &Scene) -> String {
    let key = scene.operator.create_key("Test");
    let secret = KeySecret::generate("sms", Mode::Test).unwrap();
    let digest = secret.digest().to_hex();
    scene.app.db.execute(&format!(
        "UPDATE api_keys SET mode = 'test' WHERE id = '{id}'; \
         UPDATE key_secrets SET digest = x'{digest}' WHERE api_key_id = '{id}'",
        id = key.id
    ));
    secret.expose().to_owned()
}
