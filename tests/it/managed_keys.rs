//! Keys that programs create, change and end with a management key.

use std::thread;

use keyfob::domain::api_key::{ApiKeyId, ManagementBounds, Scopes, ServiceReach};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{App, Database, Key, Program, key_of, on_both_databases, path_of, run};

/// A program whose keys have some scopes of SMS and end within so many days.
fn bounded(app: &App, grantable: &str, max_days: Option<i64>) -> Program {
    let scopes = Scopes::parse(grantable.split_whitespace()).unwrap();
    let bounds = ManagementBounds::new(ServiceReach::parse(["sms"]).unwrap(), scopes, max_days).unwrap();
    Program::with(app, &app.make_management_key_within("*", bounds))
}

/// The audit events about keys, as `actor kind, actor, action`.
fn events(db: &Database) -> Vec<String> {
    db.ask(
        "SELECT actor_kind || ' ' || coalesce(actor_id, '') || ' ' || via || ' ' || action AS line FROM audit_events ORDER BY at, id",
    )
}

/// The messages about fields.
fn messages(problem: &Value) -> String {
    let errors = problem["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| format!("{}: {}\n", error["field"].as_str().unwrap(), error["message"].as_str().unwrap()))
        .collect()
}

/// How many keys are asked for in both ways, under each of two rules about their ends.
const TURNS: usize = 60;

/// What somebody chooses for a key.
#[derive(Debug, Clone)]
struct KeyChoice {
    name: String,
    description: String,
    mode: &'static str,
    /// Full access without any.
    scopes: Option<Vec<&'static str>>,
    addresses: Vec<&'static str>,
    end: KeyEnd,
}

#[derive(Debug, Clone)]
enum KeyEnd {
    Default,
    Never,
    Days(u16),
    On(&'static str),
}

impl KeyChoice {
    /// As the form sends it.
    fn fields(&self, id: &str) -> Vec<(&'static str, String)> {
        let mut fields = vec![("key_id", id.to_owned()), ("service", "sms".to_owned())];
        fields.extend([
            ("name", self.name.clone()),
            ("description", self.description.clone()),
            ("mode", self.mode.to_owned()),
        ]);
        fields.push(("access", if self.scopes.is_some() { "some" } else { "full" }.to_owned()));
        fields.extend(self.scopes.iter().flatten().map(|scope| ("scopes", (*scope).to_owned())));
        fields.push(("allowed_ips", self.addresses.join("\r\n")));
        match self.end {
            KeyEnd::Default => {}
            KeyEnd::Never => fields.push(("ends", "never".to_owned())),
            KeyEnd::Days(days) => fields.push(("ends", days.to_string())),
            KeyEnd::On(day) => fields.extend([("ends", "date".to_owned()), ("ends_on", day.to_owned())]),
        }
        fields
    }

    /// As a program sends it.
    fn body(&self) -> Value {
        let mut body = json!({"service": "sms", "name": self.name, "description": self.description, "mode": self.mode});
        if let Some(scopes) = &self.scopes {
            body["scopes"] = json!(scopes);
        }
        if !self.addresses.is_empty() {
            body["allowed_ips"] = json!(self.addresses);
        }
        match self.end {
            KeyEnd::Default => {}
            KeyEnd::Never => body["expires_at"] = Value::Null,
            KeyEnd::Days(days) => body["expires_in_days"] = json!(days),
            KeyEnd::On(day) => body["expires_at"] = json!(format!("{day}T23:59:59Z")),
        }
        body
    }
}

/// Mostly what is allowed, since one wrong choice refuses them all.
fn key_choices(secret: String) -> impl Strategy<Value = KeyChoice> {
    let name = prop_oneof![
        12 => "\\PC{1,40}",
        1 => any::<String>(),
        1 => Just("x".repeat(101)),
        1 => Just("a\tb".to_owned()),
        1 => Just(secret.clone()),
    ];
    let description = prop_oneof![
        12 => "\\PC{0,80}",
        1 => Just("Line\r\nand line".to_owned()),
        1 => Just("ž".repeat(501)),
        1 => Just("\u{7}".to_owned()),
        1 => Just(secret),
    ];
    let scopes = prop_oneof![
        4 => Just(None::<Vec<&'static str>>),
        4 => subsequence(vec!["balance.read", "messages.read", "messages.send"], 0..=3).prop_map(Some),
        1 => Just(Some(vec!["messages.send", "messages.fly"])),
        1 => Just(Some(vec!["A"])),
    ];
    let allowed = vec!["10.0.0.0/8", "::ffff:203.0.113.9", "2001:db8::/32", "10.1.2.3"];
    let addresses =
        prop_oneof![12 => subsequence(allowed, 0..=4), 1 => Just(vec!["10.0.0.1/8"]), 1 => Just(vec!["here"])];
    let end = prop_oneof![
        3 => Just(KeyEnd::Default),
        1 => Just(KeyEnd::Never),
        4 => (1_u16..=365).prop_map(KeyEnd::Days),
        1 => (366_u16..).prop_map(KeyEnd::Days),
        3 => select(vec!["2026-03-01", "2026-12-31", "2027-02-28"]).prop_map(KeyEnd::On),
        1 => select(vec!["2020-01-01", "2200-01-01"]).prop_map(KeyEnd::On),
    ];
    (name, description, select(vec!["live", "test"]), scopes, addresses, end).prop_map(
        |(name, description, mode, scopes, addresses, end)| KeyChoice {
            name,
            description,
            mode,
            scopes,
            addresses,
            end,
        },
    )
}

on_both_databases! {
    fn a_program_creates_reads_changes_and_deletes_a_key_by_what_it_calls_it(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let wanted = json!({
            "service": "sms", "name": "Customer 42", "external_id": "cust_42", "metadata": {"plan": "pro"},
            "scopes": ["messages.send"], "allowed_ips": ["10.0.0.0/8"], "expires_at": "2026-12-01T00:00:00Z",
        });

        let created = program.create(&wanted).assert_status(201);
        let key = key_of(&created);
        assert_eq!(created.location(), path_of(&key));
        assert_eq!((created.header("etag"), created.header("cache-control")), ("\"1\"", "no-store"));
        let told = program.key(&key).assert_ok().assert_header("etag", "\"1\"").json();
        for (name, value) in wanted.as_object().unwrap().iter().filter(|(name, _)| *name != "expires_at") {
            assert_eq!(&told[name], value, "{name}");
        }
        assert_eq!((&told["expires_at"], &told["mode"]), (&json!("2026-12-01T00:00:00.000000Z"), &json!("live")));
        assert_eq!((&told["created_by"], &told["version"], &told["status"]), (&Value::Null, &json!(1), &json!("enabled")));
        assert_eq!(told.get("key"), None);

        let found = program.client.get("/v1/keys?external_id=cust_42").assert_ok().json();
        assert_eq!(found, json!({"keys": [told], "next_cursor": null}));

        let changes = json!({"name": "Customer 43", "metadata": null, "allowed_ips": null, "expires_at": null, "external_id": "cust_43"});
        let changed = program.patch(&key, 1, &changes).assert_ok();
        let version = changed.json()["version"].as_i64().unwrap();
        assert_eq!(changed.header("etag"), format!("\"{version}\""));
        let told = program.key(&key).assert_ok().json();
        assert_eq!(told, changed.json());
        assert_eq!((&told["name"], &told["metadata"], &told["allowed_ips"]), (&json!("Customer 43"), &json!({}), &json!([])));
        assert_eq!((&told["expires_at"], &told["scopes"]), (&Value::Null, &json!(["messages.send"])));
        assert_eq!(app.verify(&key.secret)["external_id"], "cust_43");
        assert_eq!(program.patch(&key, version, &changes).assert_ok().json()["version"], version, "the same again");

        let off = json!({"status": "disabled", "reason": "unused", "note": "Gone since May"});
        let told = program.send("PUT", &format!("{}/status", path_of(&key)), &off).assert_ok().json();
        assert_eq!((&told["status"], &told["status_reason"]), (&json!("disabled"), &json!("unused")));
        app.assert_verdict(&key.secret, "DISABLED");
        program.send("PUT", &format!("{}/status", path_of(&key)), &json!({"status": "enabled"})).assert_ok();
        app.assert_verdict(&key.secret, "VALID");

        program.send("DELETE", &path_of(&key), &Value::Null).assert_status(204);
        app.assert_verdict(&key.secret, "NOT_FOUND");
        program.key(&key).assert_problem(404, "NOT_FOUND");
        program.send("DELETE", &path_of(&key), &Value::Null).assert_problem(404, "NOT_FOUND");
        let restoration = format!("{}/restoration", path_of(&key));
        for _ in 0..2 {
            assert_eq!(program.send("POST", &restoration, &Value::Null).assert_ok().json()["name"], "Customer 43");
        }
        app.assert_verdict(&key.secret, "VALID");
    }

    fn a_program_rotates_a_key_and_ends_the_previous_secret(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let key = program.created("Project X");
        let path = format!("{}/rotation", path_of(&key));
        program.send("PATCH", &path, &json!({"ends_at": "2026-03-03T12:00:00Z"})).assert_problem(404, "NOT_FOUND");
        program.send("DELETE", &path, &Value::Null).assert_problem(404, "NOT_FOUND");

        let rotated = program.send("POST", &path, &json!({"grace_seconds": 3600, "reason": "Yearly"})).assert_ok();
        let told = rotated.json();
        let new = key_of(&rotated);
        assert_eq!((&new.id, &told["id"], &told["secret_id"]), (&key.id, &json!(key.id), &told["secrets"][0]["id"]));
        assert_eq!(told["previous"]["ends_at"], "2026-03-01T13:00:00.000000Z");
        assert_eq!(told["previous"]["secret_id"], told["secrets"][1]["id"]);
        assert_eq!((&told["previous"]["uses"], &told["previous"]["last_used_at"]), (&json!(0), &Value::Null));
        assert_eq!((&*app.verify(&key.secret)["secret"].to_string(), &*app.verify(&new.secret)["secret"].to_string()), ("\"previous\"", "\"current\""));

        program.send("POST", &path, &json!({})).assert_problem(409, "ROTATION_IN_PROGRESS");
        let moved = program.send("PATCH", &path, &json!({"ends_at": "2026-03-03T12:00:00Z"})).assert_ok().json();
        assert_eq!(moved["secrets"][1]["ends_at"], "2026-03-03T12:00:00.000000Z");
        for wrong in ["2026-03-01T12:00:00Z", "2027-03-01T12:00:00Z", "tomorrow", "2026-03-03T12:00:00"] {
            program.send("PATCH", &path, &json!({"ends_at": wrong})).assert_problem(422, "INVALID");
        }
        for _ in 0..2 {
            program.send("DELETE", &path, &Value::Null).assert_ok();
            app.assert_verdict(&key.secret, "EXPIRED");
        }
        let newest = key_of(&program.client.send("POST", &path, None).assert_ok());
        let last = key_of(&program.send("POST", &path, &json!({"end_previous": true, "grace_seconds": 0})).assert_ok());
        app.assert_verdict(&newest.secret, "EXPIRED");
        app.assert_verdict(&last.secret, "VALID");
        for wrong in [-1, 2_592_001] {
            let refused = program.send("POST", &path, &json!({"grace_seconds": wrong})).assert_problem(422, "INVALID");
            assert!(messages(&refused.json()).starts_with("grace_seconds: "), "{}", refused.body);
        }
    }

    fn a_creation_that_is_repeated_makes_one_key_and_tells_its_secret_once(db: &Database) {
        let app = db.app();
        let program = Program::of(&app).and("idempotency-key", "signup-42");
        let wanted = json!({"service": "sms", "name": "Customer 42", "external_id": "cust_42"});

        let first = program.create(&wanted).assert_status(201);
        let again = program.create(&wanted).assert_status(201);
        let other_instance = app.another_instance();
        let elsewhere = Program { client: program.client.at(&other_instance.url) }.create(&wanted).assert_status(201);

        assert_eq!((&again.body, again.location(), again.header("etag")), (&elsewhere.body, first.location(), "\"1\""));
        let mut told = first.json();
        assert_eq!((&told["replayed"], told["key"].is_string()), (&json!(false), true));
        told["key"] = Value::Null;
        told["replayed"] = json!(true);
        assert_eq!(again.json(), told);
        for other in [
            json!({"service": "sms", "name": "Customer 43", "external_id": "cust_42"}),
            json!({"service": "sms", "name": "Customer 42"}),
            // Never, where the first one asked for the default.
            json!({"service": "sms", "name": "Customer 42", "external_id": "cust_42", "expires_at": null}),
        ] {
            program.create(&other).assert_problem(422, "DIFFERENT_REQUEST");
        }
        program.and("idempotency-key", "a b").create(&wanted).assert_problem(400, "BAD_REQUEST");
        assert_eq!(db.count("api_keys"), 2, "the management key, and one of a customer");
        assert_eq!(events(db).iter().filter(|event| event.ends_with("api_key.created")).count(), 2);

        app.clock.advance(24 * 3600);
        assert_ne!(program.create(&wanted).assert_status(201).location(), first.location());
    }

    fn a_creation_that_was_refused_leaves_its_name_free(db: &Database) {
        let app = db.app();
        let program = Program::of(&app).and("idempotency-key", "signup-42");

        program.create(&json!({"service": "sms", "name": " "})).assert_problem(422, "INVALID");
        program.create(&json!({"service": "nope", "name": "Customer"})).assert_problem(422, "INVALID");
        program.create(&json!({"service": "keyfob", "name": "Customer"})).assert_problem(403, "OUT_OF_BOUNDS");
        program.create(&json!({"service": "sms", "name": "Customer"})).assert_status(201);
    }

    fn of_fifty_threads_with_one_idempotency_key_one_makes_a_key(db: &Database) {
        let app = db.app();
        let program = Program::of(&app).and("idempotency-key", "signup-42");
        let wanted = json!({"service": "sms", "name": "Customer 42"});

        let answers: Vec<_> = thread::scope(|all| {
            let calls: Vec<_> = (0..50).map(|_| all.spawn(|| program.create(&wanted))).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });

        let (made, told): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
        assert_eq!(made.iter().filter(|answer| answer.json()["key"].is_string()).count(), 1);
        assert!(made.iter().all(|answer| answer.location() == made[0].location()));
        told.iter().for_each(|answer| assert_eq!(answer.json()["code"], "STILL_RUNNING", "{}", answer.body));
        assert_eq!(db.count("api_keys"), 2);
    }

    fn no_secret_is_kept_after_many_idempotent_creations(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let mut secrets: Vec<String> = (0..100).map(|number| {
            let wanted = json!({"service": "sms", "name": "Customer", "external_id": format!("cust_{number}")});
            let named = program.and("idempotency-key", &format!("signup-{number}"));
            let key = key_of(&named.create(&wanted).assert_status(201));
            named.create(&wanted).assert_status(201);
            key.secret
        }).collect();
        let rotated = program.send("POST", &format!("/v1/keys/{}/rotation", program.created("Rotated").id), &json!({})).assert_ok();
        secrets.push(key_of(&rotated).secret);

        for secret in [&secrets[0], &secrets[50], &secrets[99], &secrets[100]] {
            assert!(!db.holds(secret));
        }
        let rows = format!("{:?}", db.rows());
        assert!(rows.contains("cust_99") && secrets.iter().all(|secret| !rows.contains(&secret[9..])));
        if db.is_sqlite() {
            let (folder, url) = (tempfile::tempdir().unwrap(), db.url());
            let copy = folder.path().join("copy.db");
            run(&["backup", copy.to_str().unwrap(), "--database-url", &url], "").assert_success();
            let copy = std::fs::read(copy).unwrap();
            let has = |text: &str| copy.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(has("cust_99") && secrets.iter().all(|secret| !has(secret)));
        }
    }

    fn of_two_changes_of_one_version_one_is_made(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let key = program.created("Project X");

        let statuses: Vec<u16> = thread::scope(|all| {
            let change = |name: &'static str| program.patch(&key, 1, &json!({"name": name})).status;
            let calls = ["One", "Other"].map(|name| all.spawn(move || change(name)));
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });

        let mut sorted = statuses;
        sorted.sort_unstable();
        assert_eq!(sorted, [200, 412]);
        program.patch(&key, 1, &json!({"name": "Late"})).assert_problem(412, "PRECONDITION_FAILED");
        program.send("PATCH", &path_of(&key), &json!({"name": "Blind"})).assert_problem(428, "PRECONDITION_REQUIRED");
        program.and("if-match", "2").send("PATCH", &path_of(&key), &json!({})).assert_problem(400, "BAD_REQUEST");
        program.and("if-match", "W/\"2\"").send("PATCH", &path_of(&key), &json!({})).assert_problem(412, "PRECONDITION_FAILED");
        program.and("if-match", "*").send("PATCH", &path_of(&key), &json!({"name": "Anyhow"})).assert_ok();
    }

    fn every_change_of_what_a_key_is_gives_it_another_version_whoever_makes_it(db: &Database) {
        let app = db.app();
        let (client, program) = (app.signed_in(), Program::of(&app));
        let key = program.created("Project X");
        let page = format!("/api-keys/{}", key.id);
        let post = |path: &str, fields: &[(&str, &str)]| drop(client.post(&format!("{page}{path}"), fields).assert_status(303));
        let version = || program.key(&key).assert_ok().json()["version"].as_i64().unwrap();
        let changes: [(&str, &dyn Fn()); 5] = [
            ("name", &|| post("", &[("version", &version().to_string()), ("name", "Project Y"), ("description", "")])),
            ("scopes", &|| post("/scopes", &[("access", "some"), ("scopes", "messages.read")])),
            ("addresses", &|| post("/allowed-ips", &[("allowed_ips", "203.0.113.9")])),
            ("end", &|| post("/expiry", &[("ends", "30")])),
            ("metadata", &|| drop(program.patch(&key, version(), &json!({"metadata": {"a": "b"}})).assert_ok())),
        ];

        for (what, change) in changes {
            let before = version();
            change();
            assert_eq!(version(), before + 1, "{what}");
            program.patch(&key, before, &json!({"name": "Late"})).assert_problem(412, "PRECONDITION_FAILED");
        }
        let before = version();
        client.switch(&key, "disabled");
        program.send("POST", &format!("{}/rotation", path_of(&key)), &json!({})).assert_ok();
        assert_eq!(version(), before, "a switch and a secret are no such change");
    }

    fn a_form_with_the_name_meets_changes_of_the_name_alone(db: &Database) {
        let app = db.app();
        let (client, program) = (app.signed_in(), Program::of(&app));
        let key = program.created("Project X");
        let path = format!("/api-keys/{}", key.id);
        let form = client.get(&path).page().field("version");
        let save = |name: &str| client.post(&path, &[("version", &form), ("name", name), ("description", "")]);
        let any = program.and("if-match", "*");

        any.send("PATCH", &path_of(&key), &json!({"scopes": ["messages.read"], "metadata": {"a": "b"}})).assert_ok();
        save("Project Y").assert_status(303);

        any.send("PATCH", &path_of(&key), &json!({"name": "Project Z"})).assert_ok();
        save("Mine").assert_status(409);
        assert_eq!(program.key(&key).json()["name"], "Project Z");
    }

    fn a_management_key_gives_away_no_more_than_it_may(db: &Database) {
        let app = db.app();
        let program = bounded(&app, "messages.send messages.read", Some(30));
        app.add_service("mail", "Mail");
        let sms = |more: Value| {
            let mut body = json!({"service": "sms", "name": "Customer", "scopes": ["messages.send"]});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let (keys, audited) = (db.rows()["api_keys"].clone(), events(db));

        for (beyond, sentence) in [
            (sms(json!({"scopes": ["*"]})), "full access"),
            (json!({"service": "sms", "name": "Customer"}), "full access"),
            (sms(json!({"scopes": ["messages.send", "balance.read"]})), "balance.read"),
            (sms(json!({"expires_at": null})), "30 days"),
            (sms(json!({"expires_in_days": 31})), "30 days"),
            (sms(json!({"expires_at": "2027-01-01T00:00:00Z"})), "30 days"),
            (sms(json!({"service": "mail"})), "this service"),
            (sms(json!({"service": "nope"})), "this service"),
            (sms(json!({"service": "keyfob", "scopes": ["keys.read"]})), "management keys"),
        ] {
            let refused = program.create(&beyond).assert_problem(403, "OUT_OF_BOUNDS").json();
            assert!(refused["detail"].as_str().unwrap().contains(sentence), "{beyond}: {refused}");
        }
        assert_eq!((&db.rows()["api_keys"], events(db)), (&keys, audited));

        let key = key_of(&program.create(&sms(json!({}))).assert_status(201));
        let told = program.key(&key).json();
        assert_eq!(told["expires_at"], "2026-03-31T23:59:59.000000Z", "the longest life, where nothing is said");
        for beyond in [
            json!({"scopes": ["*"]}), json!({"scopes": ["balance.read"]}), json!({"expires_at": null}),
            json!({"expires_in_days": 31}), json!({"name": "Renamed", "expires_at": "2030-01-01T00:00:00Z"}),
        ] {
            program.patch(&key, 1, &beyond).assert_problem(403, "OUT_OF_BOUNDS");
        }
        assert_eq!(program.key(&key).json(), told);
        program.patch(&key, 1, &json!({"scopes": ["messages.read", "messages.send"], "expires_in_days": 30})).assert_ok();
        program.create(&sms(json!({"scopes": []}))).assert_status(201);
    }

    fn the_secret_of_a_key_that_may_do_more_is_not_to_be_had_by_rotating_it(db: &Database) {
        let app = db.app();
        let program = bounded(&app, "messages.send", Some(30));
        let powerful = app.make_key("Powerful");
        let before = db.rows()["key_secrets"].clone();

        let rotation = format!("{}/rotation", path_of(&powerful));
        program.send("POST", &rotation, &json!({})).assert_problem(403, "OUT_OF_BOUNDS");
        let narrowed = json!({"scopes": ["messages.send"]});
        program.patch(&powerful, 1, &narrowed).assert_ok();
        program.send("POST", &rotation, &json!({})).assert_problem(403, "OUT_OF_BOUNDS");
        assert_eq!(db.rows()["key_secrets"], before);

        program.patch(&powerful, 2, &json!({"expires_in_days": 30})).assert_ok();
        program.send("POST", &rotation, &json!({})).assert_ok();
    }

    fn what_a_key_has_beyond_the_bounds_may_stay_and_go_but_not_come_back(db: &Database) {
        let app = db.app();
        let program = bounded(&app, "messages.send", Some(30));
        let key = app.make_key_with_rules("balance.read", "");

        let any = program.and("if-match", "*");
        let scopes = |names: Value| any.send("PATCH", &path_of(&key), &json!({"scopes": names, "expires_at": null}));
        scopes(json!(["balance.read", "messages.send"])).assert_ok();
        scopes(json!(["messages.send"])).assert_ok();
        scopes(json!(["balance.read", "messages.send"])).assert_problem(403, "OUT_OF_BOUNDS");
    }

    fn the_rules_of_the_installation_hold_for_programs_too(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let rule = [("default_lifetime_days", "90"), ("max_lifetime_days", "365")];
        app.signed_in().post("/settings/instance", &rule).assert_status(303);
        let sms = |expiry: Value| program.create(&json!({"service": "sms", "name": "Customer", "expires_at": expiry}));

        let created = program.create(&json!({"service": "sms", "name": "Customer"})).assert_status(201).json();
        assert_eq!(created["expires_at"], "2026-05-30T23:59:59.000000Z");
        sms(Value::Null).assert_problem(422, "INVALID");
        sms(json!("2028-01-01T00:00:00Z")).assert_problem(422, "INVALID");
        sms(json!("2026-03-01T11:00:00Z")).assert_problem(422, "INVALID");
        sms(json!("2026-04-01T00:00:00+02:00")).assert_status(201);
    }

    fn the_dashboard_and_the_api_create_keys_by_one_set_of_rules(db: &Database) {
        let app = db.app();
        let (client, program) = (app.signed_in(), Program::of(&app));
        let stored = |id: &str| {
            let columns = "name || '|' || description || '|' || mode || '|' || status || '|' || scopes || '|' || allowed_ips \
                           || '|' || COALESCE(CAST(expires_at AS TEXT), 'never')";
            db.ask(&format!("SELECT {columns} AS line FROM api_keys WHERE id = '{id}'"))
        };
        let (choices, mut random, mut made) = (key_choices(app.make_key("Victim").secret), TestRunner::deterministic(), 0);

        for turn in 0..2 * TURNS {
            if turn == TURNS {
                let rule = [("default_lifetime_days", "30"), ("max_lifetime_days", "365")];
                client.post("/settings/instance", &rule).assert_status(303);
            }
            let wanted = choices.new_tree(&mut random).unwrap().current();
            let id = ApiKeyId::mint().to_string();
            let fields = wanted.fields(&id);
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
            let by_form = client.post("/api-keys", &fields);
            let by_program = program.create(&wanted.body());

            let what = format!("{wanted:?}: {}", by_program.body);
            assert_eq!(by_form.status == 422, by_program.status == 422, "{what}");
            if by_form.status == 422 {
                let mut told = by_form.page().texts(".field__error");
                let mut sentences: Vec<String> = by_program.json()["errors"].as_array().unwrap().iter().map(|error| error["message"].as_str().unwrap().to_owned()).collect();
                told.sort_unstable();
                sentences.sort_unstable();
                assert_eq!(told, sentences, "{what}");
                continue;
            }
            assert_eq!((by_form.status, by_program.status), (200, 201), "{what}");
            let key = key_of(&by_program);
            assert_eq!(stored(&id), stored(&key.id), "{what}");
            let revealed = by_form.page().text(".reveal .copyable__text[id^=key-secret]");
            let [own, other] = [&revealed, &key.secret].map(|secret| {
                let question = json!({"key": secret, "service": "sms", "client_ip": "10.1.2.3"}).to_string();
                let mut verdict = app.anonymous().post_json("/v1/keys/verify", question).assert_ok().json();
                verdict.as_object_mut().unwrap().remove("key_id");
                verdict
            });
            assert_eq!(own, other, "{what}");
            made += 1;
        }
        assert!((TURNS / 4..TURNS * 7 / 4).contains(&made), "both sides are tried: {made} were made");
    }

    fn a_management_key_that_is_off_is_refused_at_once_and_so_is_one_that_ended(db: &Database) {
        let app = db.app();
        let (client, manager) = (app.signed_in(), app.make_management_key("*", "*"));
        let program = Program::with(&app, &manager);
        program.created("Project X");

        client.switch(&manager, "disabled");
        program.create(&json!({"service": "sms", "name": "Y"})).assert_problem(401, "DISABLED");
        program.client.get("/v1/keys").assert_problem(401, "DISABLED");
        client.switch(&manager, "enabled");
        program.client.get("/v1/keys").assert_ok();

        program.client.send("DELETE", "/v1/keys/current", None).assert_status(204);
        program.client.get("/v1/keys").assert_problem(401, "DISABLED");
    }

    fn a_management_key_reads_its_own_bounds_and_opens_no_public_door(db: &Database) {
        let app = db.app();
        let scopes = Scopes::parse(["messages.send"]).unwrap();
        let bounds = ManagementBounds::new(ServiceReach::parse(["sms"]).unwrap(), scopes, Some(30)).unwrap();
        let manager = app.make_management_key_within("keys.read keys.create", bounds);
        let program = Program::with(&app, &manager);

        let told = program.client.get("/v1/keys/current").assert_ok().json();
        assert_eq!((&told["id"], &told["scopes"]), (&json!(manager.id), &json!(["keys.create", "keys.read"])));
        assert_eq!(told["bounds"], json!({"services": ["sms"], "grantable_scopes": ["messages.send"], "max_lifetime_days": 30}));
        app.assert_verdict(&manager.secret, "NOT_FOUND");
        program.client.get("/v1/auth?service=keyfob").assert_status(401).assert_header("x-auth-code", "NOT_FOUND");
    }

    fn every_change_is_recorded_with_the_key_as_its_actor(db: &Database) {
        let app = db.app();
        let manager = app.make_management_key("*", "*");
        let program = Program::with(&app, &manager);
        let before = events(db).len();
        let key = program.created("Project X");
        let path = path_of(&key);
        let send = |method: &str, part: &str, body: Value| drop(program.and("if-match", "*").send(method, &format!("{path}{part}"), &body));
        let steps: [(&str, &dyn Fn()); 11] = [
            ("api_key.relabelled", &|| send("PATCH", "", json!({"name": "Y"}))),
            ("api_key.reference_changed", &|| send("PATCH", "", json!({"external_id": "x", "metadata": {"a": "b"}}))),
            ("api_key.scopes_changed", &|| send("PATCH", "", json!({"scopes": ["messages.read"]}))),
            ("api_key.allowed_ips_changed", &|| send("PATCH", "", json!({"allowed_ips": ["127.0.0.1"]}))),
            ("api_key.expiry_changed", &|| send("PATCH", "", json!({"expires_at": "2026-04-01T00:00:00Z"}))),
            ("api_key.disabled", &|| send("PUT", "/status", json!({"status": "disabled"}))),
            ("api_key.enabled", &|| send("PUT", "/status", json!({"status": "enabled"}))),
            ("api_key.rotated", &|| send("POST", "/rotation", json!({}))),
            ("api_key.rotation_ended", &|| send("DELETE", "/rotation", Value::Null)),
            ("api_key.deleted", &|| send("DELETE", "", Value::Null)),
            ("api_key.restored", &|| send("POST", "/restoration", Value::Null)),
        ];
        let mut expected = vec!["api_key.created"];
        for (action, step) in steps {
            for _ in 0..2 {
                step();
            }
            expected.push(action);
        }

        let expected: Vec<_> = expected.iter().map(|action| format!("api_key {} api {action}", manager.id)).collect();
        assert_eq!(events(db)[before..], expected);
        let page = app.signed_in().get("/audit").page().text("main");
        assert!(page.contains("changed the external ID or metadata of the key"), "{page}");
    }

    fn an_external_id_may_be_given_twice_and_that_is_told(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        app.add_service("mail", "Mail");
        let create = |service: &str, id: &str| {
            program.create(&json!({"service": service, "name": "Customer", "external_id": id})).assert_status(201).json()
        };

        assert_eq!(create("sms", "cust_42")["others_with_external_id"], 0);
        let mail = create("mail", "cust_42");
        assert_eq!(mail["others_with_external_id"], 1);
        assert_eq!(create("sms", "cust_42")["others_with_external_id"], 2);
        assert_eq!(create("sms", "cust_43")["others_with_external_id"], 0);
        assert_eq!(program.client.get("/v1/keys?external_id=cust_42").json()["keys"].as_array().unwrap().len(), 3);
        assert_eq!(program.client.get("/v1/keys?external_id=cust_42&service=mail").json()["keys"][0]["id"], mail["id"]);
        let of_sms = Program::with(&app, &app.make_management_key("*", "sms"));
        let told = of_sms.create(&json!({"service": "sms", "name": "Customer", "external_id": "cust_42"})).json();
        assert_eq!(told["others_with_external_id"], 2, "what it can't see is not counted");
    }

    fn verify_tells_the_external_id_and_the_metadata_when_asked(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let text = "Žluťoučký \"kůň\" \\ 😀";
        let wanted = json!({"service": "sms", "name": text, "external_id": text, "metadata": {text: text, "a": ""}});
        let key = key_of(&program.create(&wanted).assert_status(201));
        let plain = program.created("Plain");
        let verify = |key: &Key, include: Value| {
            let question = json!({"key": key.secret, "include": include});
            app.anonymous().post_json("/v1/keys/verify", question.to_string())
        };

        for _ in 0..2 {
            let told = app.verify(&key.secret);
            assert_eq!((&told["name"], &told["external_id"], told.get("metadata")), (&json!(text), &json!(text), None));
            assert_eq!(verify(&key, json!(["metadata"])).assert_ok().json()["metadata"], wanted["metadata"]);
        }
        assert_eq!(app.verify(&plain.secret)["external_id"], Value::Null);
        assert_eq!(verify(&plain, json!(["metadata"])).assert_ok().json()["metadata"], json!({}));
        verify(&plain, json!([])).assert_ok();
        for wrong in [json!(["x"]), json!("metadata"), json!([1])] {
            verify(&plain, wrong).assert_problem(400, "BAD_REQUEST");
        }
        program.patch(&key, 1, &json!({"external_id": null, "metadata": {"now": "else"}})).assert_ok();
        assert_eq!(app.verify(&key.secret)["external_id"], Value::Null);
        assert_eq!(verify(&key, json!(["metadata"])).json()["metadata"], json!({"now": "else"}));
    }

    fn the_list_is_walked_through_in_every_order(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let keys: Vec<Key> = (0..7).map(|number| {
            app.clock.advance(1);
            program.created(&format!("Project {}", (number * 3) % 7))
        }).collect();
        program.send("PUT", &format!("{}/status", path_of(&keys[3])), &json!({"status": "disabled"})).assert_ok();
        app.add_service("mail", "Mail");
        program.create(&json!({"service": "mail", "name": "Mail"})).assert_status(201);
        let names = |list: &Value| -> Vec<String> {
            list["keys"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect()
        };

        for sort in ["newest", "oldest", "name", "last_used", "expires"] {
            let all = names(&program.client.get(&format!("/v1/keys?sort={sort}&service=sms")).assert_ok().json());
            assert_eq!(all.len(), 7, "{sort}");
            let (mut walked, mut after) = (Vec::new(), String::new());
            loop {
                let page = program.client.get(&format!("/v1/keys?sort={sort}&service=sms&limit=3{after}")).assert_ok().json();
                walked.extend(names(&page));
                let Some(cursor) = page["next_cursor"].as_str() else { break };
                after = format!("&after={}", cursor.replace(' ', "%20"));
            }
            assert_eq!(walked, all, "{sort}");
        }
        let list = |query: &str| names(&program.client.get(&format!("/v1/keys?{query}")).assert_ok().json());
        assert_eq!(list("sort=name&service=sms").concat(), "Project 0Project 1Project 2Project 3Project 4Project 5Project 6");
        assert_eq!(list("status=disabled"), ["Project 2"]);
        assert_eq!(list("q=project%205"), ["Project 5"]);
        assert_eq!(list("service=nope"), [""; 0]);
        for wrong in ["status=off", "sort=age", "limit=0", "limit=201", "limit=x", "after=x", "q=a", "external_id=", "page=2", "q=ab&q=cd", "after=1.key_0&sort=name"] {
            program.client.get(&format!("/v1/keys?{wrong}")).assert_problem(400, "BAD_REQUEST");
        }
        let unknown = program.client.get("/v1/keys?extrenal_id=x").assert_problem(400, "BAD_REQUEST").json();
        assert!(unknown["detail"].as_str().unwrap().contains("did you mean \"external_id\""), "{unknown}");
    }

    fn what_is_wrong_in_a_body_is_named_and_nothing_is_made(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let secret = app.make_key("Victim").secret;
        let key = program.created("Project X");
        let before = db.rows()["api_keys"].clone();
        let sms = |name: &str, value: Value| {
            let mut body = json!({"service": "sms", "name": "Customer"});
            body[name] = value;
            body
        };

        let many: Value = (0..51).map(|number| (format!("n{number}"), json!(""))).collect::<serde_json::Map<_, _>>().into();
        for (field, value) in [
            ("name", json!("")), ("name", json!("x".repeat(101))), ("mode", json!("both")), ("service", json!("nope")),
            ("name", json!(secret)), ("description", json!(format!("It is {secret}."))), ("mode", json!("Live")),
            ("description", json!("x".repeat(501))), ("external_id", json!("")), ("external_id", json!("x".repeat(256))),
            ("external_id", json!(secret)), ("metadata", json!({"note": format!("is {secret}!")})),
            ("metadata", json!({secret.clone(): ""})), ("metadata", many), ("metadata", json!({"n": "x".repeat(4096)})),
            ("scopes", json!(["messages.fly"])), ("scopes", json!(["*", "messages.send"])), ("scopes", json!(["A"])),
            ("allowed_ips", json!(["10.0.0.1/8"])), ("allowed_ips", json!([""])), ("allowed_ips", json!(["x"])),
            ("expires_at", json!("2026-12-01")), ("expires_at", json!("2026-12-01T00:00:00")), ("expires_in_days", json!(0)),
        ] {
            let refused = program.create(&sms(field, value.clone())).assert_problem(422, "INVALID");
            assert!(messages(&refused.json()).contains(&format!("{field}: ")), "{field} {value}: {}", refused.body);
            assert!(!refused.body.contains(&secret), "{}", refused.body);
            if !["mode", "service"].contains(&field) {
                program.patch(&key, 1, &json!({field: value})).assert_problem(422, "INVALID");
            }
        }
        program.create(&json!({"service": "sms", "name": "X", "expires_in_days": 3, "expires_at": null})).assert_problem(422, "INVALID");
        // What a program does not know must not become full access, and access from anywhere.
        for field in ["scopes", "allowed_ips"] {
            let refused = program.create(&sms(field, Value::Null)).assert_problem(422, "INVALID");
            assert!(messages(&refused.json()).starts_with(&format!("{field}: This is null.")), "{}", refused.body);
        }
        let both = program.create(&sms("mode", json!("both"))).assert_problem(422, "INVALID");
        assert_eq!(messages(&both.json()), "mode: Write live or test.\n");
        program.patch(&key, 1, &json!({"name": null})).assert_problem(422, "INVALID");
        for (body, word) in [
            (json!({"service": "sms"}), "missing field `name`"),
            (sms("scope", json!([])), "did you mean \"scopes\""),
            (sms("rate_limit", json!({})), "\"rate_limit\""),
            (sms("metadata", json!({"n": 5})), "wrong type"),
            (json!([]), "not a list"),
        ] {
            let refused = program.create(&body).assert_problem(400, "BAD_REQUEST");
            assert!(refused.json()["detail"].as_str().unwrap().contains(word), "{body}: {}", refused.body);
        }
        for unchangeable in ["service", "mode", "id", "status", "version"] {
            program.patch(&key, 1, &json!({unchangeable: "x"})).assert_problem(400, "BAD_REQUEST");
        }
        assert!(!db.holds(&secret[9..]), "no refused text is kept");
        assert_eq!(db.rows()["api_keys"], before);
    }

    fn what_is_wrong_in_a_switch_or_a_rotation_changes_nothing(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let secret = app.make_key("Victim").secret;
        let key = program.created("Project X");
        let before = db.rows()["api_keys"].clone();
        let status = format!("{}/status", path_of(&key));
        for wrong in [
            json!({"status": "off"}), json!({"status": "disabled", "reason": "holder"}), json!({"status": "disabled", "reason": "x"}),
            json!({"status": "enabled", "reason": "unused"}), json!({"status": "disabled", "note": "x".repeat(201)}),
            json!({"status": "disabled", "note": format!("leaked: {secret}")}),
        ] {
            program.send("PUT", &status, &wrong).assert_problem(422, "INVALID");
        }
        let rotation = format!("{}/rotation", path_of(&key));
        for wrong in [json!({"reason": secret}), json!({"reason": "x".repeat(201)}), json!({"grace_seconds": -1})] {
            program.send("POST", &rotation, &wrong).assert_problem(422, "INVALID");
        }
        assert!(!db.holds(&secret[9..]), "no refused text is kept");
        let long = " ".repeat(1 << 20);
        for (method, path) in [("POST", "/v1/keys"), ("PATCH", &*path_of(&key)), ("PUT", &*status), ("POST", &*format!("{}/rotation", path_of(&key)))] {
            program.client.send(method, path, Some(("application/json", long.as_bytes()))).assert_problem(413, "PAYLOAD_TOO_LARGE");
            program.client.send(method, path, Some(("text/plain", b"{}"))).assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
        }
        assert_eq!(db.rows()["api_keys"], before);
    }
}
