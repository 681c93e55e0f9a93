//! `X-Request-Id` and `traceparent`: a client finds its request in the log.

use serde_json::json;

use crate::support::{Database, EMAIL, MESSAGES, PASSWORD, PHONE, Process, keyfob, on_both_databases, run};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0b1902b7-01";

on_both_databases! {
    fn an_answer_of_the_api_has_the_id_that_was_sent_or_a_new_one(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let client = app.anonymous().with("x-api-key", &key.secret);
        let body = json!({"to": PHONE, "text": "Hello"}).to_string();

        for given in ["order-42", "7d1f0a3c-8f8e-4f36-9d55-0b7f7a6f0c11", "Root=1-67891233:a/b+c=@_.", &"x".repeat(128)] {
            let client = client.with("x-request-id", given);
            client.post_json(MESSAGES, &body).assert_status(202).assert_header("x-request-id", given);
            for (path, status) in [("/v1/balance", 200), (MESSAGES, 200), ("/v1/sms/messages/x", 404), ("/v1/sms/messages?x", 400)] {
                let answer = client.get(path).assert_status(status).assert_header("x-request-id", given);
                assert!(status == 200 || answer.json()["request_id"] == given, "{}", answer.body);
            }
            client.send("DELETE", "/v1/balance", None).assert_status(405).assert_header("x-request-id", given);
        }
        for unfit in ["", "a b", "<b>", "é", "a\"b", &"x".repeat(129)] {
            let answer = client.with("x-request-id", unfit).get("/v1/balance").assert_ok();
            assert!(answer.header("x-request-id").starts_with("req_"), "{unfit:?}");
        }
        let (one, other) = (client.get("/v1/balance"), client.get("/v1/balance"));
        assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
    }

    fn the_gate_gives_no_ids_but_in_errors(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let client = app.anonymous().with("x-request-id", "order-42").with("x-api-key", &key.secret);

        let verdict = client.post_json("/v1/keys/verify", json!({"key": key.secret}).to_string()).assert_ok();
        assert_eq!(verdict.header("x-request-id"), "");
        assert_eq!(client.get("/v1/auth?service=sms").assert_ok().header("x-request-id"), "");
        assert!(client.get("/v1/auth").assert_status(400).header("x-request-id").starts_with("req_"));
    }
}

#[test]
fn the_log_names_a_request_by_its_id_and_its_trace() {
    let db = Database::sqlite();
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
    let mut command = keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url()]);
    let mut process = Process::spawn(command.env("KEYFOB_LOG", "debug"));
    let client = process.client();

    client.with("x-request-id", "order-42").with("traceparent", TRACEPARENT).get("/v1/balance").assert_status(401);
    client.with("x-request-id", "order-43").with("traceparent", "00-FORGED").get("/v1/balance").assert_status(401);
    process.signal("TERM");
    let log = process.end().stderr;

    let line =
        |id: &str| log.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("no {id} in {log}")).to_owned();
    assert!(line("order-42").contains(TRACEPARENT) && line("order-42").contains("/v1/balance"), "{log}");
    assert!(!line("order-43").contains("traceparent") && !log.contains("FORGED"), "{log}");
}
