//! The program as a self-hoster runs it: operators by the command line,
//! signals, crashes and logs.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Database, EMAIL, Ended, PASSWORD, Process, Wire, form, keyfob, on_both_databases, run};

#[track_caller]
fn add_operator(db: &Database, email: &str, password: &str) -> Ended {
    run(&["operator", "add", email, "--create", "--database-url", &db.url()], password)
}

#[track_caller]
fn change_password(db: &Database, email: &str, password: &str) -> Ended {
    run(&["operator", "password", email, "--database-url", &db.url()], password)
}

on_both_databases! {
    fn an_operator_can_be_added_before_the_first_start_which_then_gives_no_code(db: &Database) {
        let empty = db.empty();

        let ended = add_operator(&empty, EMAIL, PASSWORD).assert_success();

        assert_eq!(ended.stdout, format!("ada@example.com can log in now. ({})\n", empty.url()));
        let app = empty.first_start();
        assert_eq!(app.setup_code, None);
        assert_eq!(app.signed_in().get("/settings").page().field("name"), "ada");
        app.signed_in().create_key("Project X");
    }

    fn an_operator_that_is_added_works_for_the_same_account(db: &Database) {
        let app = db.app();
        app.signed_in().create_key("Project X");

        let arguments = ["operator", "add", "Bob@Example.com", "--name", "Bob", "--database-url", &db.url()];
        run(&arguments, "another long password").assert_success();

        let bob = app.anonymous();
        bob.log_in("bob@example.com", "another long password");
        assert_eq!(bob.get("/api-keys").page().rows(), ["Project X"]);
        assert_eq!(bob.get("/settings").page().field("name"), "Bob");
    }

    fn an_operator_that_can_not_be_added_is_told_why_and_nobody_is_made(db: &Database) {
        let _app = db.app();

        add_operator(db, "bob@example.com", "fourteen chars").assert_says("Use at least 15 characters; this has 14.");
        add_operator(db, "bob@example.com", "").assert_says("Use at least 15 characters; this has 0.");
        add_operator(db, "bob", PASSWORD).assert_says("Enter an email address");
        add_operator(db, "ADA@example.com", PASSWORD)
            .assert_says("An operator with this email address already exists.");

        assert_eq!(db.count("operators"), 1);
    }

    fn a_password_that_is_changed_by_the_command_line_ends_every_session(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let ended = change_password(db, EMAIL, "a battery of correct horses").assert_success();

        assert!(!ended.stdout.contains("battery"), "{ended:?}");
        client.get("/settings").assert_leads_to("/login?next=/settings");
        app.anonymous().post("/login", &[("email", EMAIL), ("password", PASSWORD)]).assert_status(401);
        app.anonymous().log_in(EMAIL, "a battery of correct horses");
    }

    fn a_password_that_can_not_be_changed_is_told_why_and_stays(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        change_password(db, EMAIL, "fourteen chars").assert_says("Use at least 15 characters; this has 14.");
        change_password(db, "bob@example.com", PASSWORD).assert_says("There is no operator bob@example.com.");

        client.get("/settings").assert_ok();
        app.anonymous().log_in(EMAIL, PASSWORD);
    }

    fn the_first_start_prints_where_to_go_and_the_code_once(db: &Database) {
        let mut first = Process::serve(db);
        first.wait_for("Keyfob");
        let url = first.wait_for("Open");
        let code = first.wait_for("Setup code");
        let client = crate::support::Client::new(url.strip_suffix("/setup").unwrap());

        let fields = [("code", &*code), ("name", "Ada"), ("email", EMAIL), ("password", PASSWORD)];
        client.post("/setup", &fields).assert_leads_to("/api-keys");
        first.kill();

        let mut second = Process::serve(db);
        assert!(!second.wait_for("Open").ends_with("/setup"));
        second.signal("TERM");
        assert!(!second.end().stdout.contains("Setup code"));
    }

    fn a_key_that_was_acknowledged_survives_a_crash(db: &Database) {
        add_operator(db, EMAIL, PASSWORD).assert_success();
        let mut process = Process::serve(db);
        let client = process.client();
        client.log_in(EMAIL, PASSWORD);

        let key = client.create_key("Project X");
        process.kill();

        db.first_start().assert_verdict(&key.secret, "VALID");
    }

    fn a_server_that_is_told_to_stop_answers_what_it_was_asked_and_ends_well(db: &Database) {
        add_operator(db, EMAIL, PASSWORD).assert_success();
        let mut process = Process::serve(db);
        let client = process.client();
        client.log_in(EMAIL, PASSWORD);
        let body = form(&[("key_id", &client.form_id()), ("service", "sms"), ("name", "Project X")]);
        let head = format!(
            "POST /api-keys HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\nCookie: {}\r\n\
             Expect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            client.cookies(),
            body.len(),
        );
        let mut wire = Wire::to(client.base());
        assert!(wire.send(head.as_bytes()).read_head().starts_with("HTTP/1.1 100"));

        process.signal("TERM");
        wait_until_closed(client.base());
        let answer = wire.send(body.as_bytes()).read_all();

        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("sms_live_"), "{answer}");
        assert_eq!(process.end().status.code(), Some(0));
        assert_eq!(db.count("api_keys"), 1);
    }

    fn no_secret_is_logged_even_at_the_finest_level(db: &Database) {
        let mut command = keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url()]);
        let mut process = Process::spawn(command.env("KEYFOB_LOG", "trace"));
        let client = process.client();
        let code = process.wait_for("Setup code");
        let fields = [("code", &*code), ("name", "Ada"), ("email", EMAIL), ("password", PASSWORD)];
        client.post("/setup", &fields).assert_leads_to("/api-keys");
        let mut cookies = vec![client.session_cookie().unwrap()];
        client.log_in(EMAIL, PASSWORD);
        cookies.push(client.session_cookie().unwrap());
        let key = client.create_key("Project X");
        let callback = [("url", "https://callback.invalid/hook?token=hush-hush"), ("action", "save")];
        let answer = client.post(&format!("/api-keys/{}/callback", key.id), &callback).assert_ok();
        let callback_secret = answer.page().text("#callback-secret");
        let message = serde_json::json!({"to": "+420777123456", "text": "Hello"}).to_string();
        client.with("x-api-key", &key.secret).post_json("/v1/sms/messages", message).assert_status(202);
        wait_until_tried(db);
        client.switch(&key, "disabled");
        client.post_json("/v1/keys/verify", serde_json::json!({"key": key.secret}).to_string()).assert_ok();
        client.post_json("/v1/keys/verify", serde_json::json!({"key": [key.secret]}).to_string()).assert_status(400);
        client.get(&format!("/v1/keys/verify?key={}", key.secret)).assert_status(405);
        client.post("/login", &[("email", EMAIL), ("password", "wrong horse battery staple")]).assert_status(401);
        let passwords = [("current_password", PASSWORD), ("new_password", "a battery of correct horses")];
        client.post("/settings/password", &passwords).assert_status(303);
        process.signal("TERM");

        let ended = process.end();

        assert!(ended.stderr.contains(&key.id), "nothing was logged: {}", ended.stderr);
        let cookies = cookies.iter().map(String::as_str);
        let callback = [&callback_secret[6..], "hush-hush"];
        for secret in [&key.secret[9..], &key.secret[9..41], PASSWORD, "correct%20horse", "horse battery", &code]
            .into_iter()
            .chain(cookies)
            .chain(callback)
        {
            let line = ended.stderr.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} was logged");
        }
        assert!(!ended.stdout.contains(&key.secret[9..]), "{}", ended.stdout);
    }
}

