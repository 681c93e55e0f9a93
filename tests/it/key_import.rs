//! Keys of other systems, imported by their digests: on the command line and by a program.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use keyfob::clock::Clock;
use keyfob::domain::account::membership::Role;
use keyfob::domain::api_key::{ManagementBounds, Scopes, ServiceReach};
use keyfob::domain::service_scope::{self, NewServiceScope};
use keyfob::store::Digest;
use serde_json::{Value, json};

use crate::support::{Answer, App, Database, Ended, Page, Process, Wire, keyfob, on_both_databases, run, time_until};

const IMPORTS: &str = "/v1/key-imports";

/// A server with an operator, at the same time of day as the commands.
fn server(db: &Database) -> App<'_> {
    App::start_set(db, |_| {}, Clock::System).with_operator()
}

fn sha256(secret: &str) -> String {
    Digest::of(secret.as_bytes()).to_hex()
}

/// A secret of another system.
fn secret(number: usize) -> String {
    format!("sk-other-system-{number:08}")
}

/// A line for the secret of this number.
fn line(number: usize) -> Value {
    json!({"service": "sms", "name": format!("Customer {number}"), "mode": "live", "sha256": sha256(&secret(number))})
}

/// The same with other members, too.
fn line_with(number: usize, members: &Value) -> Value {
    let mut line = line(number);
    let all = line.as_object_mut().unwrap();
    all.extend(members.as_object().unwrap().clone());
    all.retain(|_, value| value != "LEFT OUT");
    line
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A file of its own, which goes with the test.
struct LinesFile(tempfile::TempDir);

impl LinesFile {
    fn new(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("keys.jsonl"), text).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("keys.jsonl")
    }
}

#[track_caller]
fn command(db: &Database, arguments: &[&str]) -> Ended {
    run(&[&["key"], arguments, &["--database-url", &db.url()]].concat(), "")
}

#[track_caller]
fn import(db: &Database, text: impl AsRef<[u8]>, arguments: &[&str]) -> Ended {
    let file = LinesFile::new(text);
    command(db, &[&["import", file.path().to_str().unwrap()], arguments].concat())
}

#[track_caller]
fn assert_refused(ended: &Ended, sentence: &str) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains(sentence), "no {sentence:?} in {}", ended.stderr);
}

#[track_caller]
fn assert_summary(ended: &Ended, sentence: &str) {
    assert!(ended.stdout.starts_with(sentence), "no {sentence:?} in {}{}", ended.stdout, ended.stderr);
}

