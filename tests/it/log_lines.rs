//! What the process tells others about itself: whole log lines that nobody else
//! can write (ASVS 16.4.1), and no core dumps.

use std::fs;
use std::process::Command;

use crate::support::{Client, Database, EMAIL, PASSWORD, Process, Wire, form, keyfob, run};

/// What would start a line of its own, in red.
const FORGED: &str = "\r\n\u{1b}[31mFORGED 2026-01-01 INFO logged in\u{7}";

/// So much of a key is not in the log by chance.
const PART: usize = 8;

fn serve_loudly(db: &Database) -> (Process, Client) {
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
    let mut command = keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url()]);
    let mut process = Process::spawn(command.env("KEYFOB_LOG", "trace"));
    let client = process.client();
    (process, client)
}

/// Says it everywhere that a client can say anything.
fn say_everywhere(client: &Client) {
    let encoded = form(&[("x", FORGED)]);
    let path = encoded.trim_start_matches("x=");
    for path in [format!("/FORGED{path}"), format!("/api-keys?service={path}"), format!("/v1/auth?service={path}")] {
        client.get(&path);
    }
    for header in ["user-agent", "referer", "x-forwarded-for", "x-request-id", "x-api-key", "hx-current-url"] {
        let text = "x \u{9b}31mFORGED\t\u{2028}FORGED";
        client.with(header, text).get("/api-keys");
        client.with(header, text).get("/v1/auth?service=sms");
        // What the client library would not send.
        for end in ["\r", "\n", "\u{1b}[31m", "\0"] {
            let head =
                format!("GET /api-keys HTTP/1.1\r\nHost: x\r\n{header}: a{end}FORGED\r\nConnection: close\r\n\r\n");
            Wire::to(client.base()).send(head.as_bytes()).read_all();
        }
    }
    for line in [
        "GET /\u{1b}[31mFORGED HTTP/1.1",
        "GET /\rFORGED HTTP/1.1",
        "\u{1b}[31mFORGED / HTTP/1.1",
        "FORGED /login HTTP/1.1",
        "F!#$%&'*+-.^_`|~ /login HTTP/1.1",
    ] {
        let head = format!("{line}\r\nHost: x\r\nConnection: close\r\n\r\n");
        Wire::to(client.base()).send(head.as_bytes()).read_all();
    }
    client.post("/login", &[("email", FORGED), ("password", FORGED)]).assert_status(401);
    client.post_json("/v1/keys/verify", serde_json::json!({"key": FORGED, "service": FORGED}).to_string()).assert_ok();
    client.post_json("/v1/keys/verify", format!("{{\"{FORGED}\":1}}")).assert_status(400);
    client.log_in(EMAIL, PASSWORD);
    let id = client.form_id();
    for name in [FORGED, "FORGED\u{202e}\u{2028}FORGED"] {
        client.post("/api-keys", &[("key_id", &id), ("service", "sms"), ("name", name), ("description", FORGED)]);
        client.post("/api-keys", &[("key_id", FORGED), ("service", FORGED), ("name", name)]);
        client.post("/settings/name", &[("name", name)]);
        client.post(&format!("/api-keys/{path}/status"), &[("status", name)]);
    }
}

/// Serves with standard error sent where this says, as bash writes it.
fn serve_with_log(db: &Database, redirection: &str) -> (Process, Client) {
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
    let mut command = Command::new("bash");
    let program = "exec \"$0\" --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --database-url \"$1\"";
    command.args(["-c", &format!("{program} {redirection}"), env!("CARGO_BIN_EXE_keyfob"), &db.url()]);
    let mut process = Process::spawn(command.env("KEYFOB_LOG", "debug"));
    let client = process.client();
    (process, client)
}

#[test]
fn a_log_that_can_not_be_written_changes_nothing_else_and_is_counted() {
    for redirection in ["2>/dev/full", "2> >(:)"] {
        let db = Database::sqlite();
        let (mut process, client) = serve_with_log(&db, redirection);
        let metrics = process.wait_for("Metrics");

        client.log_in(EMAIL, PASSWORD);
        let key = client.create_key("Project X");
        let verdict = client.post_json("/v1/keys/verify", format!("{{\"key\":\"{}\"}}", key.secret)).json();
        let metrics = Client::new(metrics.strip_suffix("/metrics").unwrap()).get("/metrics").assert_ok().body;
        process.signal("TERM");

        assert_eq!(verdict["code"], "VALID");
        let dropped = metrics.lines().find_map(|line| line.strip_prefix("keyfob_log_lines_dropped_total ")).unwrap();
        assert!(dropped.parse::<u64>().unwrap() > 0, "{redirection}: {metrics}");
        process.end().assert_success();
    }
}

