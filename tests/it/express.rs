//! The gate's plain questions are answered before the HTTP library has them,
//! and nobody can tell by the answer.

use std::collections::BTreeSet;

use crate::support::{App, Key, Wire, on_both_databases};

/// After this a connection is the library's.
const OTHER: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const LAST: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// An answer without what differs from one to the next.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: String,
    headers: BTreeSet<String>,
    body: String,
    /// The next request of the same connection was answered.
    is_kept: bool,
}

/// The answer to a request, behind another one if that is asked for; and whether
/// the library has written it, which puts the length of the body first.
fn ask(app: &App, before: &str, request: &str) -> (Told, bool) {
    let mut wire = Wire::to(&app.url);
    if !before.is_empty() {
        wire.send(before.as_bytes()).read_answer();
    }
    let (head, body) = wire.send(request.as_bytes()).read_answer();
    let is_librarys = head.lines().nth(1).is_some_and(|line| line.starts_with("content-length: "));
    let mut lines = head.lines().map(str::to_lowercase).filter(|line| !line.is_empty());
    let status = lines.next().unwrap_or_default();
    // The library says that it closes a connection after some errors, and not after others.
    let differs =
        |line: &String| ["date: ", "x-request-id: ", "connection: "].iter().any(|name| line.starts_with(name));
    let headers = lines.filter(|line| !differs(line)).collect();
    let body = body.split("\"request_id\"").next().unwrap_or_default().to_owned();
    let is_kept = wire.send(LAST.as_bytes()).read_all().contains("200 OK");
    (Told { status, headers, body, is_kept }, is_librarys)
}

