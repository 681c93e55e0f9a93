//! `/v1/auth`: how a key is presented, and what a proxy is told.

use actix_web::http::header::HeaderName;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyfob::clock::Clock;
use keyfob::config::Config;

use crate::support::{App, Key, Wire, on_both_databases};

/// Well-formed, and nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";
const IDENTITY: [&str; 5] = ["x-key-id", "x-key-name", "x-key-mode", "x-key-service", "x-account-id"];

/// What `/v1/auth` says to these header lines, sent as they are.
fn head(app: &App, lines: &str) -> String {
    head_of(app, "/v1/auth?service=sms", lines)
}

fn head_of(app: &App, target: &str, lines: &str) -> String {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
    Wire::to(&app.url).send(request.as_bytes()).read_head().to_lowercase()
}

fn code(head: &str) -> &str {
    head.lines().find_map(|line| line.strip_prefix("x-auth-code: ")).unwrap_or_default()
}

#[track_caller]
fn assert_denied(head: &str, status: u16, code: &str, challenge: Option<&str>) {
    assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
    assert_eq!(self::code(head), code, "{head}");
    let told = head.lines().find_map(|line| line.strip_prefix("www-authenticate: "));
    assert_eq!(told, challenge, "{head}");
    assert!(IDENTITY.iter().all(|name| !head.contains(name)), "{head}");
}

const NO_KEY: Option<&str> = Some("bearer realm=\"keyfob\"");
const WRONG_KEY: Option<&str> = Some("bearer realm=\"keyfob\", error=\"invalid_token\"");

