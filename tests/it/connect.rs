//! The Connect page: snippets that are ready to be used.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use actix_web::http::header::HeaderName;
use keyfob::clock::Clock;
use keyfob::config::Config;

use crate::support::{
    App, Application, Database, Key, MESSAGES, Page, Proxy, ProxyKind, Relay, free_address, on_both_databases,
};

const PROXIES: [&str; 9] =
    ["nginx", "caddy", "traefik", "envoy", "haproxy", "haproxy-lua", "ingress-nginx", "apisix", "kong"];
const CHECKS: [&str; 5] = ["curl", "python", "javascript", "go", "php"];
const SENDS: [&str; 8] = [
    "send-curl",
    "send-python",
    "send-javascript",
    "send-go",
    "send-php",
    "twilio-curl",
    "twilio-python",
    "twilio-javascript",
];

fn snippets() -> impl Iterator<Item = &'static str> {
    PROXIES.into_iter().chain(CHECKS).chain(SENDS)
}

/// A snippet that is a program.
struct Program {
    name: &'static str,
    /// How its file's name ends.
    ends: &'static str,
    runner: &'static [&'static str],
    /// What it says about a valid key.
    valid: &'static str,
    /// What it says about a disabled key.
    disabled: &'static str,
}

const PROGRAMS: [Program; 5] = [
    Program { name: "curl", ends: "sh", runner: &["sh"], valid: r#""code":"VALID""#, disabled: r#""code":"DISABLED""# },
    Program { name: "python", ends: "py", runner: &["python3"], valid: "True VALID\n", disabled: "False DISABLED\n" },
    Program { name: "javascript", ends: "mjs", runner: &["node"], valid: "true VALID\n", disabled: "false DISABLED\n" },
    Program { name: "go", ends: "go", runner: &["go", "run"], valid: "true VALID\n", disabled: "false DISABLED\n" },
    Program {
        name: "php",
        ends: "php",
        runner: &["php", "-d", "display_errors=stderr"],
        valid: "true VALID\n",
        disabled: "false DISABLED\n",
    },
];

impl Program {
    /// What it says about this key in the place of the example, and whether it
    /// ended well.
    #[track_caller]
    fn run(&self, page: &Page, key: &Key) -> (bool, String) {
        self.run_snippet(page, "", key)
    }

    /// What its fellow that sends says.
    #[track_caller]
    fn send(&self, page: &Page, key: &Key) -> (bool, String) {
        self.run_snippet(page, "send-", key)
    }

    /// What its fellow says that sends with Twilio's client.
    #[track_caller]
    fn send_as_twilio(&self, page: &Page, key: &Key) -> (bool, String) {
        self.run_snippet(page, "twilio-", key)
    }

    #[track_caller]
    fn run_snippet(&self, page: &Page, kind: &str, key: &Key) -> (bool, String) {
        let snippet = page.raw_text(&format!("#snippet-{kind}{}", self.name));
        assert_eq!(snippet.matches("sms_live_…").count(), 1, "{snippet}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("main").with_extension(self.ends);
        fs::write(&file, snippet.replace("sms_live_…", &key.secret)).unwrap();
        // Node.js looks for packages beside the program, of which Twilio's client is one.
        let packages = |folder: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(folder);
        symlink(packages("npm/node_modules"), folder.path().join("node_modules")).unwrap();
        let mut program = Command::new(self.runner[0]);
        program.env("PYTHONPATH", packages("clients")).env("PYTHONDONTWRITEBYTECODE", "1");
        program.args(&self.runner[1..]).arg(file).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        let output = program.output().unwrap_or_else(|error| panic!("{} can't be started: {error}", self.runner[0]));
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }
}

fn snippet(app: &App, path: &str, name: &str) -> String {
    app.signed_in().get(path).assert_ok().page().raw_text(&format!("#snippet-{name}"))
}

#[test]
fn programs_ask_and_send_below_a_path_of_a_host() {
    let (db, address) = (Database::sqlite(), free_address());
    let app = App::start_behind(&db, &format!("http://{address}/keyfob"));
    let _front = Proxy::with_keyfob_below_a_path(ProxyKind::Nginx, &address, &app.url);
    let page = app.signed_in().get("/connect").assert_ok().page();

    for program in PROGRAMS.iter().filter(|program| ["curl", "python", "javascript"].contains(&program.name)) {
        let key = app.make_key(program.name);
        let (is_well, said) = program.run(&page, &key);
        assert!(is_well && said.contains(program.valid), "{}: {said}", program.name);
        for (is_well, said) in [program.send(&page, &key), program.send_as_twilio(&page, &key)] {
            assert!(is_well && !said.is_empty(), "{}: {said}", program.name);
        }
    }
    // Twilio has no names for requests; the others have the same one, and send one message.
    assert_eq!(db.count("messages"), 4);
}

on_both_databases! {
    fn every_snippet_is_filled_in_with_the_service_and_the_address_that_was_asked(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let page = app.signed_in().get("/connect?service=mail").assert_ok().page();

        let host = app.url.trim_start_matches("http://");
        for name in PROXIES.into_iter().chain(CHECKS) {
            let text = page.raw_text(&format!("#snippet-{name}"));
            assert!(text.contains(host) || name == "haproxy-lua", "{name}: {text}");
            assert!(text.contains("mail"), "{name}: {text}");
            assert!(!text.contains("sms"), "{name}: {text}");
            assert!(!text.contains("{{") && !text.contains("&quot;") && !text.contains("&#"), "{name}: {text}");
            assert!(page.has(&format!("[data-copy=snippet-{name}]")), "{name} can't be copied");
        }
        for name in PROXIES {
            let text = page.raw_text(&format!("#snippet-{name}"));
            let asked = text.contains("/v1/auth?service=mail") || text.contains("/v1/auth/mail;");
            assert!(asked || (name == "haproxy" && text.contains("lua.keyfob_mail ")), "{name}");
        }
        for name in SENDS {
            assert!(!page.has(&format!("#snippet-{name}")), "keys of other services send nothing: {name}");
        }
    }

    fn without_a_service_it_is_about_the_first(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");

        let page = app.signed_in().get("/connect").assert_ok().page();

        assert_eq!(page.text("option[selected]"), "SMS");
        assert_eq!(page.texts("option"), ["SMS", "Mail"]);
        assert_eq!(page.attr(".nav__link[aria-current]", "href"), "/connect");
        assert!(page.raw_text("#snippet-curl").contains(r#"{"key": "sms_live_…", "service": "sms", "client_ip": "#));
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
        assert!(page.raw_text("#snippet-caddy").contains("forward_auth @no_preflight https://keys.example.com {"));
        assert!(page.raw_text("#snippet-traefik").contains("\"https://keys.example.com/v1/auth?service=sms\""));
    }

    fn what_a_browser_says_about_the_host_can_not_write_into_the_snippets(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for evil in ["evil.example;x", "a{b", "$(reboot)", "a'b", "a b", "a/b"] {
            let page = client.with("x-forwarded-host", evil).get("/connect").assert_ok().page();
            for name in snippets() {
                assert!(!page.raw_text(&format!("#snippet-{name}")).contains(evil), "{name}: {evil}");
            }
        }
    }

    fn every_proxy_strips_what_a_client_claims_to_be(db: &Database) {
        let app = db.app();

        let (nginx, traefik) = (snippet(&app, "/connect", "nginx"), snippet(&app, "/connect", "traefik"));
        for header in ["X-Key-Id", "X-Key-Name", "X-Key-Mode", "X-Key-Service", "X-Key-Scopes", "X-Key-Secret", "X-Account-Id", "X-Auth-Code"] {
            assert_eq!(nginx.matches(&format!("proxy_set_header {header} ")).count(), 1, "{header}");
            // WSGI and PHP take both spellings for one.
            for spelling in [header.to_owned(), header.replace('-', "_")] {
                assert!(traefik.contains(&format!("          {spelling}: \"\"\n")), "{spelling}");
            }
            assert!(traefik.contains(&format!("          - {header}\n")), "{header}");
        }
        let order = ["        - keyfob-sms-strip\n", "        - keyfob-sms\n", "        - keyfob-sms-drop-key\n"];
        let places = order.map(|line| traefik.find(line).unwrap());
        assert!(places.is_sorted(), "it strips before it asks, and asks before it drops the key");
    }

    fn proxies_and_services_ask_at_the_internal_address_and_applications_send_to_the_public_one(db: &Database) {
        let set = |config: &mut Config| {
            config.public_url = Some("https://keys.example.com".parse().unwrap());
            config.internal_url = Some("http://10.0.0.5:8080".to_owned());
        };
        let app = App::start_set(db, set, Clock::System).with_operator();
        let client = app.anonymous().with("x-forwarded-proto", "https").with("origin", "https://keys.example.com");
        client.log_in(crate::support::EMAIL, crate::support::PASSWORD);

        let page = client.get("/connect").assert_ok().page();

        for name in snippets().filter(|name| *name != "haproxy-lua") {
            let text = page.raw_text(&format!("#snippet-{name}"));
            let is_public = SENDS.contains(&name);
            assert_eq!(text.contains("https://keys.example.com"), is_public, "{name}: {text}");
            let port = text.contains("10.0.0.5:8080") || text.contains("\"10.0.0.5\", port_value: 8080");
            assert_eq!(port, !is_public, "{name}: {text}");
        }
    }

    fn every_proxy_drops_the_headers_that_keys_are_read_from(db: &Database) {
        let set = |config: &mut Config| config.key_header = Some(HeaderName::from_static("x-auth-token"));
        let app = App::start_set(db, set, Clock::System).with_operator();
        let page = app.signed_in().get("/connect").assert_ok().page();

        assert!(page.text("#connect-proxy + p").contains("X-API-Key, X-Auth-Token or Authorization"), "{}", page.text("main"));
        for header in ["X-API-Key", "X-Auth-Token", "Authorization"] {
            for (name, line) in [
                ("nginx", format!("proxy_set_header {header} \"\";")),
                ("caddy", format!("request_header -{header}\n")),
                ("traefik", format!("          {header}: \"\"\n")),
                ("envoy", format!("                        - {header}\n")),
                ("envoy", format!("- {{ exact: {header}, ignore_case: true }}")),
                ("haproxy", format!("http-request del-header {header}\n")),
                ("haproxy-lua", format!("\"{}\", ", header.to_lowercase())),
                ("ingress-nginx", format!("proxy_set_header {header} \"\";")),
                ("apisix", format!("set_header(ctx, \"{header}\", nil)")),
                ("kong", format!("clear_header(\"{header}\")")),
            ] {
                let text = page.raw_text(&format!("#snippet-{name}"));
                assert_eq!(text.matches(&line).count(), 1, "{line} in {text}");
            }
        }
    }

    fn every_program_lets_a_valid_key_in_and_nothing_else(db: &Database) {
        let app = db.app();
        let relay = Relay::to(&app.url);
        let operator = app.signed_in();
        let (on, off) = (operator.create_key("On"), operator.create_key("Off"));
        let test = app.make_test_key("Test");
        operator.switch(&off, "disabled");
        // The page fills in the address that it is asked for: the relay's.
        let page = operator.at(&format!("http://{}", relay.address)).get("/connect?service=sms").assert_ok().page();

        for program in PROGRAMS {
            let Program { name, valid, disabled, .. } = program;
            let (ended_well, said) = program.run(&page, &on);
            assert!(ended_well && said.contains(valid), "{name}: {said}");
            let (ended_well, said) = program.run(&page, &off);
            assert!(ended_well && said.contains(disabled) && !said.contains(valid), "{name}: {said}");
            let (ended_well, said) = program.run(&page, &test);
            let is_refused = said.eq_ignore_ascii_case("false VALID\n") || said.contains(r#""mode":"test""#);
            assert!(ended_well && is_refused, "{name}: {said}");
        }
        relay.cut();
        for program in PROGRAMS {
            assert_eq!(program.run(&page, &on), (false, String::new()), "{}: Keyfob is down", program.name);
        }
    }

    fn a_door_asks_for_the_scopes_that_are_ticked_and_without_any_for_none(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let client = app.signed_in();
        let plain = client.get("/connect?service=sms").assert_ok().page();
        let asking = client.get("/connect?service=sms&scope=messages.send&scope=balance.read").assert_ok().page();

        for name in PROXIES.into_iter().chain(CHECKS).filter(|name| *name != "haproxy") {
            assert!(!plain.raw_text(&format!("#snippet-{name}")).contains("scopes="), "{name}");
            let text = asking.raw_text(&format!("#snippet-{name}"));
            let written = match name {
                "envoy" => "/v1/auth/sms;scopes=messages.send,balance.read;preflight=pass/",
                "curl" | "python" => r#""scopes": ["messages.send", "balance.read"]}"#,
                "javascript" => r#"scopes: ["messages.send", "balance.read"] }"#,
                "go" => r#""scopes": []string{"messages.send", "balance.read"}}"#,
                "php" => "'scopes' => ['messages.send', 'balance.read']]",
                _ => "/v1/auth?service=sms&scopes=messages.send,balance.read",
            };
            assert!(text.contains(written), "{name}: {text}");
            assert!(!CHECKS.contains(&name) || text.contains("client_ip"), "{name}: an allowlist needs the address");
        }
        assert_eq!(plain.attrs(".connect__scopes input[type=checkbox]", "value"), ["balance.read", "messages.read", "messages.send"]);
        assert_eq!(asking.attrs(".connect__scopes input[checked]", "value"), ["balance.read", "messages.send"]);
        assert!(!plain.has(".connect__scopes[open]") && asking.has(".connect__scopes[open]"));
        assert!(!client.get("/connect?service=mail").page().has(".connect__scopes"), "it has no scopes to ask for");
        for unknown in ["scope=unheard", "scope=", "scope=%22", "service=mail&scope=messages.send"] {
            client.get(&format!("/connect?{unknown}")).assert_status(404);
        }
    }

    fn every_program_refuses_a_key_without_the_scopes_and_lets_the_others_in(db: &Database) {
        let app = db.app();
        let (able, unable) = (app.make_key_with_rules("messages.send", ""), app.make_key_with_rules("messages.read", ""));
        let page = app.signed_in().get("/connect?service=sms&scope=messages.send").assert_ok().page();

        for program in PROGRAMS {
            let Program { name, valid, .. } = program;
            let (ended_well, said) = program.run(&page, &able);
            assert!(ended_well && said.contains(valid), "{name}: {said}");
            let (ended_well, said) = program.run(&page, &unable);
            assert!(ended_well && said.contains("INSUFFICIENT_SCOPE") && !said.contains(valid), "{name}: {said}");
        }
    }

    fn every_program_sends_a_message_once_however_often_it_runs(db: &Database) {
        let app = db.app();
        let operator = app.signed_in();
        let (on, off) = (operator.create_key("On"), operator.create_key("Off"));
        operator.switch(&off, "disabled");
        let page = operator.get("/connect").assert_ok().page();
        let application = Application::with(&app, &on);

        for program in PROGRAMS {
            let name = program.name;
            let (ended_well, said) = program.send(&page, &on);
            let id = said.find("msg_").map(|start| &said[start..start + 30]);
            let id = id.unwrap_or_else(|| panic!("{name}: {said}"));
            assert!(ended_well && said.contains("queued"), "{name}: {said}");
            let sent = application.client.get(MESSAGES).json()["messages"].clone();
            assert_eq!((sent.as_array().unwrap().len(), sent[0]["id"].as_str()), (1, Some(id)), "{name}");
            let (ended_well, said) = program.send(&page, &off);
            assert!(!said.contains("msg_") && (!ended_well || name == "curl"), "{name}: {said}");
        }
    }

    fn every_program_with_twilios_client_sends_with_the_ids_that_are_shown(db: &Database) {
        let app = db.app();
        let operator = app.signed_in();
        let (on, off) = (operator.create_key("On"), operator.create_key("Off"));
        operator.switch(&off, "disabled");
        let page = operator.get("/connect").assert_ok().page();
        let application = Application::with(&app, &on);
        let sid = &page.texts(".connect__ids code")[0];

        for program in PROGRAMS.iter().filter(|program| SENDS.contains(&&*format!("twilio-{}", program.name))) {
            let name = program.name;
            assert!(page.raw_text(&format!("#snippet-twilio-{name}")).contains(sid), "{name} has another sid");
            let before = application.list("").len();
            let (ended_well, said) = program.send_as_twilio(&page, &on);
            assert!(ended_well && said.contains("SM") && said.contains("queued"), "{name}: {said}");
            assert_eq!(application.list("").len(), before + 1, "{name}");
            let (ended_well, said) = program.send_as_twilio(&page, &off);
            assert!(!said.contains("queued") && (!ended_well || said.contains("20003")), "{name}: {said}");
        }
        assert_eq!(application.list("").len(), 3);
        let theirs = app.another_account().get("/connect").assert_ok().page();
        assert_ne!(theirs.texts(".connect__ids code")[0], *sid, "another account has another sid");
    }

    fn whoever_is_not_logged_in_sees_no_snippets(db: &Database) {
        db.app().anonymous().get("/connect?service=sms").assert_leads_to("/login?next=/connect%3Fservice%3Dsms");
    }
}
