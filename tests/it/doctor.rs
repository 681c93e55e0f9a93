//! `keyfob doctor`: each thing that it looks at, with a planted fault beside the healthy case.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::{fs, thread};

use serde_json::Value;

use crate::support::{
    App, Authority, CarrierPeer, Certificate, Database, Ended, PeerAnswer, Process, Proxy, ProxyKind, free_address,
    keyfob, on_both_databases, run_as,
};

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

/// What was found, as check, outcome and detail.
struct Report {
    code: i32,
    findings: Vec<Value>,
}

impl Report {
    fn of(ended: &Ended) -> Self {
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        let findings = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { code: ended.status.code().unwrap(), findings }
    }

    /// The outcomes of a check, with their details.
    fn found(&self, check: &str) -> Vec<(&str, &str)> {
        let findings = self.findings.iter().filter(|finding| finding["check"] == check);
        findings.map(|finding| (finding["outcome"].as_str().unwrap(), finding["detail"].as_str().unwrap())).collect()
    }

    #[track_caller]
    fn assert(&self, check: &str, outcome: &str, detail: &str) -> &Self {
        let found = self.found(check);
        let is_there = found.iter().any(|(is, says)| *is == outcome && says.contains(detail));
        assert!(is_there, "{check} {outcome} {detail}: {:#?}", self.findings);
        if ["warning", "failure"].contains(&outcome) {
            assert!(self.code >= if outcome == "failure" { 2 } else { 1 }, "{}: {:#?}", self.code, self.findings);
        }
        self
    }
}

fn doctor(db: &Database, arguments: &[&str]) -> Command {
    let mut command = keyfob(&["doctor", "--json", "--database-url", &db.url(), "--wait-for-database", "0"]);
    command.args(arguments);
    command
}

#[track_caller]
fn examine(db: &Database, arguments: &[&str]) -> Report {
    Report::of(&Process::spawn(&mut doctor(db, arguments)).end())
}

/// A server that gives the same answer to whatever it is asked.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(answer);
        }
    });
    address
}

