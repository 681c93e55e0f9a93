//! Robust at the door: clients that are slow, silent, or do not speak HTTP.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Asker, Database, Key, Process, Wire, on_both_databases};

/// Has the right checksum, and is nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";

/// The heads of clients that go on a byte at a time, if at all.
const SLOW: [&str; 7] = [
    "",
    // What comes behind these is the next head.
    "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /v1/auth?service=sms HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/auth?service=sms HTTP/1.1\r\nX-Slow: ",
    "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
    "POST /login HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
     Content-Length: 1000\r\n\r\nemail=",
    "GET /v1/auth?service=sms HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
];
const SLOW_CLIENTS: usize = 1_000;
/// A connection that is open for this long is never closed.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);

/// A slow client, until the server hangs up.
struct Slow {
    stream: TcpStream,
    is_silent: bool,
    is_open: bool,
}

impl Slow {
    fn connect(url: &str, head: &str) -> Self {
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self { stream, is_silent: head.is_empty(), is_open: true }
    }

    /// Sends a byte, and sees whether the connection is still open.
    fn go_on(&mut self) {
        let sent = self.is_silent || self.stream.write_all(b"a").is_ok();
        let mut part = [0; 1024];
        let heard = loop {
            match self.stream.read(&mut part) {
                Ok(0) => break false,
                Ok(_) => {}
                Err(error) => break error.kind() == ErrorKind::WouldBlock,
            }
        };
        self.is_open = sent && heard;
    }
}

/// The answers in what a server sent.
fn statuses(answers: &str) -> Vec<&str> {
    answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect()
}

/// Sends a request and one right behind it: the first is refused, the
/// connection closed, and the second one is nobody's.
#[track_caller]
fn assert_refused(url: &str, request: &[u8]) {
    let mut bytes = request.to_vec();
    bytes.extend_from_slice(b"GET /healthz HTTP/1.1\r\nHost: smuggled\r\n\r\n");
    let answers = Wire::to(url).send(&bytes).read_all();
    let shown = String::from_utf8_lossy(&request[..request.len().min(300)]).into_owned();
    assert!(matches!(*statuses(&answers), ["400" | "413" | "431"]), "{answers}\nto\n{shown}");
    assert!(!answers.contains("\"ok\""), "{answers}\nto\n{shown}");
}

/// When each of them is closed is up to the virtual clock of `src/server/tests.rs`.
#[test]
fn a_thousand_slow_clients_are_all_closed_and_keep_nobody_waiting() {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let db = Database::sqlite();
    let mut server = Process::serve(&db);
    let url = server.client().base().to_owned();
    let mut kept = Asker::to(&url);
    let mut slow: Vec<_> = (0..SLOW_CLIENTS).map(|index| Slow::connect(&url, SLOW[index % SLOW.len()])).collect();
    let began = Instant::now();

    while slow.iter().any(|client| client.is_open) {
        assert!(began.elapsed() < GIVE_UP_AFTER, "some are still open");
        assert_eq!(Asker::to(&url).verify(UNKNOWN), "NOT_FOUND", "to a new connection");
        assert_eq!(kept.verify(UNKNOWN), "NOT_FOUND", "to a connection that is kept alive");
        slow.iter_mut().filter(|client| client.is_open).for_each(Slow::go_on);
        thread::sleep(Duration::from_millis(200));
    }
}