/// Waits until a customer's server was tried to be told something.
#[track_caller]
fn wait_until_tried(db: &Database) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while db.ask("SELECT id AS line FROM callback_deliveries WHERE tries > 0").is_empty() {
        assert!(Instant::now() < deadline, "nobody was called back");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until nobody is let in any more.
#[track_caller]
fn wait_until_closed(url: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(url.trim_start_matches("http://")).is_ok() {
        assert!(Instant::now() < deadline, "the server still takes connections");
        std::thread::yield_now();
    }
}

#[test]
fn help_and_version_are_told_without_touching_anything() {
    let folder = tempfile::tempdir().unwrap();

    for argument in ["--help", "--version", "help"] {
        let mut command = keyfob(&[argument]);
        let ended =
            Process::spawn(command.current_dir(folder.path()).env("DATABASE_URL", "postgres://me:hunter2@x/k")).end();
        let ended = ended.assert_success();
        assert!(!ended.stdout.contains("hunter2"), "{argument}");
        let says_all = ended.stdout.contains("DATABASE_URL") && ended.stdout.contains("KEYFOB_LOG_FORMAT");
        assert_eq!(says_all, argument != "--version", "{}", ended.stdout);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// As written by `tests/notices/run`, which `tests/run` holds against the dependencies.
#[test]
fn the_licences_of_everything_that_is_built_in_are_printed_without_touching_anything() {
    let folder = tempfile::tempdir().unwrap();

    let ended = Process::spawn(keyfob(&["licenses"]).current_dir(folder.path())).end().assert_success();

    for file in ["LICENSE", "THIRD-PARTY-NOTICES"] {
        assert!(ended.stdout.contains(&std::fs::read_to_string(file).unwrap()), "{file} is missing");
    }
    for part in ["# SQLite", "# libpq", "Source Sans 3", "htmx", "Lucide", "actix-web 4"] {
        assert!(ended.stdout.contains(part), "{part} is missing");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