on_both_databases! {
    fn a_healthy_server_has_nothing_to_mend(db: &Database) {
        let app = db.app();
        let address = app.url.trim_start_matches("http://");
        let carrier = CarrierPeer::start(|_| PeerAnswer::Accept).url("");

        let report = examine(db, &["--listen", address, "--public-url", &app.url, "--sms-transport", &carrier]);

        let report = report.assert("settings", "ok", address).assert("server", "ok", "ready at");
        report.assert("database", "ok", "answers").assert("tables", "ok", "up to date").assert("people", "ok", "");
        report.assert("public URL", "ok", "leads to Keyfob").assert("clock", "ok", "agrees");
        report.assert("carrier", "ok", "the password was not tried, since the server runs");
        assert!(!report.findings.iter().any(|finding| finding["outcome"] == "failure"), "{:#?}", report.findings);
        let words = Process::spawn(keyfob(&["doctor", "--database-url", &db.url(), "--listen", address]).env("X", "")).end();
        assert!(words.stdout.contains("ok       tables: up to date\n"), "{words:?}");
    }

    fn tables_of_another_version_are_told_and_stay_as_they_are(db: &Database) {
        drop(db.app());
        let versions = db.rows()["__diesel_schema_migrations"].clone();
        let newest = db.ask("SELECT CAST(max(version) AS TEXT) AS line FROM __diesel_schema_migrations").remove(0);

        db.execute(&format!("DELETE FROM __diesel_schema_migrations WHERE version = '{newest}'"));
        examine(db, &[]).assert("tables", "warning", "1 migration behind");
        assert_eq!(db.rows()["__diesel_schema_migrations"].len(), versions.len() - 1);
        db.execute(&format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{newest}'), ('99991231000001')"));
        examine(db, &[]).assert("tables", "failure", "99991231000001");
    }

    fn a_database_that_nobody_uses_yet_is_told_from_one_that_is_gone(db: &Database) {
        drop(App::start(db));
        examine(db, &[]).assert("people", "warning", "nobody can log in yet").assert("server", "skipped", "none runs");

        db.take_away();

        let report = examine(db, &[]);
        assert_eq!((report.code, report.found("database")[0].0), (2, "failure"));
    }

    fn a_server_without_its_database_is_not_ready(db: &Database) {
        let app = db.app();
        let address = app.url.trim_start_matches("http://");
        db.take_away();

        examine(db, &["--listen", address]).assert("server", "failure", "is not ready");

        db.bring_back();
    }

    fn a_proxy_that_is_not_named_is_noticed_by_the_address_of_all_logins(db: &Database) {
        let app = db.app();
        for _ in 0..4 {
            app.signed_in();
        }
        let public = ["--public-url", "https://keys.example.com"];
        assert_eq!(examine(db, &public).found("trusted proxies"), []);

        app.signed_in();

        examine(db, &public).assert("trusted proxies", "warning", "come from 127.0.0.1").assert("cookies", "ok", "");
        assert_eq!(examine(db, &["--public-url", "http://127.0.0.1:1"]).found("trusted proxies"), []);
    }
}

#[test]
fn a_postgresql_server_that_may_lose_writes_or_lacks_connections_is_told() {
    let db = Database::postgres();
    let name = db.url().rsplit('/').next().unwrap().to_owned();
    // The server of the tests is quick, and promises nothing.
    db.execute(&format!("ALTER DATABASE {name} SET synchronous_commit = on"));
    let healthy = examine(&db, &[]);
    assert!(!healthy.found("durability").iter().any(|(_, detail)| detail.starts_with("synchronous_commit")));
    healthy.assert("connections", "ok", "this instance takes up to 16");

    db.execute(&format!("ALTER DATABASE {name} SET synchronous_commit = off"));

    let report = examine(&db, &["--database-connections", "1000"]);
    report.assert("durability", "warning", "synchronous_commit is off");
    report.assert("connections", "warning", "this instance takes up to 1000");
    examine(&Database::postgres().empty(), &[]).assert("tables", "warning", "there are none yet");
}

#[test]
fn a_file_that_others_can_open_or_that_keyfob_can_not_write_is_told() {
    let db = Database::sqlite();
    drop(db.app());
    let (file, folder) = (db.file(), db.file().parent().unwrap().to_owned());
    examine(&db, &[]).assert("file", "ok", "only its owner").assert("folder", "ok", "").assert(
        "disk space",
        "ok",
        "MB",
    );

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    examine(&db, &[]).assert("file", "warning", "mode 644");

    // Root may write everywhere, so that the command is run as somebody else.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let report = Report::of(&run_as(NOBODY, &["doctor", "--json", "--database-url", &db.url()]));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(report.code, 2, "{:#?}", report.findings);
    let told = [report.found("folder"), report.found("database")].concat();
    assert!(told.iter().any(|(outcome, _)| *outcome == "failure"), "{:#?}", report.findings);
}

#[test]
fn what_answers_in_the_place_of_keyfob_is_no_keyfob() {
    let db = Database::sqlite();
    let other = server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    let app = db.app();
    let address = app.url.trim_start_matches("http://");

    examine(&db, &["--listen", &other]).assert("server", "failure", "no Keyfob");
    let wrong = format!("http://{other}");
    examine(&db, &["--listen", address, "--public-url", &wrong])
        .assert("public URL", "failure", "not as Keyfob does")
        .assert("cookies", "warning", "is not https");
    let dead = format!("http://{}", free_address());
    examine(&db, &["--listen", address, "--public-url", &dead]).assert("public URL", "failure", "can't be reached");
    examine(&db, &["--listen", "0.0.0.0:1"]).assert("public URL", "warning", "without https");
    let elsewhere = server(
        b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://other.example/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    examine(&db, &["--listen", address, "--public-url", &format!("http://{elsewhere}")]).assert(
        "public URL",
        "failure",
        "answers 301 Moved Permanently and leads to https://other.example/x",
    );
}

#[test]
fn a_proxy_has_to_pass_the_path_on_as_it_is() {
    let (db, address) = (Database::sqlite(), free_address());
    let url = format!("http://{address}/keyfob");
    let app = App::start_behind(&db, &url);
    let report = || examine(&db, &["--listen", app.url.trim_start_matches("http://"), "--public-url", &url]);

    let proxy = Proxy::with_keyfob_below_a_path(ProxyKind::Nginx, &address, &app.url);
    report().assert("public URL", "ok", "leads to Keyfob");
    drop(proxy);
    let _proxy = Proxy::taking_the_path_off(&address, &app.url);

    report().assert("public URL", "failure", "the proxy takes /keyfob off");
}

#[test]
fn what_is_wrong_with_the_certificate_of_the_public_url_is_told_in_words() {
    let (db, authority) = (Database::sqlite(), Authority::new());
    let app = db.app();
    let report = |certificate: &Certificate| {
        let address = free_address();
        let _proxy = Proxy::tls(&address, &app.url, certificate);
        let url = format!("https://localhost:{}", address.rsplit_once(':').unwrap().1);
        examine(&db, &["--listen", app.url.trim_start_matches("http://"), "--public-url", &url])
    };

    // The browsers may know an authority that is not public, so that the rest is looked at.
    for (certificate, words) in [
        (Certificate::of_openssl("localhost"), "is self-signed"),
        (authority.sign("localhost"), "is signed by no public authority"),
    ] {
        let report = report(&certificate);
        report.assert("public URL", "warning", words).assert("public URL", "ok", "leads to Keyfob");
    }
    let expired = report(&authority.sign_until("localhost", 2025));
    expired.assert("public URL", "failure", "has expired");
    assert_eq!(expired.found("public URL").len(), 1, "{:#?}", expired.findings);
}

#[test]
fn a_clock_that_differs_from_that_of_the_proxy_is_told() {
    let db = Database::sqlite();
    let app = db.app();
    let proxy = server(
        b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"status\":\"ok\"}",
    );
    let public = format!("http://{proxy}");

    let report = examine(&db, &["--listen", app.url.trim_start_matches("http://"), "--public-url", &public]);

    report.assert("public URL", "ok", "leads to Keyfob").assert("clock", "warning", "it differs by");
}

#[test]
fn a_carrier_is_tried_with_its_password_while_no_server_runs() {
    let db = Database::sqlite();
    drop(db.app());
    let peer = CarrierPeer::start(|_| PeerAnswer::Accept);
    let carrier = |url: &str| examine(&db, &["--sms-transport", url]);

    carrier(&peer.url("")).assert("carrier", "ok", "takes the user and the password");
    assert_eq!(peer.binds(), [0x09]);
    // A refusal of the bind: bind_transceiver_resp with "invalid password".
    let refusing = server(b"\0\0\0\x10\x80\0\0\x09\0\0\0\x0e\0\0\0\x01");
    carrier(&format!("smpp://me:zq7wk9@{refusing}")).assert("carrier", "failure", "password");
    carrier(&format!("smpp://me:zq7wk9@{}", free_address())).assert("carrier", "failure", "refused");
    let twilio = |address: &str| format!("twilio+http://AC0123456789abcdef0123456789abcdef:zq7@{address}?from=Shop");
    carrier(&twilio(&free_address())).assert("carrier", "failure", "can't be reached");
    carrier(&twilio(&server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))).assert(
        "carrier",
        "ok",
        "it answers",
    );
    carrier("sandbox").assert("carrier", "skipped", "sandbox");
    for finding in carrier(&format!("smpp://me:zq7wk9@{refusing}")).findings {
        assert!(!finding.to_string().contains("zq7"), "{finding}");
    }
}

