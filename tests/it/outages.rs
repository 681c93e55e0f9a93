//! Bad days: the database is locked or gone, or the session is over.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use keyfob::domain::api_key::ApiKeyId;

use crate::support::{Answer, App, Client, EMAIL, Key, PASSWORD, form, on_both_databases};

/// Has the right checksum, and is nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";
/// Has a wrong one.
const MISTYPED: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aG";

/// How long a test waits for a database that is back to be used again, without a restart.
const PATIENCE: Duration = Duration::from_secs(30);

const LOCKED: &str = "The database is locked by another program.";

/// What goes wrong when nothing can be written, asked all at once: each
/// waits for the lock as long as the server has patience.
struct Refused {
    part: Answer,
    page: Answer,
    switch: Answer,
    plain_switch: Answer,
    login: Answer,
}

fn write_everything(client: &Client, key: &Key, id: &str) -> Refused {
    let fields = [("key_id", id), ("service", "sms"), ("name", "Project Y"), ("description", "kept")];
    let off = [("status", "disabled")];
    thread::scope(|all| {
        let part = all.spawn(|| client.htmx("form#api-key-form").post("/api-keys", &fields));
        let page = all.spawn(|| client.post("/api-keys", &fields));
        let switch = all.spawn(|| client.htmx("form").post(&key.status_path(), &off));
        let plain_switch = all.spawn(|| client.post(&key.status_path(), &off));
        let login = all.spawn(|| client.stranger().post("/login", &[("email", EMAIL), ("password", PASSWORD)]));
        Refused {
            part: part.join().unwrap(),
            page: page.join().unwrap(),
            switch: switch.join().unwrap(),
            plain_switch: plain_switch.join().unwrap(),
            login: login.join().unwrap(),
        }
    })
}

fn verify(app: &App, key: &str) -> Answer {
    app.anonymous().post_json("/v1/keys/verify", json!({"key": key}).to_string())
}

/// Waits until the key is let in again.
#[track_caller]
fn wait_for_verdict(app: &App, key: &str) {
    let deadline = Instant::now() + PATIENCE;
    while verify(app, key).status != 200 {
        assert!(Instant::now() < deadline, "no verdict within {PATIENCE:?}");
        thread::yield_now();
    }
    app.assert_verdict(key, "VALID");
}

/// What was typed before the session ended.
const TYPED: [(&str, &str); 3] = [("service", "sms"), ("name", "Project “X” & <co>"), ("description", "one\r\ntwo")];

fn typed(id: &str) -> Vec<(&str, &str)> {
    [("key_id", id)].into_iter().chain(TYPED).collect()
}

