//! Headers that responses have, whatever they are.

use crate::support::{Answer, App, Client, Wire, on_both_databases};

/// One response of each kind, by what it is.
fn one_of_each(app: &App) -> Vec<(&'static str, Answer)> {
    let (client, nobody) = (app.signed_in(), app.anonymous());
    let style = nobody.get("/login").page().attr("link[rel=stylesheet]", "href");
    vec![
        ("page", client.get("/api-keys").assert_ok()),
        ("part that asks by itself", client.htmx("div#messages").get("/messages").assert_ok()),
        ("wrong filter", client.get("/messages?from=x").assert_status(422)),
        ("login page", nobody.get("/login").assert_ok()),
        ("part of a page", client.htmx("a").get("/api-keys/new").assert_ok()),
        ("redirect", nobody.get("/api-keys").assert_status(303)),
        ("refused login", nobody.post("/login", &[("email", "a@b"), ("password", "x")]).assert_status(401)),
        ("cross-site", client.with("sec-fetch-site", "cross-site").post("/logout", &[]).assert_status(403)),
        ("unknown address", nobody.get("/nothing").assert_status(404)),
        ("unknown file", nobody.get("/static/nothing.css").assert_status(404)),
        ("wrong method", nobody.send("DELETE", "/login", None).assert_status(405)),
        ("long form", client.post("/settings/name", &[("name", &"x".repeat(40_000))]).assert_status(413)),
        ("form without its fields", client.post("/settings/name", &[]).assert_status(400)),
        ("style sheet", nobody.get(&style).assert_ok()),
        ("icon", nobody.get("/favicon.ico").assert_status(301)),
        ("health", nobody.get("/healthz").assert_ok()),
        ("unknown address of the API", nobody.get("/v1/nothing").assert_problem(404, "NOT_FOUND")),
    ]
}

