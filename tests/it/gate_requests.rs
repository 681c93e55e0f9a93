//! The gate's requests as bytes: every way to write one has one answer, and what
//! follows it on the connection is read from the right place.

use crate::support::{Wire, on_both_databases};

const LAST: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

fn auth(query: &str, headers: &str) -> String {
    format!("GET /v1/auth{query} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
}

fn verify(headers: &str, body: &str) -> String {
    format!("POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// Requests of a proxy with a live key of the service `sms`, and the status of their answers.
fn auth_requests(key: &str) -> Vec<(&'static str, String)> {
    let header = format!("X-API-Key: {key}\r\n");
    vec![
        ("200", auth("?service=sms", &header)),
        ("403", auth("?service=sms&mode=test", &header)),
        ("200", auth("?mode=any&service=sms&", &header)),
        ("400", auth("?mode=any&service=sms&x=y", &header)),
        ("200", auth("/sms/", &header)),
        ("200", auth("/sms", &header)),
        ("403", auth("/sms;mode=test/", &header)),
        ("403", auth("/sms;mode=test/sms;mode=any/?mode=any", &header)),
        ("401", auth("/mail/sms?service=sms", &header)),
        ("400", auth("//sms/", &header)),
        ("400", auth("/sms;mode=none/", &header)),
        ("404", auth("/", &header)),
        ("404", auth("/sms/", &header).replace("/v1/auth", "/v1/%61uth")),
        ("431", auth("/sms/", &format!("{header}X-Long: {}\r\n", "x".repeat(33_000)))),
        (
            "200",
            auth("/sms/%0a/%ff/../;mode=any/\\", &format!("{header}Content-Encoding: gzip\r\n")).replace("GET", "POST"),
        ),
        ("401", auth("?service=mail", &header)),
        ("401", auth("?service=sms", "")),
        ("200", auth("?service=sms", &format!("Authorization: beAREr {key}\r\n"))),
        ("401", auth("?service=sms", "Authorization: Basic YTpi\r\n")),
        ("401", auth("?service=sms", &header.repeat(2))),
        ("200", auth("?service=sms", &format!("{header}Content-Length: 0\r\n"))),
        ("200", auth("?service=sms", &format!("{header}Content-Encoding: gzip\r\nUser-Agent: \u{e9}\r\n"))),
        (
            "200",
            auth(
                "?service=sms",
                &format!("x-api-KEY:  {key} \t\r\nConnection: Keep-Alive\r\nX-Forwarded-For: 1.2.3.4\r\n"),
            ),
        ),
        ("200", auth("?service=sms", &format!("{header}{}", "X-Many: 1\r\n".repeat(90)))),
        ("400", auth("", &header)),
        ("400", auth("?", &header)),
        ("400", auth("?service=", &header)),
        ("400", auth("?service=sms&service=sms", &header)),
        ("400", auth("?service=sms&mode=none", &header)),
        ("401", auth("?service=%73ms", &header)),
        ("200", auth("?service=sms#", &header)),
        ("200", auth("?service=sms", &format!("{header}Connection: close\r\n"))),
        ("200", auth("?service=sms", &format!("{header}Connection: upgrade\r\n"))),
        ("200", auth("?service=sms", &format!("{header}Connection: keep-alive, close\r\n"))),
        ("400", auth("?service=sms", &format!("{header}Host: y\r\n"))),
        ("431", auth("?service=sms", &format!("{header}{}", "X-Many: 1\r\n".repeat(96)))),
        ("200", auth("?service=sms", &header).replace("HTTP/1.1", "HTTP/1.0")),
        ("400", auth("?service=sms", &header).replace("Host: x\r\n", "")),
        ("200", auth("?service=sms", &header).replace("GET", "HEAD")),
        ("200", auth("?service=sms", &header).replace("GET", "PUT")),
        ("404", auth("?service=sms", &header).replace("/v1/auth", "/v1/author")),
        ("404", auth("?service=sms", &header).replace("/v1/auth", "/v1/%61uth")),
    ]
}

/// The same of a service.
fn verify_requests(key: &str) -> Vec<(&'static str, String)> {
    vec![
        ("200", verify(JSON, &format!("{{\"key\":\"{key}\"}}"))),
        ("200", verify(JSON, &format!("{{\"key\":\" {key}\\n\",\"service\":\"sms\",\"client_ip\":\"1.2.3.4\"}}"))),
        (
            "200",
            verify(
                "content-type: APPLICATION/json ; charset=utf-8\r\n",
                &format!("{{\"service\":\"mail\",\"key\":\"{key}\"}}"),
            ),
        ),
        ("400", verify(JSON, "{")),
        ("400", verify(JSON, "")),
        ("400", verify(JSON, &format!("[\"{key}\"]"))),
        ("400", verify(JSON, &format!("{{\"key\":\"{key}\",\"services\":\"sms\"}}"))),
        ("400", verify(JSON, &format!("{{\"key\":\"{key}\",\"key\":\"{key}\"}}"))),
        ("400", verify(JSON, &format!("{{\"key\":\"{key}\",\"client_ip\":\"here\"}}"))),
        ("200", verify(JSON, &format!("{{\"key\":\"{}\"}}", "x".repeat(10_000)))),
        ("413", verify(JSON, &format!("{{\"key\":\"{}\"}}", "x".repeat(41_000)))),
        ("200", verify(JSON, &format!("\u{feff}{{\"key\":\"{key}\"}}"))),
        ("400", verify(JSON, &format!("\u{feff}\u{feff}{{\"key\":\"{key}\"}}"))),
        ("400", verify(JSON, "\u{feff}")),
        ("415", verify("", &format!("{{\"key\":\"{key}\"}}"))),
        ("415", verify("Content-Type: text/json\r\n", &format!("{{\"key\":\"{key}\"}}"))),
        ("415", verify(&format!("{JSON}Content-Encoding: identity\r\n"), &format!("{{\"key\":\"{key}\"}}"))),
        ("200", verify(&format!("{JSON}Connection: close\r\n"), &format!("{{\"key\":\"{key}\"}}"))),
        ("200", verify(JSON, &format!("{{\"key\":\"{key}\"}}")).replace("/verify", "/verify?service=mail")),
        ("405", verify(JSON, &format!("{{\"key\":\"{key}\"}}")).replace("POST", "PUT")),
        (
            "400",
            format!(
                "POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
            ),
        ),
    ]
}

on_both_databases! {
    fn every_request_for_the_gate_has_one_answer_and_what_follows_is_read_behind_it(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");

        let wrong: Vec<String> = auth_requests(&key.secret)
            .into_iter()
            .chain(verify_requests(&key.secret))
            .filter_map(|(status, request)| {
                let mut wire = Wire::to(&app.url);
                let head = wire.send(request.as_bytes()).read_answer().0;
                let rest = wire.send(LAST.as_bytes()).read_all();
                let is_framed = rest.is_empty() || rest.starts_with("HTTP/1.1 200 OK");
                let is_right = head.split(' ').nth(1) == Some(status)
                    && is_framed
                    && rest.matches("HTTP/1.1 ").count() <= 1;
                (!is_right).then(|| format!("expected {status}: {request}\n{head}\n{rest}"))
            })
            .collect();

        assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
    }

    fn a_question_of_a_proxy_is_answered_although_the_body_stayed_with_the_proxy(db: &Database) {
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
