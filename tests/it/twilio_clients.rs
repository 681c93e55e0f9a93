//! Twilio's own clients, unmodified, against the real server: only the base URL is another
//! one. `tests/run` installs them into `target/`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyfob::clock::Clock;
use keyfob::domain::account;
use keyfob::networks::Networks;
use keyfob::sms::callbacks::CallbackConfig;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::support::{App, Application, Database, PHONE, Receiver, on_both_databases};
use crate::twilio::NO_CARRIER;

/// What each program of `tests/clients` prints.
const OUTPUT: &str = "\
created SM True Hello 5 MyShop True
created 1 outbound-api None 0:00:00
fetched delivered None Hello 5
listed ['Hello 5', 'Hello 4', 'Hello 3', 'Hello 2', 'Hello 1']
listed ['Hello 5', 'Hello 4', 'Hello 3']
listed 5
listed 0
redacted '' ''
deleted True
gone 404 20404
listed 4
to 400 21211
from 400 21212
body 400 21602
long 400 21617
media 400 21620
late 409 30409
unknown 404 20404
account 404 20404
key 401 20003
off 401 20003
key sid 4
test queued
test ['Test'] False
waiting 409 20009
canceled canceled canceled
";

/// A language and its program in `tests/clients`.
const PYTHON: [&str; 2] = ["python3", "twilio_program.py"];
const NODE: [&str; 2] = ["node", "twilio_program.mjs"];

/// What a program prints that is given this.
#[track_caller]
fn output([runner, program]: [&str; 2], given: &Value) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(program);
    fs::copy(root.join("tests/clients").join(program), &file).unwrap();
    // Node.js looks for packages beside the program.
    symlink(root.join("target/npm/node_modules"), folder.path().join("node_modules")).unwrap();
    let mut command = Command::new(runner);
    command.arg(file).arg(given.to_string()).env("PYTHONPATH", root.join("target/clients"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let output = command.output().unwrap_or_else(|error| panic!("{runner} can't be started: {error}"));
    let (said, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program}:\n{said}\n{log}");
    said.into_owned()
}

fn sid(app: &App) -> String {
    format!("AC{}", account::first(&mut app.db.conn()).unwrap().as_hex())
}

/// A program sends, lists, redacts, cancels, deletes and reads errors.
#[track_caller]
fn assert_works(db: &Database, program: [&str; 2]) {
    let without_carrier = db.empty();
    let (app, held) = (db.app(), App::start_with_carrier(&without_carrier, NO_CARRIER));
    let (key, off, test) = (app.make_key("Project X"), app.make_key("Off"), app.make_test_key("Test"));
    app.signed_in().switch(&off, "disabled");
    let credits = Application::with(&app, &key).credits();

    let said = output(
        program,
        &json!({
            "url": app.url, "account": sid(&app), "phone": PHONE,
            "key": key.secret, "off": off.secret, "test": test.secret,
            "held": {"url": held.url, "account": sid(&held), "key": held.make_key("Held").secret},
        }),
    );

    assert_eq!(said, OUTPUT);
    assert_eq!(Application::with(&app, &key).credits(), credits - 5, "five live messages");
    assert_eq!(db.ask("SELECT mode || carrier AS line FROM messages WHERE rehearsed"), ["testsandbox"]);
    app.assert_ledger_adds_up();
    held.assert_ledger_adds_up();
}

on_both_databases! {
    fn twilios_client_for_python_works(db: &Database) {
        assert_works(db, PYTHON);
    }

    fn twilios_client_for_node_works(db: &Database) {
        assert_works(db, NODE);
    }

    fn twilios_validators_accept_a_status_callback_with_the_keys_callback_secret(db: &Database) {
        let callbacks = CallbackConfig { allowed: Networks::parse("127.0.0.1").unwrap(), ..CallbackConfig::default() };
        let (app, receiver) = (App::start_calling(db, callbacks, Clock::System), Receiver::start());
        let (key, operator) = (app.make_key("Project X"), app.signed_in());
        let elsewhere = [("url", "http://127.0.0.1:1/key"), ("action", "save")];
        let made = operator.post(&format!("/api-keys/{}/callback", key.id), &elsewhere).assert_ok();
        let secret = made.page().text("#callback-secret");
        let url = format!("{}?order=1&name=Ad%C3%A9la", receiver.url());

        let path = format!("/2010-04-01/Accounts/{}/Messages.json", sid(&app));
        let fields = [("To", PHONE), ("From", "My Shop"), ("Body", "Hello"), ("StatusCallback", &url)];
        let sent = app.anonymous().with("authorization", &basic(&sid(&app), &key.secret)).post(&path, &fields);

        let sent = sent.assert_status(201).json();
        for call in receiver.wait_for(1) {
            let form: Map<String, Value> = form_urlencoded::parse(call.body.as_bytes())
                .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
                .collect();
            assert_eq!((&form["MessageSid"], &form["To"]), (&sent["sid"], &json!(PHONE)));
            let signature = &call.headers["x-twilio-signature"];
            for program in [PYTHON, NODE] {
                let given = json!({"call": {"secret": secret, "url": url, "form": form, "signature": signature}});
                assert_eq!(output(program, &given), "True\nFalse\n", "{program:?} {given}");
            }
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