/// Answers for programs, which have the headers that mean something to them.
fn one_of_each_of_the_gate(app: &App) -> Vec<(&'static str, Answer)> {
    let nobody = app.anonymous();
    let caller = nobody.with("x-api-key", &app.make_key("Project X").secret);
    vec![
        ("permission", caller.get("/v1/auth?service=sms").assert_ok()),
        ("verdict", nobody.post_json("/v1/keys/verify", r#"{"key":"x"}"#).assert_ok()),
        ("problem", nobody.post_json("/v1/keys/verify", "{").assert_problem(400, "BAD_REQUEST")),
        ("wrong method", nobody.get("/v1/keys/verify").assert_problem(405, "METHOD_NOT_ALLOWED")),
        ("denial", nobody.get("/v1/auth?service=sms").assert_status(401)),
        ("door without a service", nobody.get("/v1/auth").assert_problem(400, "BAD_REQUEST")),
    ]
}

on_both_databases! {
    fn the_opener_policy_is_sent_where_browsers_heed_it(db: &Database) {
        let app = db.app();
        let policy = |host: &str| {
            let answer = app.anonymous().with("host", host).get("/login").assert_ok();
            answer.header("cross-origin-opener-policy").to_owned()
        };

        assert_eq!(policy("keyfob.lan:8080"), "");
        assert_eq!(policy("localhost:8080"), "same-origin");
        let app = App::start_behind(db, "https://keys.example.com");
        let answer = app.anonymous().with("host", "keys.example.com").get("/login").assert_ok();
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
    }

    fn a_host_that_anybody_may_name_is_no_address_of_this_installation(db: &Database) {
        let shown = |app: &App| {
            let client = app.signed_in().with("x-forwarded-host", "evil.example").with("x-forwarded-proto", "https");
            client.with("host", "keyfob.lan:8080").get("/connect").assert_ok().body
        };

        let (direct, proxied) = (shown(&db.app()), shown(&App::start_trusting(db)));

        assert!(direct.contains("http://keyfob.lan:8080") && !direct.contains("evil.example"), "{direct}");
        assert!(proxied.contains("https://evil.example"), "a trusted proxy is not believed: {proxied}");
    }

    fn every_response_has_the_security_headers(db: &Database) {
        for (what, answer) in one_of_each(&db.app()) {
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "same-origin"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                assert_eq!(answer.header(name), value, "{name} of a {what}");
            }
            assert!(answer.header("x-request-id").starts_with("req_"), "a {what}");
            assert_eq!(answer.header("strict-transport-security"), "", "a {what} over plain http");
            assert_eq!(answer.header("server"), "", "a {what}");
        }
    }

    fn every_answer_of_the_gate_has_the_headers_that_mean_something_to_programs(db: &Database) {
        for (what, answer) in one_of_each_of_the_gate(&db.app()) {
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("cache-control", "no-store"),
                ("referrer-policy", "no-referrer"),
                ("strict-transport-security", ""),
            ] {
                assert_eq!(answer.header(name), value, "{name} of a {what}");
            }
            let policy = if answer.body.is_empty() { "" } else { "default-src 'none'; frame-ancestors 'none'" };
            assert_eq!(answer.header("content-security-policy"), policy, "of a {what}");
            assert_eq!(
                answer.header("x-request-id").starts_with("req_"),
                answer.status >= 400 && what != "denial",
                "a {what}"
            );
        }
        for (what, answer) in one_of_each_of_the_gate(&App::start_behind(db, "https://keys.example.com")) {
            assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "a {what}");
        }
    }

    fn a_question_about_the_whole_server_is_answered_like_any_other(db: &Database) {
        let app = db.app();

        for method in ["GET", "OPTIONS", "POST"] {
            let request = format!("{method} * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = Wire::to(&app.url).send(request.as_bytes()).read_all().to_lowercase();
            assert!(answer.starts_with("http/1.1 404 "), "{answer}");
            for line in ["x-content-type-options: nosniff\r\n", "content-type: application/problem+json\r\n"] {
                assert!(answer.contains(line), "{line} is not in {answer}");
            }
        }
    }

    fn no_page_may_load_or_run_anything_from_elsewhere(db: &Database) {
        for (what, answer) in one_of_each(&db.app()) {
            let policy = answer.header("content-security-policy");
            for directive in [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "object-src 'none'",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            ] {
                assert!(policy.split("; ").any(|part| part == directive), "{directive} of a {what}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "a {what}: {policy}");
        }
    }

    fn every_body_says_what_it_is(db: &Database) {
        for (what, answer) in one_of_each(&db.app()) {
            let expected = match answer.body.chars().next() {
                None => continue,
                Some('{') if answer.status == 200 => "application/json",
                Some('{') => "application/problem+json",
                Some('@') => "text/css; charset=utf-8",
                Some(_) => "text/html; charset=utf-8",
            };
            assert_eq!(answer.header("content-type"), expected, "a {what}");
        }
    }

    fn nothing_is_kept_by_a_cache_but_the_files_whose_address_changes_with_them(db: &Database) {
        for (what, answer) in one_of_each(&db.app()) {
            let expected = if what == "style sheet" { "public, max-age=31536000, immutable" } else { "no-store" };
            assert_eq!(answer.header("cache-control"), expected, "a {what}");
        }
    }

    fn behind_https_browsers_are_told_to_stay_there(db: &Database) {
        for (what, answer) in one_of_each(&App::start_behind(db, "https://keys.example.com")) {
            assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "a {what}");
        }
    }

    fn below_a_path_the_rest_of_the_host_is_not_bound_to_https(db: &Database) {
        let app = App::start_behind(db, "https://example.com/keyfob");
        for client in [app.anonymous(), Client::new(&app.url)] {
            for path in ["/login", "/nothing", "/healthz", "/v1/auth?service=sms", "/v1/nothing"] {
                let answer = client.get(path);
                assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
                assert_eq!(answer.header("strict-transport-security"), "", "{path}");
            }
        }
    }

    fn a_public_address_without_tls_promises_none(db: &Database) {
        let app = App::start_behind(db, "http://keys.example.com");

        assert_eq!(app.anonymous().get("/login").header("strict-transport-security"), "");
    }

    fn a_method_that_an_address_does_not_take_is_told(db: &Database) {
        let app = db.app();

        for method in ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "BREW"] {
            for path in ["/login", "/settings", "/api-keys", "/v1/keys/verify"] {
                app.anonymous().send(method, path, None).assert_status(405);
            }
        }
    }

    fn an_error_page_names_the_request_and_no_cause(db: &Database) {
        let answer = db.app().anonymous().get("/nothing").assert_status(404);

        let page = answer.page();
        assert_eq!(page.text("h1"), "Not found");
        assert_eq!(page.text(".error-page__id code"), answer.header("x-request-id"));
    }

    fn a_request_that_is_no_http_is_refused(db: &Database) {
        let app = db.app();

        for nonsense in [
            "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nX-Nul: a\0b\r\n\r\n",
            "hello\r\n\r\n",
        ] {
            let answer = Wire::to(&app.url).send(nonsense.as_bytes()).read_all();
            assert!(answer.starts_with("HTTP/1.1 400"), "{nonsense:?}: {answer}");
        }
        app.anonymous().get("/healthz").assert_ok();
    }
}