#[test]
fn each_wrong_setting_is_a_failure_and_nothing_else_is_looked_at() {
    let db = Database::sqlite();
    let wrong =
        examine(&db, &["--public-url", "foo", "--listen", "8080", "--trusted-proxy", "abc", "--carriers", "/nofile"]);
    for words in ["--public-url \"foo\"", "--listen \"8080\"", "--trusted-proxy: \"abc\"", "/nofile"] {
        wrong.assert("settings", "failure", words);
    }
    assert_eq!((wrong.found("settings").len(), wrong.code), (4, 2), "{:#?}", wrong.findings);
    wrong.assert("database", "skipped", "nothing else was checked").assert("open files", "ok", "");

    let variables = [
        ("DATABASE_URL_FILE", "/nowhere"),
        ("KEYFOB_OPENING_CREDITS", "lots"),
        ("KEYFOB_WAIT_FOR_DATABASE", "long"),
        ("KEYFOB_LOG", "verbose"),
    ];
    let ended = Process::spawn(keyfob(&["doctor", "--json"]).envs(variables)).end();
    let report = Report::of(&ended);
    for (variable, _) in variables {
        report.assert("settings", "failure", variable);
    }
    assert_eq!(report.found("settings").len(), 4, "{:#?}", report.findings);
    let words = Process::spawn(&mut keyfob(&["doctor", "--database-url", "mysql://me:zq7@x"])).end();
    assert_eq!(words.status.code(), Some(2), "{words:?}");
    assert!(
        words.stdout.contains("FAILURE  settings: ") && words.stdout.ends_with("1 failure to mend.\n"),
        "{words:?}"
    );
    assert!(!words.stdout.contains("zq7"), "{words:?}");
}

#[test]
fn an_audit_log_that_would_end_the_start_is_told_and_none_is_made() {
    let (db, folder) = (Database::sqlite(), tempfile::tempdir().unwrap());
    drop(db.app());
    let report = |path: &str| examine(&db, &["--audit-log", path]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("kept.jsonl"), "{}\n").unwrap();

    report(&path("kept.jsonl")).assert("audit log", "ok", "kept.jsonl can be written");
    report(&path("new.jsonl")).assert("audit log", "ok", "new.jsonl can be written");
    report("stderr").assert("audit log", "ok", "standard error");
    assert_eq!(examine(&db, &[]).found("audit log"), []);
    for wrong in [path(""), path("no/audit.jsonl"), path("kept.jsonl/audit.jsonl")] {
        report(&wrong).assert("audit log", "failure", "can't be opened");
        let ended = Process::spawn(&mut keyfob(&["--database-url", &db.url(), "--audit-log", &wrong])).end();
        ended.assert_says("can't be opened");
    }

    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the doctor has made a file");
    assert_eq!(fs::read_to_string(path("kept.jsonl")).unwrap(), "{}\n");
}

#[test]
fn a_mistyped_variable_and_a_low_limit_of_open_files_are_told() {
    let db = Database::sqlite();
    drop(db.app());
    let mut command = doctor(&db, &[]);
    let report = Report::of(&Process::spawn(command.env("KEYFOB_PUBLIC_ULR", "https://x")).end());
    report.assert("environment", "warning", "KEYFOB_PUBLIC_ULR");
    assert_eq!(examine(&db, &[]).found("environment"), []);

    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 1024; exec \"$0\" doctor --json", &doctor(&db, &[]).get_program().to_string_lossy()]);
    let report = Report::of(&Process::spawn(shell.env_clear().env("DATABASE_URL", db.url())).end());

    report.assert("open files", "warning", "1024");
}
