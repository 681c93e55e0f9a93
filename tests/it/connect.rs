//! The Connect page: snippets that are ready to be used.

use std::process::Command;

use crate::support::{App, Key, Relay, on_both_databases};

const SNIPPETS: [&str; 8] = ["nginx", "caddy", "traefik", "curl", "python", "javascript", "go", "php"];
const PROXIES: [&str; 3] = ["nginx", "caddy", "traefik"];

/// Snippets that are programs, with what runs them and what they say about a
/// valid and a disabled key.
const PROGRAMS: [(&str, &[&str], &str, &str); 3] = [
    ("curl", &["sh", "-c"], r#""code":"VALID""#, r#""code":"DISABLED""#),
    ("python", &["python3", "-c"], "True VALID\n", "False DISABLED\n"),
    ("javascript", &["node", "--input-type=module", "--eval"], "true VALID\n", "false DISABLED\n"),
];

/// What a program says with this key in the place of the example, and whether
/// it ended well.
#[track_caller]
fn run(runner: &[&str], snippet: &str, key: &Key) -> (bool, String) {
    assert_eq!(snippet.matches("sms_live_…").count(), 1, "{snippet}");
    let mut program = Command::new(runner[0]);
    program.args(&runner[1..]).arg(snippet.replace("sms_live_…", &key.secret));
    let output = program.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1").output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

fn snippet(app: &App, path: &str, name: &str) -> String {
    app.signed_in().get(path).assert_ok().page().raw_text(&format!("#snippet-{name}"))
}

on_both_databases! {
    fn every_snippet_is_filled_in_with_the_service_and_the_address_that_was_asked(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let page = app.signed_in().get("/connect?service=mail").assert_ok().page();

        for name in SNIPPETS {
            let text = page.raw_text(&format!("#snippet-{name}"));
            let address = if name == "nginx" { app.url.trim_start_matches("http://") } else { &app.url };
            assert!(text.contains(address) && text.contains("mail"), "{name}: {text}");
            assert!(!text.contains("sms"), "{name}: {text}");
            assert!(!text.contains("{{") && !text.contains("&quot;") && !text.contains("&#"), "{name}: {text}");
            assert!(page.has(&format!("[data-copy=snippet-{name}]")), "{name} can't be copied");
        }
        for name in PROXIES {
            assert!(page.raw_text(&format!("#snippet-{name}")).contains("/v1/auth?service=mail"), "{name}");
        }
    }

    fn without_a_service_it_is_about_the_first(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");

        let page = app.signed_in().get("/connect").assert_ok().page();

        assert_eq!(page.text("option[selected]"), "SMS");
        assert_eq!(page.texts("option"), ["SMS", "Mail"]);
        assert_eq!(page.attr(".nav__link[aria-current]", "href"), "/connect");
        assert!(page.raw_text("#snippet-curl").contains(r#"{"key": "sms_live_…", "service": "sms"}"#));
        for unknown in ["unheard", "SMS", "%27%3B", "sms%0a"] {
            app.signed_in().get(&format!("/connect?service={unknown}")).assert_status(404);
        }
    }

    fn behind_https_the_snippets_check_the_certificate(db: &Database) {
        let app = App::start_behind(db, "https://keys.example.com");
        let client = app.anonymous().with("x-forwarded-proto", "https").with("origin", "https://keys.example.com");
        client.log_in(crate::support::EMAIL, crate::support::PASSWORD);

        let page = client.get("/connect").assert_ok().page();

        let nginx = page.raw_text("#snippet-nginx");
        for line in [
            "server keys.example.com:443;",
            "proxy_pass https://keyfob_sms/v1/auth?service=sms;",
            "proxy_ssl_verify on;",
            "proxy_ssl_name keys.example.com;",
            "proxy_set_header Host keys.example.com;",
        ] {
            assert!(nginx.contains(line), "{line} is not in {nginx}");
        }
        assert!(page.raw_text("#snippet-caddy").contains("forward_auth https://keys.example.com {"));
        assert!(page.raw_text("#snippet-traefik").contains("\"https://keys.example.com/v1/auth?service=sms\""));
    }

    fn what_a_browser_says_about_the_host_can_not_write_into_the_snippets(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for evil in ["evil.example;x", "a{b", "$(reboot)", "a'b", "a b", "a/b"] {
            let page = client.with("x-forwarded-host", evil).get("/connect").assert_ok().page();
            for name in SNIPPETS {
                assert!(!page.raw_text(&format!("#snippet-{name}")).contains(evil), "{name}: {evil}");
            }
        }
    }

    fn every_proxy_strips_what_a_client_claims_to_be(db: &Database) {
        let app = db.app();

        let (nginx, traefik) = (snippet(&app, "/connect", "nginx"), snippet(&app, "/connect", "traefik"));
        for header in ["X-Key-Id", "X-Key-Name", "X-Key-Mode", "X-Key-Service", "X-Account-Id", "X-Auth-Code"] {
            assert_eq!(nginx.matches(&format!("proxy_set_header {header} ")).count(), 1, "{header}");
            // WSGI and PHP take both spellings for one.
            for spelling in [header.to_owned(), header.replace('-', "_")] {
                assert!(traefik.contains(&format!("          {spelling}: \"\"\n")), "{spelling}");
            }
            assert!(traefik.contains(&format!("          - {header}\n")), "{header}");
        }
        let (strip, ask) = ("        - keyfob-sms-strip\n", "        - keyfob-sms\n");
        assert!(traefik.find(strip).unwrap() < traefik.find(ask).unwrap(), "it strips before it asks");
    }

    fn curl_python_and_javascript_let_a_valid_key_in_and_nothing_else(db: &Database) {
        let app = db.app();
        let relay = Relay::to(&app.url);
        let operator = app.signed_in();
        let (on, off) = (operator.create_key("On"), operator.create_key("Off"));
        operator.switch(&off, "disabled");
        // The page fills in the address that it is asked for: the relay's.
        let page = operator.at(&format!("http://{}", relay.address)).get("/connect?service=sms").assert_ok().page();
        let snippet = |name: &str| page.raw_text(&format!("#snippet-{name}"));

        for (name, runner, valid, disabled) in PROGRAMS {
            let (ended_well, said) = run(runner, &snippet(name), &on);
            assert!(ended_well && said.contains(valid), "{name}: {said}");
            let (ended_well, said) = run(runner, &snippet(name), &off);
            assert!(ended_well && said.contains(disabled) && !said.contains(valid), "{name}: {said}");
        }
        relay.cut();
        for (name, runner, ..) in PROGRAMS {
            assert_eq!(run(runner, &snippet(name), &on), (false, String::new()), "{name}: Keyfob is down");
        }
    }

    fn whoever_is_not_logged_in_sees_no_snippets(db: &Database) {
        db.app().anonymous().get("/connect?service=sms").assert_leads_to("/login?next=/connect%3Fservice%3Dsms");
    }
}
