//! The snippets of the Connect page as they are where people reach Keyfob by
//! https: beside the examples, only whom the proxy trusts is replaced.

use crate::support::{App, Certificate, Database, Outcome, Proxy, ProxyKind, free_address, with_each_proxy};

/// A proxy that asks Keyfob by https.
struct Scene<'db> {
    app: App<'db>,
    kind: ProxyKind,
    proxy: Proxy,
    /// Speaks TLS for Keyfob.
    _front: Proxy,
}

impl<'db> Scene<'db> {
    #[track_caller]
    fn set(kind: ProxyKind, db: &'db Database, shown: &Certificate, trusted: &Certificate) -> Self {
        let address = free_address();
        let app = App::start_behind(db, &address.replace("127.0.0.1", "https://localhost"));
        let front = Proxy::tls(&address, &app.url, shown);
        let page = app.signed_in().get("/connect?service=sms").assert_ok().page();
        let proxy = kind.start_trusting(&page, trusted);
        Self { app, kind, proxy, _front: front }
    }

    fn ask(&self, secret: &str) -> Outcome {
        self.proxy.ask("GET /hello", &[("X-API-Key", secret)], "")
    }

    #[track_caller]
    fn assert_closed(&self) {
        let key = self.app.make_key("Project X");
        let outcome = self.ask(&key.secret);
        assert!([500, 502, 503].contains(&outcome.status), "{}\n{}", outcome.head, outcome.body);
        assert!(!outcome.body.contains("/hello"), "the application was reached: {}", outcome.body);
        // HAProxy does not say why.
        if self.kind != ProxyKind::Haproxy {
            let log = self.proxy.log().to_lowercase();
            assert!(log.contains("certificate"), "closed for another reason: {log}");
        }
    }
}

with_each_proxy! {
    fn whoever_has_a_key_comes_in_and_nobody_else_does(kind: ProxyKind, db: &Database) {
        let certificate = Certificate::of("localhost");
        let scene = Scene::set(kind, db, &certificate, &certificate);
        let (key, other) = (scene.app.make_key("Project X"), scene.app.make_key("Project Y"));
        scene.app.signed_in().switch(&other, "disabled");

        let outcome = scene.ask(&key.secret).assert_reached_the_application();

        assert_eq!(outcome.received("x-key-id"), [&key.id]);
        assert_eq!(scene.ask(&other.secret).status, 401);
        assert_eq!(scene.ask("").status, 401);
    }

    fn a_certificate_that_nobody_trusted_vouches_for_opens_nothing(kind: ProxyKind, db: &Database) {
        Scene::set(kind, db, &Certificate::of("localhost"), &Certificate::of("localhost")).assert_closed();
    }

    fn nor_does_one_of_somebody_else(kind: ProxyKind, db: &Database) {
        let certificate = Certificate::of("keys.example.com");
        Scene::set(kind, db, &certificate, &certificate).assert_closed();
    }
}
