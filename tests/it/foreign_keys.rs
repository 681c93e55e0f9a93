//! Keys of other systems at the gate: they open, are refused and rotate as every other one, and
//! while there are none, what has not the shape of ours is looked up nowhere.

use std::time::Duration;

use keyfob::clock::Clock;
use keyfob::domain::account;
use keyfob::domain::key_import::{self, ImportMode, ImportSource, ImportTerms};
use keyfob::store::Digest;
use serde_json::json;

use crate::support::{App, Asker, Client, Database, Key, Process, keyfob, on_both_databases, run, time_until};

/// As another system makes them.
const FOREIGN: &str = "sk_live_51Hx9QdWZ8yTnVbKc0PfLmRjGsAeUoIhYtBxQwErTyUiOp";
const STRANGE: [&str; 6] = [
    "sk_live_00000000000000000000000000000000000000000000",
    "12345678",
    "a:b:c:d:e",
    "pk.eyJ1IjoiYSJ9.sig-nature_",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "~!@#$%^&*()<>?",
];

/// Imports one secret through this instance.
#[track_caller]
fn import(app: &App, secret: &str) -> Key {
    let sha256 = Digest::of(secret.as_bytes()).to_hex();
    let line = json!({"service": "sms", "name": "Shop", "mode": "live", "sha256": sha256}).to_string();
    let made = app.change(move |tx| {
        let terms = ImportTerms { account: account::first(tx)?, bounds: None };
        let lines: Vec<_> = key_import::lines(line.as_bytes(), ImportSource::Api).collect();
        key_import::import(tx, &terms, &lines, ImportMode::Make)
    });
    let key_import::LineResult::Made(Some(id)) = &made[0].result else { panic!("{made:?}") };
    Key { id: id.to_string(), secret: secret.to_owned() }
}

/// The real server, with its figures.
struct Watched {
    _process: Process,
    url: String,
    metrics: Client,
}

impl Watched {
    fn serve(db: &Database) -> Self {
        let addresses = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
        let mut process = Process::spawn(&mut keyfob(&[&addresses[..], &["--database-url", &db.url()]].concat()));
        let url = process.wait_for("Open").trim_end_matches("/setup").to_owned();
        let metrics = Client::new(process.wait_for("Metrics").trim_end_matches("/metrics"));
        Self { _process: process, url, metrics }
    }

    /// Keys that had to be looked up so far.
    fn look_ups(&self) -> u64 {
        let text = self.metrics.get("/metrics").assert_ok().body;
        let line = text.lines().find_map(|line| line.strip_prefix("keyfob_memory_misses_total "));
        line.unwrap().parse::<f64>().unwrap() as u64
    }
}

/// A search as the box of the list sends it.
fn search(client: &Client, q: &str) -> String {
    client.post("/api-keys/search", &[("q", q), ("list", "")]).assert_status(303).location().to_owned()
}

