//! Pages of other sites read nothing here, and nobody is led to them.

use crate::support::{App, Client, EMAIL, PASSWORD, form, on_both_databases, routes};

const EVIL: &str = "https://evil.example";

/// Addresses that some browser would take for another site's, or for a script.
const ELSEWHERE: [&str; 16] = [
    "https://evil.example",
    "http:evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\r/evil.example",
    "/\n/evil.example",
    "\u{1}//evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\u{2f}evil.example",
];

/// A path stays on the site, by the rules of the URL standard: it has no host.
#[track_caller]
fn assert_stays(location: &str, next: &str) {
    let mut start = location.chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).skip_while(|c| *c <= ' ');
    assert_eq!(start.next(), Some('/'), "{next:?} led to {location:?}");
    assert!(!matches!(start.next(), Some('/' | '\\')), "{next:?} led to {location:?}");
    assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{next:?} led to {location:?}");
}

on_both_databases! {
    fn no_answer_lets_another_sites_page_read_it(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let evil = |client: &Client| client.with("origin", EVIL).with("sec-fetch-site", "cross-site").with("x-api-key", &key.secret);
        let preflight = evil(&client)
            .with("access-control-request-method", "POST")
            .with("access-control-request-headers", "content-type, x-api-key")
            .with("access-control-request-private-network", "true");

        for route in routes() {
            let path = format!("{}?service=sms", route.path(&key.id));
            let question = serde_json::json!({"key": key.secret}).to_string();
            let answers = [
                preflight.send("OPTIONS", &path, None),
                evil(&client).get(&path),
                evil(&client).post(&path, &[("status", "disabled")]),
                evil(&client).post_json(&path, &question),
            ];
            for answer in answers {
                let told = answer.headers.keys().find(|name| name.as_str().starts_with("access-control"));
                assert_eq!(told, None, "{path}");
            }
        }
        app.assert_verdict(&key.secret, "VALID");
    }

    fn a_login_leads_back_to_its_page_and_never_to_another_site(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let log_in = |next: &str| {
            let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
            client.post("/login", &fields).assert_status(303).location().to_owned()
        };

        for next in ELSEWHERE {
            app.clock.advance(10);
            assert_stays(&log_in(next), next);
            let already = client.get(&format!("/login?{}", form(&[("next", next)])));
            assert_stays(already.assert_status(303).location(), next);
        }
        assert_eq!(log_in("/settings?tab=1"), "/settings?tab=1");
    }

    fn a_switch_leads_back_to_its_page_and_never_to_another_site(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for referer in ["https://evil.example//evil.example", "https://evil.example/\\evil.example", "//evil.example", "x"] {
            let answer = client.with("referer", referer).post(&key.status_path(), &[("status", "enabled")]);
            assert_stays(answer.assert_status(303).location(), referer);
        }
        let answer = client.on("/api-keys?service=sms").post(&key.status_path(), &[("status", "enabled")]);
        answer.assert_leads_to("/api-keys?service=sms");
    }

    fn an_address_that_names_a_host_of_its_own_is_not_echoed_into_links(db: &Database) {
        let app: App = db.app();
        let client = app.signed_in().with("host", "evil.example").with("x-forwarded-host", "evil.example");

        for path in ["/", "/login", "/api-keys", "/api-keys/new", "/messages", "/credits", "/settings", "/nothing"] {
            let answer = client.get(path);
            assert!(!answer.body.contains("evil.example") && !answer.location().contains("evil.example"), "{path}");
        }
    }
}
