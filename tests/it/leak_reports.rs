//! Keys that somebody found and reports, and keys that their holders switch off.

use std::process::Command;

use keyfob::domain::api_key::secret::{KeySecret, Mode};
use serde_json::json;

use crate::support::{Answer, App, Client, Key, Process, on_both_databases, run};

const REPORTS: &str = "/v1/leak-reports";
const CURRENT: &str = "/v1/keys/current";
/// A key of another installation.
const STRANGER: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";

fn report(app: &App, keys: &[&str]) -> Answer {
    let body = json!({"keys": keys, "source": "Scanner <b>", "url": "https://example.com/x"}).to_string();
    app.anonymous().post_json(REPORTS, body)
}

fn disable_current(app: &App, secret: &str) -> Answer {
    app.anonymous().with("x-api-key", secret).send("DELETE", CURRENT, None)
}

fn key_page(client: &Client, key: &Key) -> crate::support::Page {
    client.get(&format!("/api-keys/{}", key.id)).assert_ok().page()
}

fn set_policy(client: &Client, policy: &str) {
    client.post("/settings/instance/leak-reports", &[("leak_reports", policy)]).assert_leads_to("/settings/instance");
}

/// What the first rule of a configuration of gitleaks finds.
#[track_caller]
fn found_by_rule(configuration: &str, text: &str) -> Vec<String> {
    const SCAN: &str = "import json, re, sys, tomllib
configuration, text = sys.argv[1:]
rule = tomllib.loads(configuration)['rules'][0]
assert any(word in text for word in rule['keywords'])
print(json.dumps([found.group(rule['secretGroup']) for found in re.finditer(rule['regex'], text)]))";
    let ended = Process::spawn(Command::new("python3").args(["-c", SCAN, configuration, text])).end().assert_success();
    serde_json::from_str(&ended.stdout).unwrap()
}