on_both_databases! {
    fn a_foreign_key_opens_wherever_it_is_sent_as_soon_as_it_is_imported(db: &Database) {
        let app = db.app();
        for secret in STRANGE.iter().chain(&[FOREIGN]) {
            app.assert_verdict(secret, "NOT_FOUND");
            import(&app, secret);
            app.assert_verdict(secret, "VALID");
        }

        let nobody = app.anonymous();
        for (name, value) in [
            ("x-api-key", FOREIGN.to_owned()),
            ("authorization", format!("Bearer {FOREIGN}")),
            ("authorization", format!("token {FOREIGN}")),
            ("authorization", format!("Basic {}", base64(&format!("ada:{FOREIGN}")))),
        ] {
            nobody.with(name, &value).get("/v1/auth?service=sms").assert_ok();
        }
        nobody.with("x-api-key", FOREIGN).get("/v1/balance").assert_ok();
        nobody.with("x-api-key", &FOREIGN[1..]).get("/v1/auth?service=sms").assert_status(401);
        nobody.with("x-api-key", &format!("Bearer {FOREIGN}")).get("/v1/auth?service=sms").assert_status(401);
        app.assert_verdict(&format!(" {FOREIGN}\n"), "VALID");
    }

    fn other_instances_know_a_foreign_key_within_a_second(db: &Database) {
        let app = db.app();
        let other = app.another_instance();

        for secret in STRANGE {
            other.assert_verdict(secret, "NOT_FOUND");
            import(&app, secret);
            let lag = time_until(&other.url, secret, "VALID");
            assert!(lag < Duration::from_secs(1), "it was refused for {lag:?}");
        }

        let later = app.another_instance();
        STRANGE.iter().for_each(|secret| later.assert_verdict(secret, "VALID"));
    }

    fn a_running_server_knows_what_a_command_imported_within_a_second(db: &Database) {
        let app = App::start_set(db, |_| {}, Clock::System).with_operator();
        app.assert_verdict(FOREIGN, "NOT_FOUND");
        let line = json!({"service": "sms", "name": "Shop", "mode": "live", "key": FOREIGN}).to_string();

        run(&["key", "import", "-", "--database-url", &db.url()], &line).assert_success();

        let lag = time_until(&app.url, FOREIGN, "VALID");
        assert!(lag < Duration::from_secs(1), "it was refused for {lag:?}");
    }

    fn one_that_missed_the_import_in_the_log_finds_it_all_the_same(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        other.assert_verdict(FOREIGN, "NOT_FOUND");

        import(&app, FOREIGN);
        // More changes than the log keeps, so that the import is in it no more.
        db.execute("BEGIN; DELETE FROM api_key_changes; UPDATE revisions SET latest = latest + 20000 WHERE name = 'api_keys'; COMMIT");

        let lag = time_until(&other.url, FOREIGN, "VALID");
        assert!(lag < Duration::from_secs(1), "it was refused for {lag:?}");
    }

    fn a_foreign_key_is_switched_off_and_deleted_and_restored_like_any_other(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = import(&app, FOREIGN);
        app.assert_verdict(FOREIGN, "VALID");

        client.switch(&key, "disabled");
        app.assert_verdict(FOREIGN, "DISABLED");
        client.switch(&key, "enabled");
        app.assert_verdict(FOREIGN, "VALID");
        client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);
        app.assert_verdict(FOREIGN, "NOT_FOUND");
        client.post(&format!("/api-keys/{}/restoration", key.id), &[]).assert_status(303);
        app.assert_verdict(FOREIGN, "VALID");

        let disabled = app.anonymous().with("x-api-key", FOREIGN).send("DELETE", "/v1/keys/current", None);
        disabled.assert_status(204);
        app.assert_verdict(FOREIGN, "DISABLED");
    }

    fn a_foreign_key_rotates_to_one_of_our_shape(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = import(&app, FOREIGN);
        let path = format!("/api-keys/{}/rotation", key.id);
        let secret_id = client.get(&path).page().field("secret_id");

        let shown = client.post(&path, &[("secret_id", &*secret_id), ("grace", "86400")]).assert_ok().page();

        let new = shown.text(".reveal .copyable__text[id^=key-secret]");
        assert!(new.starts_with("sms_live_"), "{new}");
        app.assert_verdict(&new, "VALID");
        assert_eq!(app.verify(FOREIGN)["secret"], "previous");
        app.clock.advance(86_400);
        app.assert_verdict(FOREIGN, "EXPIRED");
        app.assert_verdict(&new, "VALID");
    }

    fn while_nothing_is_imported_no_strange_string_is_looked_up(db: &Database) {
        let own = db.app().make_key("Project X");
        let watched = Watched::serve(db);
        let mut asker = Asker::to(&watched.url);
        let before = watched.look_ups();

        for number in 0..1_000 {
            assert_eq!(asker.verify(&format!("strange-string-{number}")), "NOT_FOUND");
        }
        assert_eq!(watched.look_ups(), before);

        assert_eq!(asker.verify(&own.secret), "VALID");
        assert_eq!(watched.look_ups(), before + 1);
    }

    fn of_many_strange_strings_only_imported_ones_are_looked_up(db: &Database) {
        let app = db.app();
        let secrets: Vec<String> = (0..300).map(|number| format!("imported-secret-{number}")).collect();
        secrets.iter().for_each(|secret| drop(import(&app, secret)));
        let watched = Watched::serve(db);
        let mut asker = Asker::to(&watched.url);
        let before = watched.look_ups();

        for number in 0..1_000 {
            assert_eq!(asker.verify(&format!("strange-string-{number}")), "NOT_FOUND");
        }
        assert_eq!(watched.look_ups(), before);

        assert!(secrets.iter().all(|secret| asker.verify(secret) == "VALID"));
        assert_eq!(watched.look_ups(), before + 300);
    }

    fn a_foreign_key_is_found_where_it_is_pasted_alone(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = import(&app, FOREIGN);
        let page = |path: &str, text: &str| client.post(path, &[("text", text)]).assert_ok();

        let found = page("/leaks", &format!("  {FOREIGN}\n"));
        assert_eq!(found.page().texts(".leak__name a"), ["Shop"]);
        assert!(!found.body.contains("looks like a key but"), "{}", found.body);
        for unknown in [&FOREIGN[1..], "customer-12345"] {
            assert_eq!(page("/leaks", unknown).page().text("#leaks-found"), "No key of yours in this text");
        }
        assert_eq!(search(&client, FOREIGN), format!("/api-keys/{}", key.id));
        assert_eq!(search(&client, "customer-12345"), "/api-keys?q=customer-12345");
        let eve = app.another_account();
        assert_eq!(eve.post("/leaks", &[("text", FOREIGN)]).assert_ok().page().texts(".leak__name a"), Vec::<String>::new());
        assert_ne!(search(&eve, FOREIGN), format!("/api-keys/{}", key.id));
        for body in [&found.body, &format!("{:?}", db.rows())] {
            assert!(!body.contains(FOREIGN));
        }
        app.anonymous().post_json("/v1/leak-reports", json!({"keys": [FOREIGN]}).to_string()).assert_status(202);
        assert!(client.get(&format!("/api-keys/{}", key.id)).assert_ok().page().has("#leak-report"));
    }

    fn of_a_strange_string_that_is_refused_nothing_is_kept(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = import(&app, "imported-and-deleted");
        import(&app, FOREIGN);
        client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);

        for secret in ["imported-and-deleted", "never-imported", "x"] {
            app.assert_verdict(secret, "NOT_FOUND");
        }
        client.switch(&Key { id: key_id(db), secret: String::new() }, "disabled");
        app.assert_verdict(FOREIGN, "DISABLED");
        let page = client.get("/refusals").assert_ok().page().text("main");

        assert_eq!(db.count("unknown_keys"), 0);
        assert_eq!(db.ask("SELECT CAST(requests AS TEXT) AS line FROM refusal_counts WHERE kind = 'malformed'"), ["3"]);
        assert!(page.contains("Shop") && !page.contains("never-imported"), "{page}");
    }
}

/// The id of the only key that is not in the trash.
fn key_id(db: &Database) -> String {
    db.ask("SELECT id AS line FROM api_keys WHERE deleted_at IS NULL").remove(0)
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