on_both_databases! {
    fn a_request_that_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_read(db: &Database) {
        let app = db.app();
        let post = "POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        let get = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
        for head in [
            format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
            format!("{post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}"),
            format!("{post}Content-Length: 2\r\nContent-Length: 0\r\n\r\n{{}}"),
            format!("{post}Content-Length: 2, 2\r\n\r\n{{}}"),
            format!("{post}Content-Length: +2\r\n\r\n{{}}"),
            format!("{post}Content-Length: -2\r\n\r\n{{}}"),
            format!("{post}Content-Length: 0x2\r\n\r\n{{}}"),
            format!("{post}Content-Length: 99999999999999999999999\r\n\r\n{{}}"),
            format!("{post}Content-Length : 2\r\n\r\n{{}}"),
            format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
            format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
            format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
            format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            format!("{post}Transfer-Encoding: chunked\r\n\r\nZ\r\n{{}}\r\n0\r\n\r\n"),
            format!("{post}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{{}}\r\n0\r\n\r\n"),
            format!("{get}X-API-Key: a\0b\r\n\r\n"),
            format!("{get}X-API-Key: a\rb\r\n\r\n"),
            format!("{get}X-API-Key: a\r\n b\r\n\r\n"),
            format!("{get} X-API-Key: a\r\n\r\n"),
            format!("{get}X-API\0Key: a\r\n\r\n"),
            format!("{get}X-API Key: a\r\n\r\n"),
            format!("{get}: a\r\n\r\n"),
            "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n".to_owned(),
            "GET /heal thz HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            "\0\r\n\r\n".to_owned(),
            "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}\r\n\r\n".to_owned(),
        ] {
            assert_refused(&app.url, head.as_bytes());
        }
        assert_refused(&app.url, &[get.as_bytes(), &b"X: ".repeat(10), &[b'a'; 100_000], b"\r\n\r\n"].concat());
        assert_refused(&app.url, format!("{get}{}\r\n", "X-Many: 1\r\n".repeat(1_000)).as_bytes());
        app.anonymous().get("/healthz").assert_ok();
    }

    fn a_head_or_body_beyond_all_bounds_is_not_read_to_its_end(db: &Database) {
        let app = db.app();
        let many = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-Many: 1234567890\r\n".repeat(10_000));
        let long = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(1_000_000));
        let target = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1_000_000));

        for request in [many, long, target] {
            let answers = Wire::to(&app.url).send(request.as_bytes()).read_all();
            // An answer may be lost with the connection that the client still writes to.
            assert!(matches!(*statuses(&answers), [] | ["400" | "431"]), "{answers}");
        }
        for path in ["/v1/keys/verify", "/login", "/healthz", "/nowhere", "/v1/auth?service=sms"] {
            let body = vec![b'a'; 1_000_000];
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nOrigin: {}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n", app.url, body.len()
            );
            let answers = Wire::to(&app.url).send(head.as_bytes()).send(&body).read_all();
            assert!(matches!(*statuses(&answers), [] | ["401" | "404" | "405" | "413"]), "{path}: {answers}");
        }
        app.anonymous().get("/healthz").assert_ok();
    }

    fn packed_bodies_are_not_unpacked(db: &Database) {
        let app = db.app();
        let nobody = app.anonymous();

        for encoding in ["gzip", "deflate", "br", "identity"] {
            for path in ["/v1/keys/verify", "/login", "/nowhere"] {
                let kind = Some(("application/json", &br#"{"key":""}"#[..]));
                nobody.with("content-encoding", encoding).send("POST", path, kind)
                    .assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
            }
        }
        nobody.post_json("/v1/keys/verify", r#"{"key":""}"#).assert_ok();
    }

    fn the_header_of_a_packed_body_closes_no_door_that_reads_no_body(db: &Database) {
        let app = db.app();
        let (operator, key) = (app.signed_in(), app.make_key("Project X"));
        let off = operator.create_key("Off");
        operator.switch(&off, "disabled");
        let packed = |key: &Key| app.anonymous().with("x-api-key", &key.secret).with("content-encoding", "gzip");

        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            packed(&key).send(method, "/v1/auth?service=sms", None).assert_ok().assert_header("x-auth-code", "VALID");
            packed(&off).send(method, "/v1/auth?service=sms", None).assert_status(401);
        }
        for path in ["/v1/balance", "/v1/sms/messages", "/healthz"] {
            packed(&key).get(path).assert_ok();
        }
        for path in ["/v1/keys/verify", "/v1/sms/messages", "/v1/sms/messages/estimate"] {
            packed(&key).post_json(path, "{}").assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
        }
    }

    fn the_packed_body_of_a_get_is_not_unpacked(db: &Database) {
        let app = db.app();
        let get = "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nConnection: close\r\n\
                   Content-Length: 7\r\n\r\nno gzip";

        assert!(Wire::to(&app.url).send(get.as_bytes()).read_head().starts_with("HTTP/1.1 200 "));
    }

    fn json_that_is_out_of_bounds_is_refused_and_harms_nothing(db: &Database) {
        let app = db.app();
        let deep = format!("{{\"key\":{}", "[".repeat(4_000));

        for body in [
            deep.as_bytes(),
            &b"[".repeat(10_000),
            br#"{"key":"a","key":"a"}"#,
            br#"{"key":1e400}"#,
            br#"{"key":"\ud800"}"#,
            b"{\"key\":\"\xff\xfe\"}",
            // One byte order mark is passed over (RFC 8259 §8.1), not two.
            b"\xef\xbb\xbf\xef\xbb\xbf{\"key\":\"a\"}",
            br#"{"key":"a"} {"key":"b"}"#,
            br#"{"key":"a","credits":999}"#,
            br#"{"key":null}"#,
            b"\0",
        ] {
            let answer = app.anonymous().post_json("/v1/keys/verify", body);
            assert!(matches!(answer.status, 400 | 413), "{}: {}", answer.status, answer.body);
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }

    fn behind_the_last_request_of_a_connection_nothing_is_answered(db: &Database) {
        let app = db.app();
        let more = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3);

        for (last, status) in [
            ("GET /v1/auth?service=sms HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "401"),
            ("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200"),
            ("GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200"),
            ("GET /healthz HTTP/1.0\r\n\r\n", "200"),
            // A body that nobody wanted.
            ("POST /v1/auth?service=sms HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "401"),
            ("PUT /v1/keys/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "405"),
            // An upgrade that there is none of.
            ("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", "200"),
        ] {
            let answers = Wire::to(&app.url).send(format!("{last}{more}").as_bytes()).read_all();
            assert_eq!((answers.matches("HTTP/1.").count(), &answers[9..12]), (1, status), "{last}{answers}");
            // HTTP/1.0 ends a connection without a word.
            let says_so = answers.to_lowercase().contains("connection: close");
            assert!(says_so || answers.starts_with("HTTP/1.0"), "{last}{answers}");
        }
    }

    fn requests_in_one_breath_are_answered_one_after_the_other(db: &Database) {
        let app = db.app();
        let all = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\
                   GET /v1/auth?service=sms HTTP/1.1\r\nHost: x\r\n\r\n\
                   POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n\
                   {\"key\":\"x\"}\
                   GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

        assert_eq!(statuses(&Wire::to(&app.url).send(all.as_bytes()).read_all()), ["200", "401", "200", "404"]);
    }
}

#[test]
fn a_wish_for_another_protocol_is_ignored_and_answered() {
    let db = Database::sqlite();
    let app = db.app();
    let key = app.make_key("Project X").secret;

    for path in ["/healthz", "/login", "/v1/auth?service=sms", "/static/nothing.css"] {
        for protocol in ["websocket", "h2c"] {
            let head = format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key}\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            let head = Wire::to(&app.url).send(head.as_bytes()).read_head();
            let status = if path.starts_with("/static") { "HTTP/1.1 404" } else { "HTTP/1.1 200" };
            assert!(head.starts_with(status), "{path} {protocol}: {head}");
        }
    }
}
