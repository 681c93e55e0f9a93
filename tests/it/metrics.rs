//! `--metrics-listen`: what Prometheus gets to read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Client, Database, EMAIL, PASSWORD, Process, Wire, keyfob, on_both_databases, run};

/// Has the right checksum, and is nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with metrics on an address of their own.
struct Watched {
    _process: Process,
    client: Client,
    metrics: Client,
}

impl Watched {
    fn serve(db: &Database) -> Self {
        let arguments = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--database-url", &db.url()];
        let mut process = Process::spawn(&mut keyfob(&arguments));
        let client = process.client();
        let url = process.wait_for("Metrics");
        let metrics = Client::new(url.strip_suffix("/metrics").unwrap());
        Self { _process: process, client, metrics }
    }

    fn verify(&self, key: &str, service: Option<&str>) {
        let question = json!({"key": key, "service": service}).to_string();
        self.client.post_json("/v1/keys/verify", question).assert_ok();
    }

    fn text(&self) -> String {
        self.metrics.get("/metrics").assert_ok().body
    }

    /// Every line by its name and labels.
    fn figures(&self) -> BTreeMap<String, f64> {
        let text = self.text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.rsplit_once(' ').map(|(name, figure)| (name.to_owned(), figure.parse().unwrap())).unwrap())
            .collect()
    }

    /// Verdicts that were counted at all, by code and service.
    fn verdicts(&self) -> Vec<(String, f64)> {
        let all = self.figures();
        all.into_iter().filter(|(name, figure)| name.starts_with("keyfob_verdicts_total{") && *figure > 0.0).collect()
    }

    /// Waits until a figure is as it should be.
    #[track_caller]
    fn wait_for(&self, name: &str, expected: f64) {
        let began = Instant::now();
        while self.figures()[name] != expected {
            assert!(began.elapsed() < PATIENCE, "{name} is {}", self.figures()[name]);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn verdict(code: &str, service: &str, count: f64) -> (String, f64) {
    (format!("keyfob_verdicts_total{{code=\"{code}\",service=\"{service}\"}}"), count)
}

on_both_databases! {
    fn verdicts_are_counted_by_code_and_service(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let client = app.signed_in();
        let (on, off) = (client.create_key("On").secret, client.create_key("Off"));
        client.switch(&off, "disabled");
        let watched = Watched::serve(db);

        watched.verify(&on, None);
        watched.verify(&on, Some("sms"));
        watched.verify(&on, Some("mail"));
        watched.verify(&off.secret, None);
        watched.verify(UNKNOWN, Some("sms"));
        watched.verify("mistyped", Some("mail"));
        watched.client.get("/v1/auth?service=sms").assert_status(401);

        let mut expected = [
            verdict("VALID", "sms", 2.0),
            verdict("NOT_FOUND", "mail", 2.0),
            verdict("DISABLED", "sms", 1.0),
            verdict("NOT_FOUND", "sms", 1.0),
            verdict("KEY_MISSING", "sms", 1.0),
        ];
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(watched.verdicts(), expected);
    }

    fn a_service_is_counted_under_its_name_from_when_it_was_made(db: &Database) {
        drop(db.app());
        let watched = Watched::serve(db);
        watched.client.log_in(EMAIL, PASSWORD);
        let mail = [("name", "Mail"), ("slug", "mail"), ("key_prefix", "mail")];
        watched.client.post("/services", &mail).assert_status(303);

        watched.client.get("/v1/auth?service=mail").assert_status(401);

        assert_eq!(watched.verdicts(), [verdict("KEY_MISSING", "mail", 1.0)]);
    }

    fn a_service_that_does_not_exist_gets_no_line_of_its_own(db: &Database) {
        drop(db.app());
        let watched = Watched::serve(db);

        for service in ["unheard-of", "a\"b\\c\nd", ""] {
            watched.verify(UNKNOWN, Some(service));
        }
        watched.verify(UNKNOWN, None);

        assert_eq!(watched.verdicts(), [verdict("NOT_FOUND", "", 4.0)]);
        assert!(!watched.text().contains("unheard-of"));
    }

    fn memory_the_database_and_durations_are_told(db: &Database) {
        let key = db.app().signed_in().create_key("Project X").secret;
        let watched = Watched::serve(db);
        let before = watched.figures();

        for _ in 0..3 {
            watched.verify(&key, None);
        }
        watched.verify("mistyped", None);

        let now = watched.figures();
        let grown = |name: &str| now[name] - before[name];
        assert_eq!((grown("keyfob_memory_misses_total"), grown("keyfob_memory_hits_total")), (1.0, 2.0));
        assert_eq!((before["keyfob_keys_in_memory"], now["keyfob_keys_in_memory"]), (0.0, 1.0));
        assert_eq!(grown("keyfob_verdict_duration_seconds_count"), 4.0);
        assert_eq!(grown("keyfob_verdict_duration_seconds_bucket{le=\"+Inf\"}"), 4.0);
        assert!(grown("keyfob_verdict_duration_seconds_sum") > 0.0);
        assert!(grown("keyfob_database_wait_seconds_total{pool=\"look_up\"}") > 0.0);
        assert_eq!(now["keyfob_database_connections_max{pool=\"look_up\"}"], 2.0);
        assert_eq!(now["keyfob_database_connections{pool=\"look_up\",state=\"in_use\"}"], 0.0);
        assert_eq!(now[concat!("keyfob_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}")], 1.0);
        assert_eq!(now["keyfob_up_to_date"], 1.0);
        assert!(now["keyfob_database_commits_total"] > 0.0);
        assert!(now["process_cpu_seconds_total"] > 0.0 && now["process_threads"] > 1.0);
        assert!(now["process_resident_memory_bytes"] > 1e6 && now["process_virtual_memory_bytes"] > 1e6);
        assert!((1.0..now["process_max_fds"]).contains(&now["process_open_fds"]));
        assert_eq!((now["keyfob_log_lines_dropped_total"], now["keyfob_audit_log_failures_total"]), (0.0, 0.0));
        let age = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64() - now["process_start_time_seconds"];
        assert!((0.0..60.0).contains(&age), "{age}");
        let began = Instant::now();
        while db.count("key_secret_usages") == 0 {
            assert!(began.elapsed() < PATIENCE, "no use was written down");
        }
        watched.wait_for("keyfob_uses_waiting", 0.0);
    }

    fn requests_are_counted_by_group_and_class_and_the_readings_are_not(db: &Database) {
        drop(db.app());
        let watched = Watched::serve(db);
        let before = watched.figures();

        watched.client.get("/login").assert_ok();
        watched.client.get("/v1/keys").assert_status(401);
        watched.client.get("/v1/sms/messages").assert_status(401);
        watched.client.get("/nowhere/at/all").assert_status(404);
        watched.verify(UNKNOWN, None);
        watched.client.get("/v1/auth?service=sms").assert_status(401);

        let now = watched.figures();
        let grown: BTreeMap<&str, f64> = now
            .iter()
            .filter_map(|(name, count)| Some((name.strip_prefix("keyfob_http_requests_total")?, count - before[name])))
            .filter(|(_, count)| *count > 0.0)
            .collect();
        let expected = [
            ("{group=\"api\",status=\"4xx\"}", 1.0),
            ("{group=\"dashboard\",status=\"2xx\"}", 1.0),
            ("{group=\"dashboard\",status=\"4xx\"}", 1.0),
            ("{group=\"gate\",status=\"2xx\"}", 1.0),
            ("{group=\"gate\",status=\"4xx\"}", 1.0),
            ("{group=\"sms\",status=\"4xx\"}", 1.0),
        ];
        assert_eq!(grown, BTreeMap::from(expected));
        let durations = "keyfob_http_request_duration_seconds_count{group=\"dashboard\"}";
        assert_eq!(now[durations] - before[durations], 2.0);
        assert!(!watched.text().contains("duration_seconds_count{group=\"gate\"}"), "the gate times its verdicts itself");
        assert!(now["keyfob_http_connections_total"] >= 1.0);
        assert_eq!(now["keyfob_http_connections_timed_out_total"], 0.0);
        assert!(!watched.text().contains("nowhere"));
    }

    fn logins_are_counted_by_how_they_ended(db: &Database) {
        drop(db.app());
        let watched = Watched::serve(db);
        let log_in = |password: &str| {
            watched.client.stranger().post("/login", &[("email", EMAIL), ("password", password)]).status
        };

        watched.client.log_in(EMAIL, PASSWORD);
        assert_eq!(log_in("a wrong password"), 401);
        assert_eq!(watched.client.stranger().post("/login", &[("email", "nobody@example.com"), ("password", "x")]).status, 401);
        let mut refused = 0.0;
        while log_in("a wrong password") == 401 {
            refused += 1.0;
        }

        let now = watched.figures();
        let count = |result: &str| now[&format!("keyfob_logins_total{{result=\"{result}\"}}")];
        let counts = ["succeeded", "wrong_password", "wrong_code", "throttled", "unavailable"].map(count);
        assert_eq!(counts, [1.0, 2.0 + refused, 0.0, 1.0, 0.0]);
        assert_eq!((now["keyfob_sessions"], now["keyfob_operators"]), (1.0, 1.0));
        assert!(!watched.text().contains("nobody@"));
    }

    fn a_reading_succeeds_while_the_database_is_lost(db: &Database) {
        drop(db.app());
        let watched = Watched::serve(db);
        assert_eq!(watched.figures()["keyfob_database_up"], 1.0);
        assert!(watched.figures().contains_key("keyfob_callbacks_waiting"));

        db.take_away();
        watched.wait_for("keyfob_up_to_date", 0.0);
        watched.wait_for("keyfob_database_up", 0.0);
        let lost = watched.figures();
        db.bring_back();

        assert!(lost["keyfob_database_failures_total"] > 0.0 && lost["keyfob_change_feed_lag_seconds"] > 0.0);
        assert!(lost.contains_key("process_resident_memory_bytes") && lost.contains_key("keyfob_uses_waiting"));
        for name in ["keyfob_callbacks_waiting", "keyfob_operators", "keyfob_sessions"] {
            assert!(!lost.contains_key(name), "{name} would be out of date");
        }
        watched.wait_for("keyfob_database_up", 1.0);
        assert!(watched.figures()["keyfob_change_feed_lag_seconds"] < 60.0);
    }

    /// The log of changes can't be read, though the database answers.
    fn a_gate_that_may_have_missed_a_change_says_that_it_is_not_ready(db: &Database) {
        let key = db.app().signed_in().create_key("Project X").secret;
        let watched = Watched::serve(db);
        watched.verify(&key, None);

        db.execute("ALTER TABLE revisions RENAME TO elsewhere");
        watched.wait_for("keyfob_up_to_date", 0.0);
        let unready = watched.client.get("/readyz").assert_status(503).json();
        watched.client.post_json("/v1/keys/verify", json!({"key": key}).to_string()).assert_problem(503, "UNAVAILABLE");
        db.execute("ALTER TABLE elsewhere RENAME TO revisions");

        assert_eq!(unready, json!({"status": "unavailable", "detail": "The database does not answer."}));
        watched.wait_for("keyfob_verdicts_failed_total", 1.0);
        watched.wait_for("keyfob_up_to_date", 1.0);
        watched.client.get("/readyz").assert_ok();
        watched.verify(&key, None);
    }

    fn every_metric_says_what_it_is(db: &Database) {
        drop(db.app());
        let watched = Watched::serve(db);
        let answer = watched.metrics.get("/metrics").assert_header("content-type", "text/plain; version=0.0.4; charset=utf-8");

        let said = |what: &str| -> BTreeSet<&str> {
            let lines = answer.body.lines().filter_map(|line| line.strip_prefix(what));
            lines.map(|line| line.split_once(' ').unwrap().0).collect()
        };
        let (help, types) = (said("# HELP "), said("# TYPE "));
        assert_eq!(help, types);
        for line in answer.body.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(types.contains(family), "{line}");
        }
        assert!(answer.body.ends_with('\n'));
    }

    fn readings_may_share_a_connection(db: &Database) {
        drop(db.app());
        let watched = Watched::serve(db);
        let mut wire = Wire::to(watched.metrics.base());

        for _ in 0..2 {
            let (head, body) = wire.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").read_answer();
            assert!(head.starts_with("HTTP/1.1 200 OK") && body.contains("keyfob_build_info"), "{head}{body}");
        }
    }

    fn metrics_are_on_their_own_address_and_nothing_else_is_there(db: &Database) {
        drop(db.app());
        let watched = Watched::serve(db);

        watched.client.get("/metrics").assert_status(404);
        for path in ["/", "/healthz", "/login", "/openapi.json", "/v1/auth?service=sms", "/metrics/"] {
            watched.metrics.get(path).assert_status(404);
        }
        watched.metrics.post_json("/metrics", "{}").assert_status(404);
    }

    fn an_address_for_metrics_that_is_in_use_is_told(db: &Database) {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap().to_string();

        let ended = run(&["--listen", "127.0.0.1:0", "--metrics-listen", &address, "--database-url", &db.url()], "");

        ended.assert_says("choose another one with --metrics-listen 127.0.0.1:PORT").assert_one_sentence();
    }
}

#[test]
fn an_address_for_metrics_that_is_none_is_told_with_every_other_problem() {
    let ended = run(&["--listen", "8080", "--metrics-listen", "9464"], "");

    let ended =
        ended.assert_says("--metrics-listen \"9464\" is not an address and a port; write for example 127.0.0.1:9464,");
    ended.assert_says("--listen \"8080\" is not an address and a port");
}
