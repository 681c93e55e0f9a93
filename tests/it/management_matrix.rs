//! What each management key may do on each route: every scope, with keys of its own service,
//! of another one, and of another account.

use keyfob::domain::management::ManagementScope;
use serde_json::{Value, json};

use crate::support::{Answer, App, Database, Key, Program, on_both_databases, routes};

/// Method, path, body, scope, and the answer if it is allowed.
type Call = (&'static str, &'static str, &'static str, &'static str, u16);

/// Everything that can be done with keys. What ends them comes last.
const CALLS: [Call; 11] = [
    ("GET", "/v1/keys", "", "keys.read", 200),
    ("POST", "/v1/keys", r#"{"service": "sms", "name": "New"}"#, "keys.create", 201),
    ("GET", "/v1/keys/{id}", "", "keys.read", 200),
    ("PATCH", "/v1/keys/{id}", r#"{"name": "Changed"}"#, "keys.update", 200),
    ("PUT", "/v1/keys/{id}/status", r#"{"status": "disabled"}"#, "keys.disable", 200),
    ("PUT", "/v1/keys/{id}/status", r#"{"status": "enabled"}"#, "keys.enable", 200),
    ("POST", "/v1/keys/{id}/rotation", "{}", "keys.rotate", 200),
    ("PATCH", "/v1/keys/{id}/rotation", r#"{"ends_at": "2026-03-02T12:00:00Z"}"#, "keys.rotate", 200),
    ("DELETE", "/v1/keys/{id}/rotation", "", "keys.rotate", 200),
    ("DELETE", "/v1/keys/{id}", "", "keys.delete", 204),
    ("POST", "/v1/keys/{id}/restoration", "", "keys.delete", 200),
];

fn call(program: &Program, (method, path, body, ..): &Call, id: &str) -> Answer {
    let body: Value = if body.is_empty() { Value::Null } else { body.parse().unwrap() };
    program.and("if-match", "*").send(method, &path.replace("{id}", id), &body)
}

/// What a change of keys leaves behind.
fn traces(db: &Database) -> Vec<Vec<String>> {
    let mut rows = db.rows();
    ["api_keys", "key_secrets", "audit_events"].into_iter().map(|table| rows.remove(table).unwrap()).collect()
}

/// Keys that nobody but their owner reaches: of another service, of another account, and those
/// that manage.
fn foreign_keys(app: &App) -> Vec<Key> {
    app.add_service("mail", "Mail");
    let mail = Program::of(app).create(&json!({"service": "mail", "name": "Mail"})).assert_status(201);
    let theirs = app.another_account().create_key("E");
    let manager = app.make_management_key("keys.read", "*");
    vec![crate::support::key_of(&mail), theirs, manager]
}

#[test]
fn every_route_about_keys_is_in_the_list() {
    let others = ["/v1/keys/verify", "/v1/keys/current", "/v1/keys/lookup"];
    for route in routes().iter().filter(|route| route.pattern().starts_with("/v1/keys")) {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().filter(|method| route.takes(method)) {
            let is_listed = CALLS.iter().any(|(known, path, ..)| (*known, *path) == (method, route.pattern()));
            assert!(is_listed || others.contains(&route.pattern()), "{method} {}", route.pattern());
        }
    }
}

on_both_databases! {
    fn a_scope_allows_what_it_is_for_and_nothing_else(db: &Database) {
        let app = db.app();

        for scope in ManagementScope::VARIANTS.iter().map(|scope| scope.as_str()) {
            let program = Program::with(&app, &app.make_management_key(scope, "sms"));
            let key = app.make_key("Project X");
            let (allowed, refused): (Vec<_>, Vec<_>) = CALLS.iter().partition(|call| call.3 == scope);
            let before = traces(db);
            for call_of_other in refused {
                let answer = call(&program, call_of_other, &key.id).assert_problem(403, "INSUFFICIENT_SCOPE");
                assert_eq!(answer.json()["missing"], json!([call_of_other.3]), "{scope}: {call_of_other:?}");
            }
            assert_eq!(traces(db), before, "{scope}");
            for call_of_scope in allowed {
                call(&program, call_of_scope, &key.id).assert_status(call_of_scope.4);
            }
        }
    }

    fn keys_beyond_the_bounds_do_not_exist(db: &Database) {
        let app = db.app();
        let foreign = foreign_keys(&app);
        let program = Program::with(&app, &app.make_management_key("*", "sms"));
        let before = traces(db);

        for key in &foreign {
            for call_of_key in CALLS.iter().filter(|(_, path, ..)| path.contains("{id}")) {
                call(&program, call_of_key, &key.id).assert_problem(404, "NOT_FOUND");
            }
        }
        let list = program.client.get("/v1/keys?limit=200").assert_ok().body;
        assert!(foreign.iter().all(|key| !list.contains(&key.id)), "{list}");
        assert_eq!(traces(db), before);
    }

    fn a_management_key_of_every_service_reaches_no_management_key_and_no_other_account(db: &Database) {
        let app = db.app();
        let foreign = foreign_keys(&app);
        let own = app.make_management_key("*", "*");
        let program = Program::with(&app, &own);
        let before = traces(db);

        for id in foreign[1..].iter().map(|key| &*key.id).chain([&*own.id, "key_01kjmm9xq4f8ha2n6d0tb5s7vc", "x", "%00"]) {
            for call_of_key in CALLS.iter().filter(|(_, path, ..)| path.contains("{id}")) {
                call(&program, call_of_key, id).assert_problem(404, "NOT_FOUND");
            }
        }
        let list = program.client.get("/v1/keys?limit=200").assert_ok().json();
        assert_eq!(list["keys"].as_array().unwrap().len(), 1, "{list}");
        for query in ["service=keyfob", "service=keyfob&sort=name", "q=Signup"] {
            assert_eq!(program.client.get(&format!("/v1/keys?{query}")).assert_ok().json()["keys"], json!([]), "{query}");
        }
        assert_eq!(traces(db), before);
        call(&program, &CALLS[2], &foreign[0].id).assert_ok();
    }

    fn every_answer_to_a_replaced_secret_says_when_it_ends(db: &Database) {
        let app = db.app();
        let (manager, key) = (app.make_management_key("*", "sms"), app.make_key("Project X"));
        let (client, rotation) = (app.signed_in(), format!("/api-keys/{}/rotation", manager.id));
        let secret_id = client.get(&rotation).assert_ok().page().field("secret_id");
        client.post(&rotation, &[("secret_id", &secret_id), ("grace", "3600")]).assert_ok();
        let program = Program::with(&app, &manager);
        let question = json!({"key": key.secret}).to_string();
        let usage = format!("/v1/usage?key_id={}", key.id);
        let others: [(_, &str, Option<(_, &[u8])>); 6] = [
            ("GET", "/v1/keys/current", None),
            ("POST", "/v1/keys/lookup", Some(("application/json", question.as_bytes()))),
            ("POST", "/v1/key-imports", Some(("application/jsonl", b"".as_slice()))),
            ("POST", "/v1/introspect", Some(("application/x-www-form-urlencoded", b"token=x".as_slice()))),
            ("GET", "/v1/audit-events", None),
            ("GET", &usage, None),
        ];

        let answers = CALLS.iter().map(|any| call(&program, any, &key.id));
        let answers = answers.chain(others.into_iter().map(|(method, path, body)| program.client.send(method, path, body)));
        for (place, answer) in answers.enumerate() {
            assert!(answer.status < 300, "{place}: {}", answer.body);
            assert_eq!(answer.header("sunset"), "Sun, 01 Mar 2026 13:00:00 GMT", "{place}");
        }
    }

    fn an_ordinary_key_reads_and_switches_off_itself_and_does_nothing_else(db: &Database) {
        let app = db.app();
        let (key, other) = (app.make_key("Project X"), app.make_key("Project Y"));
        let program = Program::with(&app, &key);
        let before = traces(db);

        for id in [&key.id, &other.id] {
            for any in &CALLS {
                call(&program, any, id).assert_problem(401, "NOT_FOUND");
            }
        }
        assert_eq!(traces(db), before);
        let told = program.client.get("/v1/keys/current").assert_ok().json();
        assert_eq!((&told["id"], &told["bounds"]), (&json!(key.id), &Value::Null));
        program.client.send("DELETE", "/v1/keys/current", None).assert_status(204);
        app.assert_verdict(&key.secret, "DISABLED");
        app.assert_verdict(&other.secret, "VALID");
        program.client.get("/v1/keys/current").assert_problem(401, "DISABLED");
    }

    fn nobody_does_anything_without_a_key(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let nobody = Program { client: app.anonymous() };

        for any in &CALLS {
            call(&nobody, any, &key.id).assert_problem(401, "KEY_MISSING").assert_header("cache-control", "no-store");
        }
        app.anonymous().get("/v1/keys/current").assert_problem(401, "KEY_MISSING");
    }

    fn a_management_key_opens_no_page_and_changes_no_person_and_no_setting(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let kept = |db: &Database| {
            let mut rows = db.rows();
            let tables = ["operators", "memberships", "settings", "services", "service_scopes", "accounts", "invitations"];
            tables.map(|table| rows.remove(table).unwrap())
        };
        let before = kept(db);

        for route in routes().iter().filter(|route| !route.pattern().starts_with("/v1/")) {
            for method in ["GET", "POST"].into_iter().filter(|method| route.takes(method)) {
                let answer = program.send(method, &route.path("ID"), &Value::Null);
                assert!(!answer.body.contains("ada@example.com"), "{method} {}", route.pattern());
            }
        }
        assert_eq!(kept(db), before);
        for path in ["/v1/balance", "/v1/sms/messages"] {
            program.client.get(path).assert_problem(401, "NOT_FOUND");
        }
    }
}
