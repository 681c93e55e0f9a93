//! The lines of the Automate page, each run as it stands there.

use std::path::Path;
use std::process::Command;

use keyfob::clock::Clock;
use serde_json::{Value, json};

use crate::support::{App, Database, Key, Page, on_both_databases};

/// Runs a snippet in a shell that has these variables and the command `keyfob`, and tells what it prints.
#[track_caller]
fn run(db: &Database, text: &str, variables: &[(&str, &str)]) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_keyfob")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-e", "-u", "-c", text]).env("PATH", path).env("DATABASE_URL", db.url());
    shell.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1").envs(variables.iter().copied());
    let output = shell.output().unwrap();
    let aside = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{aside}");
    assert!(!aside.contains("does not know this variable"), "Keyfob takes it for one of its own: {aside}");
    String::from_utf8(output.stdout).unwrap()
}

/// The page, and what its lines need to know.
struct Lines<'a> {
    db: &'a Database,
    page: Page,
    manager: Key,
    key: Key,
}

impl Lines<'_> {
    fn text(&self, name: &str) -> String {
        self.page.raw_text(&format!("#snippet-{name}"))
    }

    /// What the requests of a snippet are answered, one after the other.
    #[track_caller]
    fn answers(&self, name: &str) -> Vec<Value> {
        let variables = [
            ("MANAGEMENT_KEY", &*self.manager.secret),
            ("MANAGEMENT_KEY_ID", &self.manager.id),
            ("KEY_ID", &self.key.id),
            ("KEY", &self.key.secret),
        ];
        let printed = run(self.db, &self.text(name), &variables);
        let answers = serde_json::Deserializer::from_str(&printed).into_iter::<Value>().collect::<Result<Vec<_>, _>>();
        answers.unwrap_or_else(|error| panic!("{name}: {error}: {printed}"))
    }

    #[track_caller]
    fn answer(&self, name: &str) -> Value {
        let mut answers = self.answers(name);
        assert_eq!(answers.len(), 1, "{name}: {answers:?}");
        answers.remove(0)
    }
}

on_both_databases! {
    fn the_lines_for_a_program_do_what_they_say(db: &Database) {
        let app = db.app();
        let page = app.signed_in().get("/automate").assert_ok().page();
        let none = Key { id: String::new(), secret: String::new() };
        let mut lines = Lines { db, page, manager: app.make_management_key("*", "sms"), key: none };

        let made = lines.answer("create");
        let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{name}: {made}")).to_owned();
        lines.key = Key { id: text("key_id"), secret: text("key") };
        let repeated = lines.answer("create");
        assert_eq!((&repeated["key_id"], &repeated["key"], &repeated["replayed"]), (&made["key_id"], &Value::Null, &json!(true)));

        let read = lines.answers("read");
        let [list, one] = &*read else { panic!("{read:?}") };
        assert_eq!((&list["keys"][0], list["keys"].as_array().map(Vec::len)), (one, Some(1)));
        assert_eq!((&one["id"], &one["external_id"]), (&made["key_id"], &json!("customer-4711")));
        app.assert_verdict(&lines.key.secret, "VALID");

        let changed = lines.answer("change");
        assert_eq!((&changed["name"], &changed["metadata"]), (&json!("Customer 4711, paying"), &json!({"plan": "gold"})));
        assert_eq!(lines.answer("change")["code"], "PRECONDITION_FAILED", "as its comment says");

        let active = lines.answer("introspect");
        assert_eq!((&active["active"], &active["client_id"]), (&json!(true), &made["key_id"]));
        let rotated = lines.answer("rotate");
        for secret in [&*lines.key.secret, rotated["key"].as_str().unwrap()] {
            app.assert_verdict(secret, "VALID");
        }
        assert_eq!(rotated["previous"]["ends_at"], "2026-03-02T12:00:00.000000Z", "a day later");

        let off = lines.answer("switch-off");
        assert_eq!((&off["status"], &off["status_reason"]), (&json!("disabled"), &json!("policy")));
        app.assert_verdict(&lines.key.secret, "DISABLED");
        assert_eq!(lines.answer("introspect"), json!({"active": false}));

        assert!(lines.answers("delete").is_empty());
        app.assert_verdict(&lines.key.secret, "NOT_FOUND");
        assert_eq!(lines.answer("delete")["code"], "NOT_FOUND");
        assert_eq!(db.count("api_keys"), 2, "the management key, and that of the customer");
    }

    fn every_line_about_introspection_names_the_address_that_answers(db: &Database) {
        let app = db.app();
        let page = app.signed_in().get("/automate").assert_ok().page();

        for name in ["spring", "rfc7662", "introspect"] {
            let text = page.raw_text(&format!("#snippet-{name}"));
            let address = text.split(['=', ' ', '\n']).find(|word| word.starts_with("http"));
            assert_eq!(address, Some(&*format!("{}/v1/introspect", app.url)), "{name}: {text}");
        }
    }

    fn the_line_for_a_shell_makes_a_key_that_the_lines_for_a_program_work_with(db: &Database) {
        let app = App::start_set(db, |_| {}, Clock::System).with_operator();
        let page = app.signed_in().get("/automate").assert_ok().page();

        let text = page.raw_text("#snippet-shell") + "\nprintf %s \"$MANAGEMENT_KEY\"";
        // With the name that the lines for a program take it from, which may be exported already.
        let secret = run(db, &text, &[("MANAGEMENT_KEY", "an older one")]);

        assert!(secret.starts_with("keyfob_live_"), "{secret}");
        let current = app.anonymous().with("x-api-key", &secret).get("/v1/keys/current").assert_ok().json();
        let bounds = json!({"services": ["sms"], "grantable_scopes": ["*"], "max_lifetime_days": 365});
        assert_eq!((&current["name"], &current["bounds"]), (&json!("Signup"), &bounds));
        let manager = Key { id: current["id"].as_str().unwrap().to_owned(), secret };
        let lines = Lines { db, page, key: Key { id: manager.id.clone(), secret: String::new() }, manager };
        let made = lines.answer("create");
        assert!(made["key"].is_string() && made["expires_at"].is_string(), "it ends within the bounds: {made}");
        assert_eq!(lines.answer("rotate")["missing"], json!(["keys.rotate"]), "a scope that the line does not give");
    }
}