#[test]
fn a_log_that_can_be_written_again_says_what_it_lacks() {
    let db = Database::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("log");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let (process, client) = serve_with_log(&db, &format!("2>'{}'", pipe.display()));

    drop(reader);
    client.log_in(EMAIL, PASSWORD);
    let mut reader = fs::File::open(&pipe).unwrap();
    client.create_key("Project X");
    process.signal("TERM");

    process.end().assert_success();
    let mut log = String::new();
    std::io::Read::read_to_string(&mut reader, &mut log).unwrap();
    assert_eq!(log.matches("log lines could not be written").count(), 1, "{log}");
}

#[test]
fn nobody_writes_a_line_or_a_colour_of_their_own_into_the_log() {
    let db = Database::sqlite();
    let (process, client) = serve_loudly(&db);

    say_everywhere(&client);
    process.signal("TERM");
    let log = process.end().stderr;

    assert!(log.contains("FORGED"), "the search itself does not work: {log}");
    assert!(log.contains("logged in"), "{log}");
    for line in log.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        assert!(!line.trim_start().starts_with("FORGED") && !line.starts_with("2026-01-01"), "{line:?}");
    }
    let raw = log.chars().find(|c| c.is_control() && *c != '\n' && *c != '\t');
    assert_eq!(raw, None, "{:?}", log.lines().find(|line| line.contains(raw.unwrap_or_default())));
}

#[test]
fn a_key_in_a_query_or_a_header_is_never_logged_not_even_in_part() {
    let db = Database::sqlite();
    let (process, client) = serve_loudly(&db);
    client.log_in(EMAIL, PASSWORD);
    let secret = client.create_key("Project X").secret;
    let bearer = format!("Bearer {secret}");

    for client in [client.clone(), client.stranger()] {
        client.post("/api-keys/search", &[("q", &secret)]);
        client.post("/api-keys/search", &[("q", &format!("x{secret}y")), ("list", &format!("q={secret}"))]);
        client.get(&format!("/api-keys?q={secret}"));
        for path in ["/v1/auth?service=sms&", "/v1/nowhere?", "/nowhere?", "/api-keys?", "/login?", "/v1/balance?"] {
            client.get(&format!("{path}key={secret}"));
            client.post(&format!("{path}key={secret}"), &[]);
        }
        for path in ["/v1/auth?service=sms", "/v1/balance", "/v1/nowhere", "/api-keys"] {
            client.with("x-api-key", &secret).get(path);
            client.with("authorization", &bearer).get(path);
            client.with("x-api-key", &secret).with("authorization", &bearer).get(path);
        }
    }
    process.signal("TERM");
    let log = process.end().stderr;

    assert!(log.contains("/v1/nowhere"), "requests are not logged: {log}");
    for part in secret.as_bytes()["sms_live_".len()..].windows(PART) {
        let part = std::str::from_utf8(part).unwrap();
        let line = log.lines().find(|line| line.contains(part));
        assert_eq!(line, None, "{part} of {secret} was logged");
    }
}

#[test]
fn a_crash_leaves_no_core_dump_that_would_hold_secrets() {
    let db = Database::sqlite();
    let (process, client) = serve_loudly(&db);
    client.get("/healthz").assert_ok();

    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();

    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..], ["0", "0", "bytes"]);
}

#[test]
fn a_proxy_that_is_not_trusted_is_named_once() {
    let db = Database::sqlite();
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
    let mut process = Process::serve(&db);
    let client = process.client();

    for n in 0..3 {
        client.with("x-forwarded-for", &format!("198.51.100.{n}")).post("/login", &[("email", "x"), ("password", "x")]);
    }
    process.signal("TERM");

    let log = process.end().stderr;
    assert_eq!(log.matches("name it with --trusted-proxy 127.0.0.1").count(), 1, "{log}");
}

#[test]
fn what_fails_with_every_request_is_written_once_and_then_counted() {
    let db = Database::sqlite();
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
    let mut process = Process::serve(&db);
    let client = process.client();

    (0..40).for_each(|_| drop(client.post("/login", &[("email", EMAIL), ("password", "x")])));
    fs::rename(db.file(), db.file().with_extension("gone")).unwrap();
    for _ in 0..20 {
        client.get("/login").assert_status(503);
        client.post_json("/v1/keys/verify", r#"{"key":"sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF"}"#);
    }
    fs::rename(db.file().with_extension("gone"), db.file()).unwrap();
    process.signal("TERM");

    let log = process.end().stderr;
    assert_eq!(log.matches("too many logins are tried").count(), 1, "{log}");
    let causes: Vec<&str> = log.lines().filter(|line| line.contains("the database can't be used")).collect();
    assert!((1..=2).contains(&causes.len()), "{log}");
    assert!(causes[0].contains("cause="), "{causes:?}");
}

#[test]
fn nobody_fills_the_log_with_what_is_no_http() {
    let db = Database::sqlite();
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
    let mut process = Process::spawn(&mut keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url()]));
    let client = process.client();

    for nonsense in ["nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\r\n\r\n"] {
        Wire::to(client.base()).send(nonsense.as_bytes()).read_all();
    }
    process.signal("TERM");

    let log = process.end().stderr;
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
}
