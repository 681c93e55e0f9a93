//! Every address takes the methods that it is for, and no other (ASVS 13.4.4).

use crate::support::{on_both_databases, routes};

const OTHERS: [&str; 9] = ["TRACE", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "PROPFIND", "BREW", "TRACK"];

on_both_databases! {
    fn a_method_that_a_route_is_not_for_is_refused_on_every_route(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let before = db.rows();

        for route in routes() {
            let path = route.path(&key.id);
            for method in OTHERS.into_iter().chain(["GET", "POST"]).filter(|method| !route.takes(method)) {
                let answer = client.with("x-secret", "a secret header").send(method, &path, None);
                assert!([404, 405].contains(&answer.status), "{method} {path}: {}", answer.status);
                assert!(!answer.body.contains("a secret header"), "{method} {path} sends back what it was sent");
            }
        }

        assert_eq!(db.rows(), before);
    }

    fn a_door_takes_every_method_but_trace(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");
        let caller = app.anonymous().with("x-api-key", &key.secret);

        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            caller.send(method, "/v1/auth?service=sms", None).assert_ok();
        }
        caller
            .send("TRACE", "/v1/auth?service=sms", None)
            .assert_problem(405, "METHOD_NOT_ALLOWED")
            .assert_header("x-auth-code", "METHOD_NOT_ALLOWED");
    }

    fn a_head_is_answered_as_a_get_without_its_body(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for route in routes().into_iter().filter(|route| route.takes_get) {
            let path = route.path(&key.id);
            for client in [&client, &client.htmx("a"), &client.stranger()] {
                let (get, head) = (client.send("GET", &path, None), client.send("HEAD", &path, None));
                assert_eq!((head.status, head.location()), (get.status, get.location()), "{path}");
                assert_eq!(head.body, "", "{path}");
                for name in ["content-type", "cache-control", "etag", "vary", "allow"] {
                    assert_eq!(head.header(name), get.header(name), "{name} of {path}");
                }
            }
        }
    }

    fn a_head_takes_no_message_away_and_starts_no_session(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        client.post(&format!("/api-keys/{}/status", key.id), &[("status", "disabled")]).assert_status(303);
        let before = db.rows();

        let heads = [client.send("HEAD", "/api-keys", None), app.anonymous().send("HEAD", "/login", None)];

        heads.iter().for_each(|head| assert_eq!((head.status, head.header("set-cookie")), (200, "")));
        assert_eq!(db.rows(), before);
        assert_eq!(client.get("/api-keys").page().toasts().len(), 1);
        assert_eq!(client.get("/api-keys").page().toasts().len(), 0);
    }
}