on_both_databases! {
    fn while_the_database_is_locked_nothing_is_lost_and_nothing_pretended(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, id) = (client.create_key("Project X"), client.form_id());

        let lock = db.lock();
        let refused = write_everything(&client, &key, &id);
        app.assert_verdict(&key.secret, "VALID");
        drop(lock);

        let alert = format!("{LOCKED} The key was not created. Try again in a moment.");
        for answer in [&refused.part, &refused.page] {
            assert_eq!(answer.status, 503, "{}", answer.body);
            let page = answer.page();
            assert_eq!(page.text("#api-key-form-message"), alert);
            assert_eq!(
                (page.field("key_id"), page.field("name"), page.field("description")),
                (id.clone(), "Project Y".into(), "kept".into())
            );
        }
        assert_eq!(refused.switch.status, 503);
        let row = refused.switch.page();
        assert_eq!(row.attr(".switch", "aria-checked"), "true");
        assert_eq!(row.toasts(), [format!("{LOCKED} “Project X” was not switched. Try again in a moment.")]);
        // PostgreSQL locks one table, so that sessions can be written.
        let without_sessions = if db.is_sqlite() { 503 } else { 303 };
        assert_eq!((refused.plain_switch.status, refused.login.status), (without_sessions, without_sessions));
        assert_eq!(db.count("api_keys"), 1);
        client.post("/api-keys", &[("key_id", &id), ("service", "sms"), ("name", "Project Y")]).assert_ok();
        client.switch(&key, "disabled");
    }

    fn while_the_database_is_gone_no_key_is_let_in_and_afterwards_all_is_well(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        db.take_away();
        thread::scope(|all| {
            all.spawn(|| verify(&app, &key.secret).assert_problem(503, "UNAVAILABLE"));
            all.spawn(|| verify(&app, UNKNOWN).assert_problem(503, "UNAVAILABLE"));
            all.spawn(|| verify(&app, MISTYPED).assert_ok());
            all.spawn(|| app.anonymous().get("/healthz").assert_ok());
            all.spawn(|| app.anonymous().get("/readyz").assert_status(503));
            all.spawn(|| assert_eq!(client.get("/api-keys").assert_status(503).page().text("h1"), "Not available"));
            all.spawn(|| {
                let page = app
                    .anonymous()
                    .post("/login", &[("email", EMAIL), ("password", PASSWORD)])
                    .assert_status(503)
                    .page();
                assert!(page.text("[role=alert]").starts_with("The database"), "{}", page.text("[role=alert]"));
            });
        });
        db.bring_back();

        wait_for_verdict(&app, &key.secret);
        app.anonymous().get("/readyz").assert_ok();
        client.get("/api-keys").assert_ok();
    }

    fn a_session_that_ended_mid_form_is_told_above_the_form_which_stays(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = client.form_id();
        db.execute("DELETE FROM sessions");

        let answer = client.htmx("form#api-key-form").post("/api-keys", &typed(&id)).assert_status(401);

        let answer =
            answer.assert_header("hx-retarget", "#api-key-form-message").assert_header("hx-reswap", "innerHTML");
        let alert = answer.page().text(".alert");
        assert_eq!(
            alert,
            "Your session has ended. Log in in a new tab, then press Create again."
        );
        // The other tab shares its cookies with this one.
        client.log_in(EMAIL, PASSWORD);
        client.htmx("form#api-key-form").post("/api-keys", &typed(&id)).assert_ok();
    }

    fn what_was_typed_before_the_session_ended_is_there_after_the_login(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = client.form_id();
        db.execute("DELETE FROM sessions");

        let login = client.post("/api-keys", &typed(&id)).assert_status(401).page();
        let fields = [
            ("email", EMAIL),
            ("password", PASSWORD),
            ("next", &*login.field("next")),
            ("draft", &*login.field("draft")),
        ];
        client.post("/login", &fields).assert_leads_to("/api-keys/new");

        let page = client.get("/api-keys/new").assert_ok().page();
        assert_eq!(login.text(".notice"), "Log in to continue. What you typed is kept.");
        assert_eq!((page.field("key_id"), page.field("name")), (id, TYPED[1].1.to_owned()));
        assert_eq!(page.field("description").replace("\r\n", "\n"), "one\ntwo");
        assert_eq!(client.get("/api-keys/new").page().field("name"), "", "it was shown twice");
        assert_eq!(db.count("api_keys"), 0);
    }

    fn every_form_is_filled_in_again_after_the_login(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let (page, callback) = (format!("/api-keys/{}", key.id), format!("/api-keys/{}/callback", key.id));
        let addresses = format!("/api-keys/{}/allowed-ips", key.id);
        let label = [("name", "Typed"), ("description", ""), ("version", "1")];
        let url = [("url", "https://example.com/typed"), ("action", "save")];
        let service = [("name", "Typed"), ("slug", "typed"), ("key_prefix", "typed")];
        let credits = [("amount", "1234"), ("note", "Typed")];
        let forms: [(&str, &[(&str, &str)]); 9] = [
            (&page, &label),
            (&callback, &url),
            (&addresses, &[("allowed_ips", "192.0.2.1")]),
            ("/services", &service),
            ("/services/sms", &[("name", "Typed")]),
            ("/services/sms/scopes", &[("scope", "typed"), ("description", "Typed")]),
            ("/services/sms/scopes/messages.send", &[("description", "Typed")]),
            ("/settings/name", &[("name", "Typed")]),
            ("/credits", &credits),
        ];
        let before = ["services", "api_key_callbacks", "ledger_entries"].map(|table| db.count(table));
        for (path, typed) in forms {
            let login = app.anonymous().post(path, typed).assert_status(401).page();
            let (next, draft) = (login.field("next"), login.field("draft"));
            let client = app.anonymous();
            let fields = [("email", EMAIL), ("password", PASSWORD), ("next", &*next), ("draft", &*draft)];
            client.post("/login", &fields).assert_leads_to(&next);

            let (field, text) = typed[0];
            assert_eq!(client.get(&next).assert_ok().page().field(field), text, "{path}");
            assert_ne!(client.get(&next).page().field(field), text, "{path}: it was filled in twice");
        }
        let after = ["services", "api_key_callbacks", "ledger_entries"].map(|table| db.count(table));
        assert_eq!(after, before, "something was done without a login");
    }

    fn a_draft_is_shown_by_the_page_of_its_form_and_by_no_other(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let id = client.form_id();
        db.execute("DELETE FROM sessions");
        let login = client.post("/api-keys", &typed(&id)).assert_status(401).page();
        let draft = login.field("draft");

        let client = app.anonymous();
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "/api-keys/new"), ("draft", &*draft)];
        client.post("/login", &fields).assert_leads_to("/api-keys/new");
        assert_eq!(client.get("/messages/new").assert_ok().page().field("to"), "");
        assert_eq!(client.get("/api-keys/new").assert_ok().page().field("key_id"), id, "another page took the draft");

        let client = app.anonymous();
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "/messages/new"), ("draft", "key_id=x&to=1&name=Y")];
        client.post("/login", &fields).assert_leads_to("/messages/new");
        let untouched = client.get("/api-keys/new").assert_ok().page();
        assert_eq!(untouched.field("name"), "");
        assert_ne!(untouched.field("key_id"), "x");
        assert_eq!(client.get("/messages/new").assert_ok().page().field("to"), "1", "another page took the draft");
    }

    fn a_draft_that_is_garbled_or_too_long_is_dropped(db: &Database) {
        let app = db.app();

        for draft in ["%%%", "key_id=a&key_id=b", "service=unheard-of&name=x", &form(&[("name", &"x".repeat(9_000))])] {
            let client = app.anonymous();
            let login = [("email", EMAIL), ("password", PASSWORD), ("next", "/api-keys/new"), ("draft", draft)];
            client.post("/login", &login).assert_status(303);
            assert!(matches!(client.get("/api-keys/new").status, 200 | 404), "{draft}");
            client.get("/api-keys/new").assert_ok();
        }
    }

    fn a_switch_whose_session_ended_leads_htmx_to_the_login_and_back(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        db.execute("DELETE FROM sessions");

        let there = client.htmx("form").with("hx-current-url", &format!("{}/api-keys?service=sms", app.url));
        let answer = there.post(&key.status_path(), &[("status", "disabled")]).assert_status(401);
        let evil = client.htmx("form").with("hx-current-url", "https://evil.example//evil.example");

        assert_eq!(answer.header("hx-redirect"), format!("/login?next=/api-keys%3Fservice%3Dsms%26missed%3Ddisabled.{}", key.id));
        assert_eq!(
            evil.post(&key.status_path(), &[("status", "disabled")]).header("hx-redirect"),
            format!("/login?next=/api-keys%3Fmissed%3Ddisabled.{}", key.id)
        );
        app.assert_verdict(&key.secret, "VALID");
    }
}