fn auth(query: &str, headers: &str) -> String {
    format!("GET /v1/auth{query} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
}

fn verify(headers: &str, body: &str) -> String {
    format!("POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

const JSON: &str = "Content-Type: application/json\r\n";

/// Questions about a key that are answered at once.
fn plain_questions(key: &str) -> Vec<String> {
    let header = format!("X-API-Key: {key}\r\n");
    vec![
        auth("?service=sms", &header),
        auth("?service=sms&mode=test", &header),
        auth("?mode=any&service=sms&x=y", &header),
        auth("?service=mail", &header),
        auth("?service=sms", ""),
        auth("?service=sms", &format!("Authorization: beAREr {key}\r\n")),
        auth("?service=sms", "Authorization: Basic YTpi\r\n"),
        auth("?service=sms", &header.repeat(2)),
        auth("?service=sms", &format!("{header}Content-Length: 0\r\n")),
        auth("?service=sms", &format!("{header}Content-Encoding: gzip\r\nUser-Agent: \u{e9}\r\n")),
        auth(
            "?service=sms",
            &format!("x-api-KEY:  {key} \t\r\nConnection: Keep-Alive\r\nX-Forwarded-For: 1.2.3.4\r\n"),
        ),
        auth("?service=sms", &format!("{header}{}", "X-Many: 1\r\n".repeat(90))),
        verify(JSON, &format!("{{\"key\":\"{key}\"}}")),
        verify(JSON, &format!("{{\"key\":\" {key}\\n\",\"service\":\"sms\",\"client_ip\":\"1.2.3.4\"}}")),
        verify(
            "content-type: APPLICATION/json ; charset=utf-8\r\n",
            &format!("{{\"service\":\"mail\",\"key\":\"{key}\"}}"),
        ),
    ]
}

/// Questions about a key that are the library's, each for a reason of its own.
fn odd_questions(key: &str) -> Vec<String> {
    let header = format!("X-API-Key: {key}\r\n");
    vec![
        auth("", &header),
        auth("?", &header),
        auth("?service=", &header),
        auth("?service=sms&service=sms", &header),
        auth("?service=sms&mode=none", &header),
        auth("?service=%73ms", &header),
        auth("?service=sms#", &header),
        auth("?service=sms", &format!("{header}Connection: close\r\n")),
        auth("?service=sms", &format!("{header}Connection: upgrade\r\n")),
        auth("?service=sms", &format!("{header}Connection: keep-alive, close\r\n")),
        auth("?service=sms", &format!("{header}Host: y\r\n")),
        auth("?service=sms", &format!("{header}{}", "X-Many: 1\r\n".repeat(96))),
        auth("?service=sms", &header).replace("HTTP/1.1", "HTTP/1.0"),
        auth("?service=sms", &header).replace("Host: x\r\n", ""),
        auth("?service=sms", &header).replace("GET", "HEAD"),
        auth("?service=sms", &header).replace("GET", "PUT"),
        auth("?service=sms", &header).replace("/v1/auth", "/v1/author"),
        auth("?service=sms", &header).replace("/v1/auth", "/v1/%61uth"),
        verify(JSON, "{"),
        verify(JSON, ""),
        verify(JSON, &format!("[\"{key}\"]")),
        verify(JSON, &format!("{{\"key\":\"{key}\",\"services\":\"sms\"}}")),
        verify(JSON, &format!("{{\"key\":\"{key}\",\"key\":\"{key}\"}}")),
        verify(JSON, &format!("{{\"key\":\"{key}\",\"client_ip\":\"here\"}}")),
        verify(JSON, &format!("{{\"key\":\"{}\"}}", "x".repeat(5_000))),
        verify("", &format!("{{\"key\":\"{key}\"}}")),
        verify("Content-Type: text/json\r\n", &format!("{{\"key\":\"{key}\"}}")),
        verify(&format!("{JSON}Content-Encoding: identity\r\n"), &format!("{{\"key\":\"{key}\"}}")),
        verify(&format!("{JSON}Connection: close\r\n"), &format!("{{\"key\":\"{key}\"}}")),
        verify(JSON, &format!("{{\"key\":\"{key}\"}}")).replace("/verify", "/verify?service=mail"),
        verify(JSON, &format!("{{\"key\":\"{key}\"}}")).replace("POST", "PUT"),
        format!(
            "POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
        ),
    ]
}

/// Keys that differ in what is said of them.
fn keys(app: &App) -> Vec<String> {
    let operator = app.signed_in();
    let names = ["Žluťoučký \"kůň\" & co.", "Off", "Project X"];
    let made: Vec<Key> = names.iter().map(|name| operator.create_key(name)).collect();
    operator.switch(&made[1], "disabled");
    let secrets = made.into_iter().map(|key| key.secret);
    secrets.chain(["sms_live_typo".to_owned(), "\u{e9}".to_owned(), String::new()]).collect()
}

/// The answer on the short way, where the question is one for it: a key is
/// looked up the first time, and when memory was told of a change.
fn ask_shortly(app: &App, question: &str) -> (Told, bool) {
    let (told, is_librarys) = ask(app, "", question);
    if is_librarys { ask(app, "", question) } else { (told, is_librarys) }
}

on_both_databases! {
    fn a_question_has_one_answer_whichever_way_it_takes(db: &Database) {
        let app = db.app();

        for key in keys(&app) {
            for (questions, is_plain) in [(plain_questions(&key), true), (odd_questions(&key), false)] {
                for question in questions {
                    let ((long, _), (short, is_librarys)) = (ask(&app, OTHER, &question), ask_shortly(&app, &question));
                    assert_eq!(short, long, "{question}");
                    assert_eq!(is_librarys, !is_plain, "{question}\n{short:?}");
                }
            }
        }
    }

    fn a_key_that_has_to_be_looked_up_goes_the_long_way_and_its_connection_comes_back(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let question = auth("?service=sms", &format!("X-API-Key: {}\r\n", key.secret));
        let mut wire = Wire::to(&app.url);
        let mut is_librarys = || {
            let head = wire.send(question.as_bytes()).read_answer().0;
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
            head.starts_with("HTTP/1.1 200 OK\r\ncontent-length: ")
        };

        assert!(is_librarys());
        assert!((0..100).any(|_| !is_librarys()));
    }

    fn a_proxys_question_is_answered_though_the_body_that_it_speaks_of_stayed_with_the_proxy(db: &Database) {
        let app = db.app();
        let question = auth("?service=sms", "Content-Length: 100\r\n");

        let head = Wire::to(&app.url).send(question.as_bytes()).read_answer().0;

        assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    }

    fn a_question_may_come_in_pieces(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let question = verify("Content-Type: application/json\r\n", &format!("{{\"key\":\"{}\"}}", key.secret));
        let mut wire = Wire::to(&app.url);

        for cut in (1..question.len()).step_by(7) {
            let (one, other) = question.as_bytes().split_at(cut);
            // Most often read before the other one is sent.
            let (head, body) = wire.send(one).send(other).read_answer();
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && body.contains("\"VALID\""), "{head}{body}");
        }
    }
}