on_both_databases! {
    fn a_key_may_come_in_either_header_with_space_around_it_and_the_scheme_in_any_case(db: &Database) {
        let app = db.app();
        let Key { secret, .. } = app.make_key("Project X");

        for lines in [
            format!("X-API-Key: {secret}\r\n"),
            format!("x-api-key:{secret}\r\n"),
            format!("X-API-KEY: \t {secret} \t \r\n"),
            format!("Authorization: Bearer {secret}\r\n"),
            format!("Authorization: bEARER \t {secret}  \r\n"),
            format!("Authorization: ApiKey {secret}\r\n"),
            format!("Authorization: Token {secret}\r\n"),
            format!("Authorization: basic {}\r\n", STANDARD.encode(format!("ada:{secret}"))),
            format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{secret}:"))),
            format!("X-API-Key: {secret}\r\nAuthorization: Bearer {UNKNOWN}\r\n"),
            format!("X-API-Key: {secret}\r\nAuthorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\n"),
        ] {
            let head = head(&app, &lines);
            assert!(head.starts_with("http/1.1 200 "), "{lines}{head}");
            assert_eq!(code(&head), "valid");
        }
    }

    fn one_more_header_is_read_where_the_operator_names_it(db: &Database) {
        let set = |config: &mut Config| config.key_header = Some(HeaderName::from_static("x-auth-token"));
        let app = App::start_set(db, set, Clock::System).with_operator();
        let Key { secret, .. } = app.make_key("Project X");

        assert!(head(&app, &format!("X-Auth-Token: {secret}\r\n")).starts_with("http/1.1 200 "));
        let balance = |name: &'static str| app.anonymous().with(name, &secret).get("/v1/balance");
        balance("x-auth-token").assert_ok();
        balance("x-other-token").assert_problem(401, "KEY_MISSING");
        let both = format!("X-API-Key: {UNKNOWN}\r\nX-Auth-Token: {secret}\r\n");
        assert_denied(&head(&app, &both), 401, "not_found", WRONG_KEY);
    }

    fn what_is_no_key_opens_nothing(db: &Database) {
        let app = db.app();
        let Key { secret, .. } = app.make_key("Project X");

        for lines in [
            format!("X-API-Key: {UNKNOWN}\r\n"),
            "X-API-Key:\r\n".to_owned(),
            "X-API-Key: \t \r\n".to_owned(),
            "Authorization: Bearer\r\n".to_owned(),
            "Authorization: Bearer \r\n".to_owned(),
            format!("X-API-Key: Bearer {secret}\r\n"),
            format!("X-API-Key: \"{secret}\"\r\n"),
            format!("X-API-Key: {secret},{secret}\r\n"),
            format!("X-API-Key: {secret}é\r\n"),
            format!("X-API-Key: {}\r\n", &secret[..46]),
            format!("X-API-Key: {}\r\n", secret.to_uppercase()),
            format!("X-API-Key: {}\r\n", "a".repeat(8_000)),
            format!("X-API-Key: {secret}\r\nX-API-Key: {secret}\r\n"),
            format!("Authorization: Bearer {secret}\r\nAuthorization: Bearer {secret}\r\n"),
            format!("Authorization: Basic YTpi\r\nAuthorization: Bearer {secret}\r\n"),
            "Authorization: Basic YTpi\r\n".to_owned(),
            format!("Authorization: Basic {secret}\r\n"),
            "Authorization: Token\r\n".to_owned(),
            format!("X-API-Key: \r\nAuthorization: Bearer {secret}\r\n"),
        ] {
            assert_denied(&head(&app, &lines), 401, "not_found", WRONG_KEY);
        }
    }

    fn without_a_key_no_error_is_named(db: &Database) {
        let app = db.app();
        let Key { secret, .. } = app.make_key("Project X");

        for lines in [
            String::new(),
            "Authorization: Digest username=x\r\n".to_owned(),
            format!("Authorization: {secret}\r\n"),
            format!("Authorization: Bear {secret}\r\n"),
            format!("X-Auth-Token: {secret}\r\n"),
            format!("Cookie: x-api-key={secret}\r\n"),
            format!("X-Api-Key-2: {secret}\r\n"),
        ] {
            assert_denied(&head(&app, &lines), 401, "key_missing", NO_KEY);
        }
    }

    fn a_key_in_the_address_is_neither_read_nor_repeated(db: &Database) {
        let app = db.app();
        let Key { secret, .. } = app.make_key("Project X");

        for name in ["key", "api_key", "apikey", "access_token", "token", "x-api-key", "X-API-Key"] {
            let head = head_of(&app, &format!("/v1/auth/sms/?{name}={secret}"), "");
            assert_denied(&head, 401, "key_missing", NO_KEY);
            for path in ["/v1/auth?service=sms&", "/v1/nowhere?"] {
                let answer = app.anonymous().get(&format!("{path}{name}={secret}"));
                assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.body);
                assert!(!format!("{:?}{}", answer.headers, answer.body).contains(&secret[9..]), "{}", answer.body);
            }
        }
        assert!(head(&app, &format!("X-API-Key: {secret}\r\n")).starts_with("http/1.1 200 "));
    }

    fn line_breaks_and_bytes_that_are_no_text_are_refused_or_open_nothing(db: &Database) {
        let app = db.app();
        let Key { secret, .. } = app.make_key("Project X");
        let (start, end) = secret.split_at(20);

        for value in [format!("{start}\r\n {end}"), format!("\r\n {secret}"), format!("{start}\r{end}"), format!("{start}\0{end}")] {
            let head = head(&app, &format!("X-API-Key: {value}\r\n"));
            assert!(head.starts_with("http/1.1 400 "), "{value:?}: {head}");
        }
        for bytes in [&b"X-API-Key: \xff\xfe"[..], b"X-API-Key: \x80", b"X-API-Key: \xc3\x28", b"Authorization: Bearer \xff"] {
            let lines = [b"GET /v1/auth?service=sms HTTP/1.1\r\nHost: x\r\n", bytes, b"\r\n\r\n"].concat();
            let head = Wire::to(&app.url).send(&lines).read_head().to_lowercase();
            assert_denied(&head, 401, "not_found", WRONG_KEY);
        }
    }

    fn a_proxy_is_told_who_it_is_in_full_or_not_at_all(db: &Database) {
        let app = db.app();
        let key = app.make_key("Zoë’s \"X\", 50 %");

        let told = app.anonymous().with("x-api-key", &key.secret).get("/v1/auth?service=sms").assert_ok();

        assert!(IDENTITY.iter().all(|name| !told.header(name).is_empty()), "{:?}", told.headers);
        assert_eq!(told.header("x-key-id"), key.id);
        assert_eq!(told.header("x-key-name"), "Zo%C3%AB%E2%80%99s%20%22X%22%2C%2050%20%25");
        assert_eq!((told.header("x-key-mode"), told.header("x-key-service")), ("live", "sms"));
        assert!(told.header("x-account-id").starts_with("acc_"));
        assert_eq!((told.header("x-auth-code"), &*told.body), ("VALID", ""));
    }

    fn each_cause_has_its_status_and_code(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let (key, off, over) = (app.make_key("a"), app.make_key("b"), app.make_key("c"));
        app.gate_switch().set(&off, keyfob::domain::api_key::KeyStatus::Disabled);
        db.execute(&format!("UPDATE api_keys SET expires_at = 1 WHERE id = '{}'", over.id));
        let present = |key: &Key| format!("X-API-Key: {}\r\n", key.secret);

        assert_denied(&head(&app, &present(&off)), 401, "disabled", WRONG_KEY);
        assert_denied(&head(&app, &present(&over)), 401, "expired", WRONG_KEY);
        for service in ["mail", "unheard-of", "SMS", "sms%00"] {
            let target = format!("/v1/auth?service={service}");
            assert_denied(&head_of(&app, &target, &present(&key)), 401, "not_found", WRONG_KEY);
        }
        assert_denied(&head_of(&app, "/v1/auth?service=sms&mode=test", &present(&key)), 403, "mode_not_allowed", None);
        for mode in ["live", "any"] {
            let head = head_of(&app, &format!("/v1/auth?service=sms&mode={mode}"), &present(&key));
            assert!(head.starts_with("http/1.1 200 "), "{mode}: {head}");
        }
    }

    fn a_door_that_is_not_named_well_is_a_bad_request(db: &Database) {
        let app = db.app();
        let knock = app.anonymous().with("x-api-key", &app.make_key("Project X").secret);

        for query in [
            "", "?", "?service", "?service=", "?mode=live", "?service=sms&service=sms", "?service=sms&service=mail",
            "?service=sms&mode=live&mode=test", "?service=sms&mode=LIVE", "?service=sms&mode=both", "?service[]=sms",
            "?service=sms&path=/orders?mode=any", "?service=sms&scope=read", "?service=sms&scopes=Read", "?service=sms&x", "//orders", "/sms;path=x/",
        ] {
            let answer = knock.get(&format!("/v1/auth{query}")).assert_problem(400, "BAD_REQUEST");
            assert_eq!((answer.header("x-key-id"), answer.header("x-auth-code")), ("", "BAD_REQUEST"), "{query}");
        }
        knock.get("/v1/auth?service=sms").assert_ok();
    }

    fn behind_the_operators_segment_a_client_chooses_nothing(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let (live, test) = (app.make_key("Live"), app.make_test_key("Test"));
        let ask = |path: &str, key: &Key| head_of(&app, path, &format!("X-API-Key: {}\r\n", key.secret));

        for path in ["", "/orders", "/?mode=any", "/;mode=any/", "/../sms;mode=any/", "/orders?mode=any&service=mail", "//mail/"] {
            assert!(ask(&format!("/v1/auth/sms{path}"), &live).starts_with("http/1.1 200 "), "{path}");
            assert_denied(&ask(&format!("/v1/auth/sms{path}"), &test), 403, "mode_not_allowed", None);
            assert_denied(&ask(&format!("/v1/auth/mail{path}"), &live), 401, "not_found", WRONG_KEY);
            assert!(ask(&format!("/v1/auth/sms;mode=any{path}"), &test).starts_with("http/1.1 200 "), "{path}");
        }
    }

    fn a_preflight_is_let_in_as_nobody_where_the_operator_says_so(db: &Database) {
        let app = db.app();
        let nobody = app.anonymous();
        let preflight = nobody.with("access-control-request-method", "PUT").with("origin", "https://app.example.com");

        for path in ["/v1/auth?service=sms&preflight=pass", "/v1/auth/sms;preflight=pass/orders"] {
            let told = preflight.send("OPTIONS", path, None).assert_ok();
            for name in IDENTITY.iter().chain(&["x-auth-code"]) {
                assert_eq!(told.header(name), "-", "{name}");
            }
            preflight.with("x-forwarded-method", "OPTIONS").get(path).assert_status(401);
            preflight.with("x-http-method-override", "OPTIONS").post(path, &[]).assert_status(401);
            nobody.send("OPTIONS", path, None).assert_status(401);
        }
        for path in ["/v1/auth?service=sms", "/v1/auth/sms/orders;preflight=pass?preflight=pass"] {
            preflight.send("OPTIONS", path, None).assert_status(401);
        }
    }

    fn every_method_but_trace_is_asked_alike(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let allowed = app.anonymous().with("x-api-key", &key.secret);
        let denied = app.anonymous().with("x-api-key", UNKNOWN);

        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let body = matches!(method, "POST" | "PUT" | "PATCH").then_some(("text/plain", &b"anything"[..]));
            let told = allowed.send(method, "/v1/auth?service=sms", body).assert_ok();
            assert_eq!(told.header("x-key-id"), key.id, "{method}");
            denied.send(method, "/v1/auth?service=sms", body).assert_status(401);
        }
        let trace = allowed.send("TRACE", "/v1/auth?service=sms", None).assert_problem(405, "METHOD_NOT_ALLOWED");
        assert!(!trace.body.contains(&key.secret[9..]) && trace.header("allow").contains("GET"));
    }
}