/// A file that was put in the place of the database is another one, even with
/// the same content.
#[test]
fn a_file_that_was_replaced_is_not_taken_for_the_database() {
    let db = crate::support::Database::sqlite();
    let app = db.app();
    let key = app.signed_in().create_key("Project X");
    let copy = db.file().with_extension("copy");

    std::fs::copy(db.file(), &copy).unwrap();
    std::fs::rename(&copy, db.file()).unwrap();

    verify(&app, &key.secret).assert_problem(503, "UNAVAILABLE");
    let detail = app.anonymous().get("/readyz").assert_status(503).json();
    assert_eq!(detail["detail"], "The database file was removed or replaced while Keyfob was running.");
}

/// What was written last is in the write-ahead log; SQLite would go on writing to one
/// that was removed, and all of it would be lost with the process.
#[test]
fn without_its_write_ahead_log_the_database_is_not_used() {
    for journal in ["db-wal", "db-shm"] {
        let db = crate::support::Database::sqlite();
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        std::fs::remove_file(db.file().with_extension(journal)).unwrap();

        let fields = [("key_id", &*ApiKeyId::mint().to_string()), ("service", "sms"), ("name", "Project Y")];
        assert_eq!(client.post("/api-keys", &fields).status, 503, "{journal}");
        app.anonymous().get("/readyz").assert_status(503);
        verify(&app, &key.secret).assert_problem(503, "UNAVAILABLE");
    }
}

#[test]
fn a_server_that_comes_back_is_found_again_within_seconds() {
    let db = crate::support::Database::postgres();
    let app = db.app();
    let key = app.signed_in().create_key("Project X");
    db.take_away();
    db.bring_back();

    wait_for_verdict(&app, &key.secret);
}