on_both_databases! {
    fn a_reported_key_is_marked_and_the_answer_says_nothing(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("Project X"), client.create_key("Project Y"));

        let known = report(&app, &[&key.secret]).assert_status(202);
        let unknown = report(&app, &[STRANGER, "no key", ""]).assert_status(202);

        assert_eq!((known.body.as_str(), unknown.body.as_str()), ("", ""));
        app.assert_verdict(&key.secret, "VALID");
        let told = key_page(&client, &key).text("#leak-report");
        assert!(told.contains("Reported once") && told.contains("Scanner <b>") && told.contains("https://example.com/x"), "{told}");
        assert!(!key_page(&client, &other).has("#leak-report"));
        assert!(client.get("/api-keys").page().text("main").contains("Reported as leaked and still working: Project X"));
    }

    fn a_second_report_is_counted_and_leaves_no_second_event(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for _ in 0..3 {
            report(&app, &[&key.secret, &key.secret]).assert_status(202);
        }

        let events = db.ask("SELECT actor_kind || ' ' || actor_name || ' ' || via AS line FROM audit_events WHERE action = 'api_key.reported'");
        assert_eq!(events, ["system Somebody who found it api"]);
        assert!(key_page(&client, &key).text("#leak-report").contains("Reported 3 times"));
    }

    fn a_report_is_settled_and_a_new_one_is_news_again(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let dismissal = format!("/api-keys/{}/leak-report/dismissal", key.id);
        report(&app, &[&key.secret]);

        app.another_account().post(&dismissal, &[]).assert_status(404);
        assert!(key_page(&client, &key).has("#leak-report"));
        client.post(&dismissal, &[]).assert_leads_to(&format!("/api-keys/{}", key.id));
        assert!(!key_page(&client, &key).has("#leak-report"));
        assert!(!client.get("/api-keys").page().text("main").contains("Reported as leaked"));

        report(&app, &[&key.secret]);
        assert!(key_page(&client, &key).has("#leak-report"));
        assert_eq!(db.ask("SELECT id AS line FROM audit_events WHERE action = 'api_key.reported'").len(), 2);
    }

    fn the_rule_of_the_installation_decides_what_a_report_does(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        set_policy(&client, "off");
        report(&app, &[&key.secret]).assert_status(202);
        assert_eq!(db.count("leak_reports"), 0);

        set_policy(&client, "disable");
        report(&app, &[STRANGER, &key.secret]).assert_status(202);
        app.assert_verdict(&key.secret, "DISABLED");
        assert_eq!(db.ask("SELECT status_reason AS line FROM api_keys"), ["leak_report"]);
        assert!(!client.get("/api-keys").page().text("main").contains("still working"));
        client.post("/settings/instance/leak-reports", &[("leak_reports", "sometimes")]).assert_status(400);
    }

    fn the_command_line_sets_the_rule_about_reports(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");
        let set = |rule: &str| run(&["setting", "set", "leak_reports", rule, "--database-url", &db.url()], "");

        set("never").assert_says("Choose mark, disable or off.");
        set("").assert_says("Write mark, disable or off.");
        set("disable").assert_success();

        report(&app, &[&key.secret]).assert_status(202);
        app.assert_verdict(&key.secret, "DISABLED");
        let listed = run(&["setting", "list", "--database-url", &db.url()], "").assert_success();
        assert!(listed.stdout.lines().any(|line| line.starts_with("leak_reports") && line.contains("disable")));
    }

    fn a_secret_that_has_ended_neither_hides_a_report_nor_switches_the_key_off(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let path = format!("/api-keys/{}/rotation", key.id);
        let secret_id = client.get(&path).page().field("secret_id");
        let rotated = client.post(&path, &[("secret_id", &*secret_id), ("grace", "0")]).assert_ok().page();
        let current = rotated.text(".reveal .copyable__text[id^=key-secret]");
        let warns = || client.get("/api-keys").page().text("main").contains("still working: Project X");
        report(&app, &[&key.secret]).assert_status(202);
        assert!(!warns());

        report(&app, &[&current]).assert_status(202);
        report(&app, &[&key.secret]).assert_status(202);

        assert!(warns(), "a report of the old secret hid the one of the current secret");
        assert!(key_page(&client, &key).text("#leak-report").contains("Reported 3 times"));
        set_policy(&client, "disable");
        report(&app, &[&key.secret]).assert_status(202);
        app.assert_verdict(&current, "VALID");
        report(&app, &[&current]).assert_status(202);
        app.assert_verdict(&current, "DISABLED");
    }

    fn what_the_reporter_writes_is_short_and_holds_no_key(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");
        let body = json!({"keys": [key.secret], "source": "x".repeat(5_000), "url": format!("https://example.com/?key={}", key.secret)});

        app.anonymous().post_json(REPORTS, body.to_string()).assert_status(202);

        let rows = db.ask("SELECT source || '|' || url AS line FROM leak_reports");
        assert_eq!(rows, [format!("{}|", "x".repeat(100))]);
        assert!(!format!("{:?}", db.rows()).contains(&key.secret[9..20]));
    }

    fn a_report_that_can_not_be_read_says_what_to_send(db: &Database) {
        let app = db.app();
        let post = |body: String| app.anonymous().post_json(REPORTS, body);

        post(json!({"keys": vec!["x"; 101]}).to_string()).assert_problem(400, "BAD_REQUEST");
        post(json!({"key": "x"}).to_string()).assert_problem(400, "BAD_REQUEST");
        post(json!({"keys": "x"}).to_string()).assert_problem(400, "BAD_REQUEST");
        post("{".to_owned()).assert_problem(400, "BAD_REQUEST");
        post("x".repeat(40_000)).assert_problem(413, "PAYLOAD_TOO_LARGE");
        post(json!({"keys": vec!["x"; 100]}).to_string()).assert_status(202);
    }

    fn an_address_reports_sixty_times_and_then_once_a_minute(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");
        let taken = |times: usize| (0..times).filter(|_| report(&app, &[STRANGER]).status == 202).count();

        assert_eq!(taken(70), 60);
        let refused = report(&app, &[&key.secret]).assert_problem(429, "TOO_MANY_TRIES");
        assert!(!refused.header("retry-after").is_empty());
        assert_eq!(db.count("leak_reports"), 0);
        app.assert_verdict(&key.secret, "VALID");

        app.clock.advance(120);
        assert_eq!(taken(10), 2);
    }

    fn a_holder_switches_off_the_key_with_any_of_its_secrets(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("Project X"), client.create_key("Project Y"));
        let path = format!("/api-keys/{}/rotation", key.id);
        let secret_id = client.get(&path).page().field("secret_id");
        let rotated = client.post(&path, &[("secret_id", &*secret_id), ("grace", "86400")]).assert_ok().page();
        let current = rotated.text(".reveal .copyable__text[id^=key-secret]");

        disable_current(&app, &key.secret).assert_status(204);

        for secret in [&key.secret, &current] {
            app.assert_verdict(secret, "DISABLED");
            disable_current(&app, secret).assert_problem(401, "DISABLED");
        }
        app.assert_verdict(&other.secret, "VALID");
        assert_eq!(db.ask("SELECT status_reason AS line FROM api_keys WHERE status = 'disabled'"), ["holder"]);
        let event = db.ask("SELECT actor_kind || ' ' || actor_name || ' ' || via AS line FROM audit_events WHERE action = 'api_key.disabled'");
        assert_eq!(event, ["api_key Project X api"]);
        client.switch(&key, "enabled");
        app.assert_verdict(&current, "VALID");
    }

    fn a_service_can_leave_it_to_operators(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let rule = |rule: &str| client.post("/services/sms/self-revocation", &[("self_revocation", rule)]);

        rule("refused").assert_leads_to("/services/sms");
        disable_current(&app, &key.secret).assert_problem(403, "SELF_REVOCATION_REFUSED");
        app.assert_verdict(&key.secret, "VALID");
        assert!(!client.get("/connect?service=sms").page().has("#snippet-disable-current"));

        rule("allowed").assert_leads_to("/services/sms");
        assert!(client.get("/connect?service=sms").page().has("#snippet-disable-current"));
        disable_current(&app, &key.secret).assert_status(204);
        rule("perhaps").assert_status(400);
    }

    fn nobody_switches_off_what_they_do_not_hold(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");

        app.anonymous().send("DELETE", CURRENT, None).assert_problem(401, "KEY_MISSING");
        disable_current(&app, STRANGER).assert_problem(401, "NOT_FOUND");
        disable_current(&app, &key.id).assert_problem(401, "NOT_FOUND");
        app.anonymous().with("x-api-key", &key.secret).post(CURRENT, &[]).assert_problem(405, "METHOD_NOT_ALLOWED");

        app.assert_verdict(&key.secret, "VALID");
    }

    fn scanners_know_the_keys_of_each_service_and_no_others(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.post("/services", &[("name", "Mail"), ("slug", "mail"), ("key_prefix", "post")]).assert_status(303);
        let [live, test] = [Mode::Live, Mode::Test].map(|mode| KeySecret::generate("post", mode).unwrap());
        let (live, test) = (live.expose(), test.expose());
        let text = format!("KEY={live}\n\"{test}\" {STRANGER} x{live} {live}x post_live_ {}", &live[..46]);

        let page = client.get("/connect?service=mail").assert_ok().page();

        assert_eq!(found_by_rule(&page.raw_text("#snippet-gitleaks"), &text), [live, test]);
        assert!(page.text("#snippet-github-pattern").contains("post_(live|test)_[0-9A-Za-z]{38}"));
    }
}