#[track_caller]
fn exported(db: &Database, arguments: &[&str]) -> Vec<Value> {
    let ended = command(db, &[&["export"], arguments].concat()).assert_success();
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A server that runs knows what a command did within a second.
#[track_caller]
fn assert_comes_to(app: &App, secret: &str, code: &str) {
    let lag = time_until(&app.url, secret, code);
    assert!(lag < Duration::from_secs(1), "it was not {code} for {lag:?}");
}

/// A program that imports.
#[track_caller]
fn send(app: &App, key: &str, query: &str, body: impl AsRef<[u8]>) -> Answer {
    let body: (&str, &[u8]) = ("application/jsonl", body.as_ref());
    app.anonymous().with("x-api-key", key).send("POST", &format!("{IMPORTS}{query}"), Some(body))
}

fn results(answer: &Answer) -> Vec<String> {
    let lines = answer.json()["results"].as_array().unwrap().clone();
    lines.iter().map(|line| line["result"].as_str().unwrap().to_owned()).collect()
}

fn reason(answer: &Answer, place: usize) -> String {
    answer.json()["results"][place]["reason"].as_str().unwrap_or_default().to_owned()
}

on_both_databases! {
    fn a_file_with_wrong_lines_is_imported_without_them_and_again_without_effect(db: &Database) {
        let app = server(db);
        let mut lines: Vec<Value> = (1..=1_200).map(line).collect();
        lines[2] = line_with(3, &json!({"sha256": &sha256(&secret(3))[1..]}));
        lines[700] = line_with(701, &json!({"expires": "2030-01-01T00:00:00Z"}));
        lines[1_199] = line_with(1_200, &json!({"service": "nowhere"}));
        let all = text(&lines);

        let first = import(db, &all, &[]);
        let keys = db.rows()["api_keys"].clone();
        let second = import(db, &all, &[]);

        assert_refused(&first, "3 lines were refused.");
        assert_summary(&first, "1,200 lines: 1,197 made, 0 existed, 3 refused");
        for sentence in ["Line 3: sha256: These are 63 characters.", "Line 701: An unknown member", "Line 1200: service: There is no such service."] {
            assert!(first.stderr.contains(sentence), "{}", first.stderr);
        }
        assert_summary(&second, "1,200 lines: 0 made, 1,197 existed, 3 refused");
        assert_eq!(db.rows()["api_keys"], keys);
        assert_eq!(db.ask("SELECT CAST(count(*) AS TEXT) AS line FROM audit_events WHERE action = 'api_key.imported'"), ["1197"]);
        assert_comes_to(&app, &secret(1), "VALID");
        assert_comes_to(&app, &secret(1_199), "VALID");
        app.assert_verdict(&secret(3), "NOT_FOUND");
    }

    fn an_import_that_was_killed_is_completed_by_the_next_one(db: &Database) {
        let _app = server(db);
        let lines: Vec<Value> = (1..=6_000).map(line).collect();
        let file = LinesFile::new(text(&lines));
        let path = file.path();
        let arguments = ["key", "import", path.to_str().unwrap(), "--database-url", &db.url()];

        let process = Process::spawn(&mut keyfob(&arguments));
        while db.count("key_secrets") == 0 {
            std::thread::yield_now();
        }
        process.kill();
        let made = db.count("key_secrets");
        let rest = run(&arguments, "").assert_success();

        assert!((500..6_000).contains(&made) && made.is_multiple_of(500), "{made} keys were there after the kill");
        assert!(rest.stdout.starts_with("6,000 lines: "), "{}", rest.stdout);
        for table in ["api_keys", "key_secrets", "key_last_uses"] {
            assert_eq!(db.count(table), 6_000, "{table}");
        }
        assert_eq!(db.ask("SELECT CAST(count(*) AS TEXT) AS line FROM audit_events WHERE action = 'api_key.imported'"), ["6000"]);
    }

    fn lines_are_read_as_other_systems_write_them(db: &Database) {
        let app = server(db);
        let upper = line_with(2, &json!({"sha256": sha256(&secret(2)).to_uppercase()}));
        let windows = format!("\u{feff}{}\r\n\r\n{upper}\r\n   \r\n{}", line(1), line(3));

        let ended = import(db, &windows, &[]).assert_success();

        assert_summary(&ended, "5 lines: 3 made, 0 existed, 0 refused");
        (1..=3).for_each(|number| assert_comes_to(&app, &secret(number), "VALID"));
    }

    fn a_line_that_ends_in_the_middle_is_told_with_its_number(db: &Database) {
        let _app = server(db);
        let all = text(&[line(1), line(2)]);

        let ended = import(db, &all[..all.len() - 20], &[]);

        assert_refused(&ended, "Line 2: The line ends in the middle of its JSON object.");
        assert_summary(&ended, "2 lines: 1 made, 0 existed, 1 refused");
    }

    fn a_rehearsal_says_what_would_be_done_and_does_nothing(db: &Database) {
        let _app = server(db);
        import(db, text(&[line(1)]), &[]).assert_success();
        let before = db.rows();

        let ended = import(db, text(&[line(1), line(2), line(2), line_with(3, &json!({"mode": "both"}))]), &["--dry-run"]);

        assert_refused(&ended, "Line 4: mode: Write live or test.");
        assert_summary(&ended, "4 lines: 1 would be made, 2 exist, 1 refused");
        for table in ["api_keys", "key_secrets", "audit_events", "revisions", "api_key_changes"] {
            assert_eq!(db.rows()[table], before[table], "{table}");
        }
    }

    fn a_whole_secret_is_taken_from_the_command_line_only_and_is_nowhere_afterwards(db: &Database) {
        let app = server(db);
        let raw = "qmr7-Zx3LpW0-whole-secret-5521";
        let plain = json!({"service": "sms", "name": "Plain", "mode": "live", "key": raw});
        let told = json!({"service": "sms", "name": format!("for {raw}"), "mode": "live", "key": raw});
        let misplaced = json!({"service": "sms", "name": "X", "mode": raw, "sha256": raw, (raw): 1});

        let refused = import(db, text(&[told, misplaced]), &[]);
        let made = import(db, text(std::slice::from_ref(&plain)), &[]).assert_success();
        let manager = app.make_management_key("keys.create", "sms");
        let answer = send(&app, &manager.secret, "", text(&[plain]));

        assert_refused(&refused, "Line 1: key: The key stands in a text that is shown to others.");
        assert_comes_to(&app, raw, "VALID");
        assert_eq!(results(&answer), ["refused"]);
        assert!(reason(&answer, 0).contains("command line only"), "{}", answer.body);
        for said in [&refused.stderr, &refused.stdout, &made.stderr, &made.stdout, &answer.body] {
            assert!(!said.contains("Zx3LpW0"), "{said}");
        }
        assert!(!db.holds("Zx3LpW0"));
    }

    fn a_key_has_what_its_line_says(db: &Database) {
        let app = server(db);
        app.change(|tx| {
            service_scope::add(tx, "sms", NewServiceScope::parse("orders.read", "Read orders")?)
        });
        let members = json!({
            "name": " Shop ", "mode": "test", "status": "disabled", "start": "sk-o", "tail": "0001",
            "description": "Line\none", "external_id": "cus_1", "metadata": {"plan": "gold"}, "scopes": ["orders.read"],
            "allowed_ips": ["10.0.0.0/8", "2001:db8::1"], "created_at": "2024-02-29T12:00:00+01:00",
            "expires_at": "2099-01-01T00:00:00Z", "id": "key_of_the_other_system", "last_used_at": null
        });

        import(db, text(&[line_with(1, &members)]), &[]).assert_success();

        let key = exported(db, &["--with-digests"]).remove(0);
        let expected = json!({
            "id": key["id"], "service": "sms", "name": "Shop", "mode": "test", "status": "disabled", "start": "sk-o",
            "tail": "0001", "description": "Line\none", "external_id": "cus_1", "metadata": {"plan": "gold"},
            "scopes": ["orders.read"], "allowed_ips": ["10.0.0.0/8", "2001:db8::1"],
            "created_at": "2024-02-29T11:00:00.000000Z", "expires_at": "2099-01-01T00:00:00.000000Z",
            "last_used_at": null, "sha256": sha256(&secret(1))
        });
        assert_eq!(key, expected);
        let page = app.signed_in().get(&format!("/api-keys/{}", key["id"].as_str().unwrap())).assert_ok();
        for told in ["sk-o••••••0001", "cus_1", "<bdi>plan</bdi>: <bdi>gold</bdi>"] {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        let shown = command(db, &["show", key["id"].as_str().unwrap()]).assert_success().stdout;
        assert!(shown.contains("External id  cus_1\n") && shown.contains("Metadata     \"plan\": \"gold\"\n"), "{shown}");
        let unknown = json!({"description": null, "external_id": null, "metadata": null, "created_at": null});
        import(db, text(&[line_with(2, &unknown)]), &[]).assert_success();
    }

    fn an_imported_key_is_not_shown_and_handed_over_before_it_is_rotated(db: &Database) {
        let app = server(db);
        let client = app.signed_in();
        import(db, text(&[line(1)]), &[]).assert_success();
        let id = exported(db, &[]).remove(0)["id"].as_str().unwrap().to_owned();
        let (path, foreign) = (format!("/api-keys/{id}"), secret(1));
        let about = |page: &Page| page.texts(".settings__about p").remove(0);

        let page = client.get(&path).assert_ok().page();
        assert!(about(&page).starts_with("Imported from another system."), "{}", about(&page));
        assert!(!page.has("form[action$='/handover']"));
        let refused = client.post(&format!("{path}/handover"), &[("key", &*foreign)]);
        assert!(!refused.body.contains("/handover/") && db.count("key_handovers") == 0, "{}", refused.body);
        let question = client.get(&format!("{path}/rotation")).assert_ok().page();
        assert!(question.text("#rotation-form").contains("The current secret was imported; the new one begins with sms_live_."));
        let secret_id = question.field("secret_id");
        let fields = [("secret_id", &*secret_id), ("grace", "86400")];

        let rotated = client.post(&format!("{path}/rotation"), &fields).assert_ok().page();
        let own = rotated.text(".reveal .copyable__text[id^=key-secret]");
        for accepted in [&own, &foreign] {
            assert_comes_to(&app, accepted, "VALID");
        }
        client.post(&format!("{path}/handover"), &[("key", &*own)]).assert_ok();
        assert_eq!(db.count("key_handovers"), 1);
        let page = client.get(&path).assert_ok().page();
        assert!(about(&page).starts_with("The full key was shown once"), "{}", about(&page));
        assert!(!client.get(&format!("{path}/rotation")).page().text("#rotation-form").contains("was imported"));
    }

    fn what_no_form_would_take_no_line_may_have(db: &Database) {
        let app = server(db);
        let (long, own) = ("x".repeat(101), app.make_key("Project X").secret);
        for (members, wanted) in [
            (json!({"name": " "}), "name: Key Name is required."),
            (json!({"name": long}), "name: Key Name has 101 characters"),
            (json!({"service": "keyfob"}), "service: There is no such service."),
            (json!({"name": format!("see {own}")}), "name: This holds an API key"),
            (json!({"status": "on"}), "status: Write enabled or disabled."),
            // What the other database does not know must not become enabled, full access, and from anywhere.
            (json!({"status": null}), "status: Write enabled or disabled."),
            (json!({"scopes": null}), "scopes: This is null."),
            (json!({"allowed_ips": null}), "allowed_ips: This is null."),
            (json!({"sha256": "LEFT OUT"}), "sha256: Give the SHA-256 of the whole key."),
            (json!({"sha256": "$2b$12$abcdefghijklmnopqrstuv"}), "bcrypt"),
            (json!({"key": "12345678"}), "key: Give sha256 or key, not both."),
            (json!({"sha256": "LEFT OUT", "key": "1234567"}), "key: A key has 8 to 512 visible ASCII characters and no space."),
            (json!({"sha256": "LEFT OUT", "key": "Bearer 12345678"}), "key: A key has 8 to 512"),
            (json!({"sha256": "LEFT OUT", "key": "x".repeat(513)}), "key: A key has 8 to 512"),
            (json!({"mode": "LEFT OUT"}), "Missing field mode."),
            (json!({"name": 7}), "A member has the wrong type"),
            (json!({"start": "x".repeat(21)}), "start: 21 characters; 20 is the most that is shown."),
            (json!({"expires_at": "2030-01-01"}), "expires_at: Write a time with its zone"),
            (json!({"expires_at": "2200-01-01T00:00:00Z"}), "expires_at: This is more than 100 years away."),
            (json!({"created_at": "2099-01-01T00:00:00Z"}), "created_at: This moment is yet to come."),
            (json!({"scopes": ["nothing.read"]}), "scopes: This service has no scope “nothing.read”."),
            (json!({"scopes": ["A"]}), "scopes: “A” is no scope."),
            (json!({"allowed_ips": ["10.0.0.5/8"]}), "allowed_ips: "),
            (json!({"allowed_ips": [""]}), "allowed_ips: An entry is empty."),
            (json!({"metadata": {"": "x"}}), "metadata: "),
            (json!({"external_id": " "}), "external_id: "),
        ] {
            assert_refused(&import(db, text(&[line_with(1, &members)]), &["--dry-run"]), wanted);
        }
        for (wrong, wanted) in [
            ("[]", "Line 1: The line is no JSON object."),
            ("7", "Line 1: The line is no JSON object."),
            ("{\"name\": }", "Line 1: The line is not well-formed JSON at column"),
            ("\u{0}", "Line 1: The line is no JSON object."),
        ] {
            assert_refused(&import(db, wrong, &["--dry-run"]), wanted);
        }
        let huge = line_with(1, &json!({"description": "x".repeat(70_000)}));
        let ended = import(db, text(&[huge, line(2)]), &[]);
        assert_refused(&ended, "Line 1: The line is longer than 64 KiB.");
        assert_summary(&ended, "2 lines: 1 made, 0 existed, 1 refused");
        assert_comes_to(&app, &secret(2), "VALID");
    }

    fn a_key_may_have_ended_before_it_came_and_lasts_no_longer_than_others_do(db: &Database) {
        let app = server(db);
        run(&["setting", "set", "max_lifetime_days", "30", "--database-url", &db.url()], "").assert_success();
        let ends = |number, end: Value| line_with(number, &json!({"expires_at": end}));

        let ended = import(db, text(&[
            ends(1, json!("2024-01-01T00:00:00Z")),
            ends(2, json!("2099-01-01T00:00:00Z")),
            ends(3, Value::Null),
            line(4),
        ]), &[]);

        assert_refused(&ended, "Line 2: expires_at: Keys last at most 30 days here.");
        assert_refused(&ended, "Line 3: expires_at: Every key has to end after at most 30 days.");
        assert_summary(&ended, "4 lines: 2 made, 0 existed, 2 refused");
        assert_comes_to(&app, &secret(1), "EXPIRED");
        app.assert_verdict(&secret(2), "NOT_FOUND");
        assert_comes_to(&app, &secret(4), "VALID");
        let ends: Vec<bool> = exported(db, &[]).iter().map(|key| key["expires_at"].is_string()).collect();
        assert_eq!(ends, [true, true], "a key without an end got that of the installation");
    }

    fn what_one_keyfob_exports_with_digests_another_one_imports(db: &Database) {
        let app = server(db);
        let own = app.make_key("Project X");
        app.make_management_key("keys.read", "*");
        import(db, text(&[line_with(1, &json!({"start": "sk-"}))]), &[]).assert_success();
        let plain = exported(db, &["--service", "sms"]);
        let file = command(db, &["export", "--with-digests"]).assert_success();
        let other_db = db.empty();
        let other = server(&other_db);
        other.assert_verdict(&own.secret, "NOT_FOUND");

        let ended = import(&other_db, &file.stdout, &[]).assert_success();

        assert_summary(&ended, "2 lines: 2 made, 0 existed, 0 refused");
        assert!(plain.iter().all(|key| key.get("sha256").is_none()));
        other.assert_verdict(&own.secret, "VALID");
        assert_comes_to(&other, &secret(1), "VALID");
        let masks = |db: &Database| db.ask("SELECT mask AS line FROM key_secrets WHERE mask NOT LIKE 'keyfob%' ORDER BY mask");
        assert_eq!(masks(&other_db), masks(db));
        assert!(!file.stdout.contains("keyfob_live"));
        assert_refused(&command(db, &["export", "--service", "keyfob"]), "Management keys are not exported");
        assert_refused(&command(db, &["export", "--service", "nowhere"]), "nowhere");
    }

    fn a_spreadsheet_gets_no_formula_and_no_digest_that_nobody_asked_for(db: &Database) {
        let _app = server(db);
        import(db, text(&[line_with(1, &json!({"name": "=1+1", "external_id": "@x", "start": "-sk"}))]), &[]).assert_success();

        let plain = command(db, &["export", "--format", "csv"]).assert_success().stdout;
        let full = command(db, &["export", "--format", "csv", "--with-digests"]).assert_success().stdout;

        for cell in ["\"'=1+1\"", "\"'@x\"", "\"'-sk\""] {
            assert!(plain.contains(cell), "{plain}");
        }
        assert!(!plain.contains("sha256") && !plain.contains(&sha256(&secret(1))));
        assert!(full.contains(&sha256(&secret(1))));
    }

    fn a_program_imports_within_the_bounds_of_its_management_key(db: &Database) {
        let app = server(db);
        app.add_service("mail", "Mail");
        let bounds = ManagementBounds::new(ServiceReach::parse(["sms"]).unwrap(), Scopes::parse(["messages.read"]).unwrap(), Some(30));
        let manager = app.make_management_key_within("keys.create", bounds.unwrap());
        let fitting = |number| line_with(number, &json!({"scopes": ["messages.read"]}));
        let lines = [
            fitting(1),
            line_with(2, &json!({"service": "mail", "scopes": []})),
            line(3),
            line_with(4, &json!({"scopes": [], "expires_at": "2099-01-01T00:00:00Z"})),
            line_with(5, &json!({"scopes": [], "expires_at": null})),
            line_with(6, &json!({"scopes": [], "service": "keyfob"})),
        ];

        let rehearsed = send(&app, &manager.secret, "?dry_run=true", text(&lines)).assert_ok();
        app.assert_verdict(&secret(1), "NOT_FOUND");
        let answer = send(&app, &manager.secret, "", text(&lines)).assert_ok();
        let again = send(&app, &manager.secret, "", text(&lines)).assert_ok();

        let all = ["made", "refused", "refused", "refused", "refused", "refused"];
        assert_eq!((results(&rehearsed), results(&answer)), (all.map(str::to_owned).into(), all.map(str::to_owned).into()));
        assert_eq!((&rehearsed.json()["dry_run"], rehearsed.json()["results"][0].get("id")), (&json!(true), None));
        assert!(reason(&answer, 1).contains("of this service") && reason(&answer, 2).contains("scopes"), "{}", answer.body);
        assert!(reason(&answer, 3).contains("30 days") && reason(&answer, 4).contains("30 days"), "{}", answer.body);
        assert_eq!(again.json()["results"][0], json!({"line": 1, "result": "exists", "id": answer.json()["results"][0]["id"]}));
        assert_comes_to(&app, &secret(1), "VALID");
        let events = db.ask("SELECT actor_id AS line FROM audit_events WHERE action = 'api_key.imported'");
        assert_eq!(events, std::slice::from_ref(&manager.id));
    }

    fn a_program_without_the_scope_or_with_too_much_imports_nothing(db: &Database) {
        let app = server(db);
        let (manager, reader) = (app.make_management_key("keys.create", "*"), app.make_management_key("keys.read", "*"));
        let ordinary = app.make_key("Project X");
        let keys = db.count("api_keys");
        let body = text(&[line(1)]);
        let exactly = text(&(1..=1_000).map(line).collect::<Vec<_>>());
        let caller = app.anonymous().with("x-api-key", &manager.secret);

        send(&app, &reader.secret, "", &body).assert_problem(403, "INSUFFICIENT_SCOPE");
        send(&app, &ordinary.secret, "", &body).assert_problem(401, "NOT_FOUND");
        send(&app, &manager.secret, "?dry_run=perhaps", &body).assert_problem(400, "BAD_REQUEST");
        send(&app, &manager.secret, "?service=sms", &body).assert_problem(400, "BAD_REQUEST");
        send(&app, &manager.secret, "", format!("{exactly}{}", line(1_001))).assert_problem(400, "BAD_REQUEST");
        let too_long = format!("POST {IMPORTS} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", (1 << 20) + 1);
        assert!(Wire::to(&app.url).send(too_long.as_bytes()).read_head().starts_with("HTTP/1.1 413 "));
        caller.post_json(IMPORTS, &body).assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
        assert_eq!(db.count("api_keys"), keys);

        let all = send(&app, &manager.secret, "", format!("\n{exactly}\n\n")).assert_ok().json();
        assert_eq!((&all["made"], &all["results"][0]["line"], &all["results"][999]["line"]), (&json!(1_000), &json!(2), &json!(1_001)));
        let half = send(&app, &manager.secret, "", &body[..body.len() - 9]).assert_ok();
        assert_eq!(reason(&half, 0), "The line ends in the middle of its JSON object.");
        assert_eq!(send(&app, &manager.secret, "", "").assert_ok().json()["results"], json!([]));
    }

    fn a_key_of_somebody_else_is_neither_imported_nor_shown(db: &Database) {
        let app = server(db);
        import(db, text(&[line(1), line(2)]), &[]).assert_success();
        let ids: Vec<String> = exported(db, &[]).iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect();
        app.of_another_account(Role::Owner, "eve@example.com");
        db.execute(&format!(
            "UPDATE api_keys SET account_id = (SELECT id FROM accounts WHERE id <> api_keys.account_id) WHERE id = '{}'",
            ids[0]
        ));
        command(db, &["delete", &ids[1]]).assert_success();
        let manager = app.make_management_key("keys.create", "*");

        let answer = send(&app, &manager.secret, "", text(&[line(2), line(1), line(3)])).assert_ok();

        let mut told = results(&answer);
        told.sort_unstable();
        assert_eq!(told, ["exists", "made", "refused"]);
        assert!(answer.body.contains("This key is in the trash.") && answer.body.contains("in use elsewhere"), "{}", answer.body);
        assert!(!answer.body.contains(&ids[0]), "{}", answer.body);
    }
}

#[test]
fn two_imports_at_once_make_each_key_once() {
    let db = Database::postgres();
    let app = server(&db);
    let manager = app.make_management_key("keys.create", "*");
    let body = text(&(1..=200).map(line).collect::<Vec<_>>());

    let made: i64 = std::thread::scope(|all| {
        let imports: Vec<_> =
            (0..4).map(|_| all.spawn(|| send(&app, &manager.secret, "", &body).assert_ok())).collect();
        imports.into_iter().map(|import| import.join().unwrap().json()["made"].as_i64().unwrap()).sum()
    });

    assert_eq!((made, db.count("key_last_uses")), (200, 201));
}

#[test]
fn a_file_comes_by_standard_input_too_and_one_that_is_not_there_is_told() {
    let db = Database::sqlite();
    let app = server(&db);

    let ended = run(&["key", "import", "-", "--database-url", &db.url()], &line(1).to_string()).assert_success();

    assert_summary(&ended, "1 line: 1 made, 0 existed, 0 refused");
    assert_comes_to(&app, &secret(1), "VALID");
    assert_refused(&command(&db, &["import", "/nowhere/keys.jsonl"]), "/nowhere/keys.jsonl can't be read");
}
