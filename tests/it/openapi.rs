//! `openapi.json` says what the real server does, no more and no less.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;

use keyfob::clock::Clock;
use keyfob::config::Config;
use keyfob::domain::guard::TypedLimits;
use keyfob::domain::message::{MessageFields, MessageId};
use keyfob::error::GuardRule;
use keyfob::gate::Code;
use keyfob::networks::Networks;
use keyfob::sms::callbacks::CallbackConfig;
use serde_json::{Value, json};

use crate::support::{
    Answer, App, Application, Client, Database, Key, MESSAGES, PHONE, Receiver, Wire, on_both_databases,
};

fn document() -> Value {
    serde_json::from_str(include_str!("../../src/api/ops/openapi.json")).unwrap()
}

/// What a `$ref` stands for.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

/// An operation: named by its path, where that has only one, else as in
/// `post /v1/sms/messages`.
fn operation<'a>(document: &'a Value, name: &str) -> &'a Value {
    let (method, path) = name.split_once(' ').map_or((None, name), |(method, path)| (Some(method), path));
    let operations = document["paths"][path].as_object().unwrap_or_else(|| panic!("{path} is not described"));
    assert!(method.is_some() || operations.len() == 1, "{path}");
    method.map_or_else(|| operations.values().next().unwrap(), |method| &operations[method])
}

/// The names of all operations.
fn operations(document: &Value) -> Vec<String> {
    let of_path = |(path, operations): (&String, &Value)| {
        let methods: Vec<_> = operations.as_object().unwrap().keys().cloned().collect();
        match methods.as_slice() {
            [_] => vec![path.clone()],
            several => several.iter().map(|method| format!("{method} {path}")).collect(),
        }
    };
    document["paths"].as_object().unwrap().iter().flat_map(of_path).collect()
}

/// Holds a value against a schema, with a validator of JSON Schema. Members that the schema
/// does not name are refused, so that none is forgotten.
#[track_caller]
fn assert_fits(document: &Value, schema: &Value, value: &Value) {
    let mut root = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema]});
    root["components"] = json!({"schemas": document["components"]["schemas"]});
    make_strict(&mut root);
    let validator = jsonschema::validator_for(&root).unwrap();
    let problems: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{value}: {problems:#?}");
}

/// Closes every object, and every list of codes: one that grows has examples, so that clients
/// take what comes later, and this server's codes are all among them.
fn make_strict(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            if members.get("type").is_some_and(|kind| kind == "string")
                && let Some(examples) = members.remove("examples")
            {
                members.insert("enum".to_owned(), examples);
            }
            members.values_mut().for_each(make_strict);
        }
        Value::Array(items) => items.iter_mut().for_each(make_strict),
        _ => {}
    }
}

/// Every media type in the document, with its schema and examples.
fn media_types(value: &Value) -> Vec<&Value> {
    let inner = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    let own = value.get("content").and_then(Value::as_object).into_iter().flat_map(|content| content.values());
    own.chain(inner.into_iter().flat_map(media_types)).collect()
}

fn examples(media_type: &Value) -> Vec<&Value> {
    let several = media_type.get("examples").and_then(Value::as_object);
    let several = several.into_iter().flat_map(|examples| examples.values().map(|example| &example["value"]));
    media_type.get("example").into_iter().chain(several).collect()
}

#[test]
fn every_route_for_programs_is_described_and_nothing_else() {
    let written = concat!(
        include_str!("../../src/routes/manage.rs"),
        include_str!("../../src/routes.rs"),
        include_str!("../../src/routes/pages.rs")
    );
    let (for_programs, for_browsers) = written.split_once("// For browsers").unwrap();
    let paths = |text: &'static str| {
        let first_texts = text.split("resource(").skip(1).map(|rest| rest.split('"').nth(1).unwrap());
        // The gate has its routes below a base path too.
        first_texts.map(|path| path.strip_prefix("{base_path}").unwrap_or(path))
    };

    let routes: BTreeSet<String> = paths(for_programs).map(|path| path.replace("}*", "}")).collect();

    let document = document();
    let described: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(described, routes);
    assert!(paths(for_browsers).all(|path| !path.starts_with("/v1")), "a route of the API stands among the pages");
}

#[test]
fn every_code_that_a_problem_can_have_is_described() {
    let told = include_str!("../../src/http/error_description.rs");
    let is_code = |text: &&str| text.len() > 3 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let mut codes: BTreeSet<&str> = told.split('"').skip(1).step_by(2).filter(is_code).collect();
    // Why a key does not open the SMS service's door is told in the gate's words.
    codes.extend(Code::ALL.iter().map(|code| code.name()).filter(|code| !["VALID", "MODE_NOT_ALLOWED"].contains(code)));
    codes.extend(GuardRule::ALL.map(GuardRule::code));
    assert!(codes.contains("BAD_REQUEST") && codes.contains("CROSS_SITE"), "{codes:?}");

    let document = document();
    let described = document["components"]["schemas"]["Problem"]["properties"]["code"]["examples"].as_array().unwrap();

    assert_eq!(described.iter().map(|code| code.as_str().unwrap()).collect::<BTreeSet<_>>(), codes);
}

#[test]
fn every_verdict_is_described_in_the_answer_and_in_the_header() {
    let document = document();
    let codes = |pointer: &str| {
        let codes = document.pointer(pointer).unwrap().as_array().unwrap();
        codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let counted: BTreeSet<_> = Code::ALL.iter().map(|code| code.name().to_owned()).collect();

    let mut in_header = codes("/components/headers/X-Auth-Code/schema/examples");
    for error in ["-", "BAD_REQUEST", "METHOD_NOT_ALLOWED", "HEAD_TOO_LARGE", "INTERNAL", "UNAVAILABLE"] {
        assert!(in_header.remove(error), "{error}");
    }
    let mut in_answer = codes("/components/schemas/Verdict/properties/code/examples");

    assert_eq!(in_header, counted);
    // Whoever asks with a key, at a door of any mode, never gets these.
    in_answer.extend(["KEY_MISSING".to_owned(), "MODE_NOT_ALLOWED".to_owned()]);
    assert_eq!(in_answer, counted);
}

/// Every closed list of values in the document.
fn enums(value: &Value) -> Vec<&Value> {
    let inner = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    value.get("enum").into_iter().chain(inner.into_iter().flat_map(enums)).collect()
}

#[test]
fn only_what_never_grows_is_a_closed_list_since_clients_fail_on_a_value_they_do_not_know() {
    let closed = [
        json!(["live", "test"]),
        json!(["live", "test", "any"]),
        json!(["gsm7", "ucs2"]),
        json!(["ok", "unavailable"]),
        json!(["pass"]),
    ];

    for list in enums(&document()) {
        assert!(closed.contains(list), "{list}");
    }
}

#[test]
fn callbacks_have_a_tag_of_their_own_since_generators_make_a_class_of_each_tag() {
    let document = document();
    let tags = |operations: &Value| -> BTreeSet<String> {
        let operations =
            operations.as_object().unwrap().values().flat_map(|methods| methods.as_object().unwrap().values());
        operations.map(|operation| operation["tags"][0].as_str().unwrap().to_owned()).collect()
    };

    assert!(tags(&document["paths"]).is_disjoint(&tags(&document["webhooks"])));
}

#[test]
fn every_example_fits_its_schema() {
    let document = document();
    let mut seen = 0;
    for media_type in media_types(&document) {
        for example in examples(media_type) {
            assert_fits(&document, &media_type["schema"], example);
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn the_document_is_of_this_version() {
    assert_eq!(document()["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// Keys for every verdict, by its code.
struct Keys {
    valid: String,
    disabled: String,
    expired: String,
    test: String,
}

fn keys(app: &App, db: &Database) -> Keys {
    let client = app.signed_in();
    let [valid, disabled, expired, test] = ["Project X", "Off", "Over", "Test"].map(|name| client.create_key(name));
    client.switch(&disabled, "disabled");
    let now = app.clock.now().micros();
    db.execute(&format!("UPDATE api_keys SET expires_at = {now} WHERE id = '{}'", expired.id));
    db.execute(&format!("UPDATE api_keys SET mode = 'test' WHERE id = '{}'", test.id));
    Keys { valid: valid.secret, disabled: disabled.secret, expired: expired.secret, test: test.secret }
}

/// Calls that get every answer there is but a fault, by the path they go to.
fn calls(app: &App, db: &Database) -> Vec<(&'static str, Answer)> {
    let keys = keys(app, db);
    let nobody = app.anonymous();
    let verify = |body: &str| ("/v1/keys/verify", nobody.post_json("/v1/keys/verify", body));
    let auth = |query: &str, key: &str| ("/v1/auth", nobody.with("x-api-key", key).get(&format!("/v1/auth{query}")));
    let auth_by_path = |path: &str, key: &str| {
        ("/v1/auth/{service}", nobody.with("x-api-key", key).get(&format!("/v1/auth/{path}/orders?mode=any")))
    };
    let get = |path| (path, nobody.get(path));
    let preflight = nobody.with("access-control-request-method", "PUT");
    let text: (&str, &[u8]) = ("text/plain", b"x");
    let tag = nobody.get("/openapi.json").header("etag").to_owned();
    let mut calls: Vec<(&str, Answer)> =
        [&*keys.valid, &keys.disabled, &keys.expired, "x"].map(|key| verify(&json!({"key": key}).to_string())).into();
    calls.extend([&*keys.valid, &keys.disabled, &keys.expired, &keys.test, "x"].map(|key| auth("?service=sms", key)));
    calls.extend([
        verify("{"),
        verify(&json!({"key": "x".repeat(41_000)}).to_string()),
        ("/v1/keys/verify", nobody.send("POST", "/v1/keys/verify", Some(text))),
        ("/v1/keys/verify", nobody.send("GET", "/v1/keys/verify", None)),
        ("/v1/auth", nobody.get("/v1/auth?service=sms")),
        auth("", &keys.valid),
        auth("?service=sms&mode=none", &keys.valid),
        auth("?service=sms&mode=any", &keys.test),
        ("/v1/auth", nobody.send("TRACE", "/v1/auth?service=sms", None)),
        ("/v1/auth", preflight.send("OPTIONS", "/v1/auth?service=sms&preflight=pass", None)),
        auth_by_path("sms", &keys.valid),
        auth_by_path("sms", "x"),
        auth_by_path("sms", &keys.test),
        auth_by_path("sms;mode=none", &keys.valid),
        ("/v1/auth/{service}", nobody.send("TRACE", "/v1/auth/sms/", None)),
        ("/v1/auth/{service}", preflight.send("OPTIONS", "/v1/auth/sms;preflight=pass/orders", None)),
        ("/openapi.json", nobody.with("if-none-match", &tag).get("/openapi.json")),
    ]);
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        calls.extend([get(path), (path, nobody.send("DELETE", path, None))]);
    }
    calls.extend(sms_calls(app, &keys));
    calls.extend(receipt_calls(&db.empty()));
    calls.extend(key_calls(app, &keys));
    let manager = app.make_management_key("*", "*");
    calls.extend(management_calls(app, &manager));
    db.take_away();
    calls.extend(key_calls_without_database(app, &manager));
    let application = Application { client: app.anonymous().with("x-api-key", &keys.valid) };
    calls.extend([
        ("post /v1/sms/messages", application.send(PHONE, "Hello")),
        ("get /v1/sms/messages", application.client.get(MESSAGES)),
        ("get /v1/sms/messages/{id}", application.client.get(&format!("{MESSAGES}/{}", MessageId::mint()))),
        (CANCEL, application.client.send("DELETE", &format!("{MESSAGES}/{}", MessageId::mint()), None)),
        (ESTIMATE, app.anonymous().with("x-api-key", UNKNOWN).post_json(ESTIMATE, "{}")),
        ("/v1/balance", application.client.get("/v1/balance")),
    ]);
    calls.extend([
        verify(&json!({"key": UNKNOWN}).to_string()),
        auth("?service=sms", UNKNOWN),
        auth_by_path("sms", UNKNOWN),
    ]);
    calls.extend(management_calls_by_nobody(app).into_iter().chain([get("/readyz")]));
    db.bring_back();
    calls
}

/// Calls of carriers over HTTP.
fn receipt_calls(db: &Database) -> Vec<(&'static str, Answer)> {
    let phone = r#"{"event": "sms:delivered", "payload": {"messageId": "1"}}"#;
    let by_post = ("post /v1/carriers/{name}/receipts/{secret}", "http-preset://sms-gate", phone);
    let by_get = ("get /v1/carriers/{name}/receipts/{secret}", "http-preset://kannel", "message=msg_x&status=1");
    let mut calls = Vec::new();
    for (name, preset, receipt) in [by_post, by_get] {
        let db = &db.empty();
        let secret = "of-all-receipts-0123456789";
        let transport = format!("{preset}?username=u&password=p&receipt_secret={secret}&url=http://127.0.0.1:1/");
        let set = |config: &mut Config| {
            config.public_url = Some("https://keys.example.com".parse().unwrap());
            config.sms_transport = transport.parse().unwrap();
        };
        let app = App::start_set(db, set, Clock::System);
        let path = format!("/v1/carriers/default/receipts/{secret}");
        let call = |path: &str, receipt: &str| match name.starts_with("post") {
            true => (name, app.anonymous().send("POST", path, Some(("text/plain", receipt.as_bytes())))),
            false => (name, app.anonymous().get(&format!("{path}?{receipt}"))),
        };
        let receipt = &receipt.replace("msg_x", MessageId::mint().as_str());
        calls.extend([
            call(&path, receipt),
            call(&path, ""),
            call(&path[..path.len() - 1], receipt),
            call("/v1/carriers/other/receipts/x", receipt),
        ]);
        calls.push((name, app.anonymous().send("PUT", &path, None)));
        if name.starts_with("post") {
            calls.push(call(&path, &"x".repeat(70_000)));
        }
        db.take_away();
        calls.push(call(&path, receipt));
        db.bring_back();
    }
    calls
}

/// An address of this operation.
fn path_of(name: &str) -> String {
    let path = name.rsplit(' ').next().unwrap().replace("{id}", "msg_x").replace("{service}", "sms");
    path.replace("{name}", "default").replace("{secret}", "SECRET")
}

/// Calls that no route gets to see, to every operation.
fn calls_that_are_stopped_before<'a>(app: &App, document: &'a Value, name: &'a str) -> Vec<(&'a str, Answer)> {
    let nobody = app.anonymous();
    let path = &path_of(name);
    let mut answers = vec![nobody.with("x-long", &"x".repeat(33_000)).get(path)];
    if !path.starts_with("/v1/auth") {
        answers.push(nobody.with("content-encoding", "gzip").send("DELETE", path, None));
    }
    if operation(document, name)["tags"][0] == "operations" {
        answers.push(nobody.send("POST", path, Some(("text/plain", &[b'x'; 33_000]))));
    }
    answers.into_iter().map(|answer| (name, answer)).collect()
}

/// Sends what is no HTTP, which the HTTP library answers in its own way.
#[track_caller]
fn assert_bad_head_is_described(app: &App, document: &Value, name: &str) {
    let path = path_of(name);
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n");
    let head = Wire::to(&app.url).send(request.as_bytes()).read_head();
    assert!(head.starts_with("HTTP/1.1 400 ") && head.to_lowercase().contains("content-length: 0"), "{name}: {head}");
    let described = resolve(document, &operation(document, name)["responses"]["400"]);
    assert!(described["description"].as_str().unwrap().contains("No body"), "{name}: {described}");
}

/// Has the right checksum, and is nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";
const ESTIMATE: &str = "/v1/sms/messages/estimate";
const CANCEL: &str = "delete /v1/sms/messages/{id}";

const CURRENT: &str = "/v1/keys/current";
const DISABLE_CURRENT: &str = "delete /v1/keys/current";
const REPORTS: &str = "/v1/leak-reports";
const IMPORTS: &str = "/v1/key-imports";

/// Calls about keys.
fn key_calls(app: &App, keys: &Keys) -> Vec<(&'static str, Answer)> {
    let nobody = app.anonymous();
    let disable = |key: &str| (DISABLE_CURRENT, nobody.with("x-api-key", key).send("DELETE", CURRENT, None));
    let report = |body: &str| (REPORTS, nobody.post_json(REPORTS, body));
    let text: (&str, &[u8]) = ("text/plain", b"x");
    let client = app.signed_in();
    let rule = |rule: &str| {
        client.post("/services/sms/self-revocation", &[("self_revocation", rule)]).assert_status(303);
    };
    let key = app.make_key("Leaked").secret;
    rule("refused");
    let mut calls = vec![disable(&key)];
    rule("allowed");
    calls.extend([disable(&key), disable(&keys.disabled), (DISABLE_CURRENT, nobody.send("POST", CURRENT, None))]);
    calls.extend([
        report(&json!({"keys": [UNKNOWN]}).to_string()),
        report("{"),
        report(&"x".repeat(40_000)),
        (REPORTS, nobody.send("POST", REPORTS, Some(text))),
        (REPORTS, nobody.send("GET", REPORTS, None)),
    ]);
    let many = (0..100).map(|_| report(&json!({"keys": []}).to_string()));
    calls.extend(many.filter(|(_, answer)| answer.status == 429).take(1));
    app.clock.advance(60 * 60);
    calls.extend(import_calls(app, keys));
    calls.extend(asking_calls(app, keys));
    calls
}

/// What programs do with keys: the operation, and bodies that are accepted, not understood
/// and not valid, where it takes one.
const MANAGED: [(&str, &[&str]); 11] = [
    ("get /v1/keys/current", &[]),
    ("get /v1/keys", &[]),
    (
        "post /v1/keys",
        &[
            r#"{"service": "sms", "name": "Customer", "external_id": "cust_42"}"#,
            "{",
            r#"{"service": "x", "name": ""}"#,
        ],
    ),
    ("get /v1/keys/{id}", &[]),
    ("patch /v1/keys/{id}", &[r#"{"name": "Customer 42"}"#, "{", r#"{"name": null}"#]),
    ("/v1/keys/{id}/status", &[r#"{"status": "disabled", "reason": "unused"}"#, "{", r#"{"status": "off"}"#]),
    ("post /v1/keys/{id}/rotation", &[r#"{"reason": "Yearly"}"#, "{", r#"{"grace_seconds": -1}"#]),
    ("patch /v1/keys/{id}/rotation", &[r#"{"ends_at": "2026-03-01T20:00:00Z"}"#, "{", r#"{"ends_at": "soon"}"#]),
    ("delete /v1/keys/{id}/rotation", &[]),
    ("delete /v1/keys/{id}", &[]),
    ("/v1/keys/{id}/restoration", &[]),
];

/// The method and the address of an operation, with this id.
fn address_of(name: &str, id: &str) -> (String, String) {
    let (method, path) = name.split_once(' ').unwrap_or(match name {
        "/v1/keys/{id}/status" => ("put", name),
        _ => ("post", name),
    });
    (method.to_uppercase(), path.replace("{id}", id))
}

/// Calls of programs that manage keys.
fn management_calls(app: &App, manager: &Key) -> Vec<(&'static str, Answer)> {
    let program = |key: &Key| app.anonymous().with("x-api-key", &key.secret).with("if-match", "*");
    let able = program(manager);
    let unable = program(&app.make_management_key("audit.read", "*"));
    let elsewhere = program(&app.make_key_with_rules("*", "192.0.2.1"));
    let key = app.make_key("Managed");
    let send = |client: &Client, name: &'static str, id: &str, body: Option<&str>| {
        let (method, path) = address_of(name, id);
        (name, client.send(&method, &path, body.map(|body| ("application/json", body.as_bytes()))))
    };
    let mut calls = Vec::new();
    for (name, bodies) in MANAGED {
        let good = bodies.first().copied();
        calls.extend([
            send(&able, name, &key.id, good),
            send(&app.anonymous(), name, &key.id, good),
            send(if name.ends_with("current") { &elsewhere } else { &unable }, name, &key.id, good),
            (name, able.send("TRACE", &address_of(name, &key.id).1, None)),
        ]);
        if name.contains("{id}") {
            calls.push(send(&able, name, "key_01kjmm9xq4f8ha2n6d0tb5s7vc", good));
        }
        if !bodies.is_empty() {
            let long = "x".repeat(40_000);
            calls.extend(bodies[1..].iter().map(|body| send(&able, name, &key.id, Some(body))));
            calls.push(send(&able, name, &key.id, Some(&long)));
        }
    }
    calls.extend([
        ("get /v1/keys", able.get("/v1/keys?limit=0")),
        ("post /v1/keys", able.post_json("/v1/keys", r#"{"service": "keyfob", "name": "X"}"#)),
        send(&able.without("if-match"), "patch /v1/keys/{id}", &key.id, Some("{}")),
        send(&able.with("if-match", "\"0\""), "patch /v1/keys/{id}", &key.id, Some("{}")),
    ]);
    let rotate = |client: &Client| send(client, "post /v1/keys/{id}/rotation", &key.id, None);
    calls.extend([rotate(&able), rotate(&able)]);
    let lock = app.db.lock();
    thread::scope(|all| {
        let (answers, told) = mpsc::channel();
        for _ in 0..2 {
            let (answers, named) = (answers.clone(), able.with("idempotency-key", "signup-42"));
            all.spawn(move || answers.send(send(&named, "post /v1/keys", "", MANAGED[2].1.first().copied())).unwrap());
        }
        let repetition = told.recv().unwrap();
        drop(lock);
        calls.extend([repetition, told.recv().unwrap()]);
    });
    calls
}

/// The answer to a body that says that it is too long, none of which is sent.
fn too_long(app: &App, path: &str) -> Answer {
    let request = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n");
    let (head, body) = Wire::to(&app.url).send(request.as_bytes()).read_answer();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    Answer { status, headers, body }
}

/// Imports of keys.
fn import_calls(app: &App, keys: &Keys) -> Vec<(&'static str, Answer)> {
    let (manager, reader) =
        (app.make_management_key("keys.create", "sms"), app.make_management_key("keys.read", "sms"));
    let with = |key: &str| app.anonymous().with("x-api-key", key);
    let send = |kind: &str, body: &[u8]| (IMPORTS, with(&manager.secret).send("POST", IMPORTS, Some((kind, body))));
    let line = r#"{"service":"sms","name":"Shop","mode":"live","sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#;
    let lines = format!("{line}\n{line}\n{{\n");
    vec![
        send("application/jsonl", lines.as_bytes()),
        send("application/x-ndjson", lines.as_bytes()),
        send("application/jsonl", "{}\n".repeat(1_001).as_bytes()),
        (IMPORTS, too_long(app, IMPORTS)),
        send("text/plain", lines.as_bytes()),
        (IMPORTS, with(&keys.valid).post_json(IMPORTS, "")),
        (IMPORTS, with(&reader.secret).post_json(IMPORTS, "")),
        (IMPORTS, with(&manager.secret).get(IMPORTS)),
    ]
}

const INTROSPECT: &str = "/v1/introspect";
const LOOKUP: &str = "/v1/keys/lookup";
const AUDIT: &str = "/v1/audit-events";
const USAGE: &str = "/v1/usage";

/// Calls of the management API by a key that has to be looked up.
fn management_calls_by_nobody(app: &App) -> [(&'static str, Answer); 5] {
    let unknown = app.anonymous().with("x-api-key", UNKNOWN);
    [
        (INTROSPECT, unknown.post(INTROSPECT, &[("token", UNKNOWN)])),
        (LOOKUP, unknown.post_json(LOOKUP, json!({"key": UNKNOWN}).to_string())),
        (AUDIT, unknown.get(AUDIT)),
        (USAGE, unknown.get(USAGE)),
        (IMPORTS, unknown.post_json(IMPORTS, "")),
    ]
}

/// Calls of the management API by a key that may do everything, and by others that may not.
fn asking_calls(app: &App, keys: &Keys) -> Vec<(&'static str, Answer)> {
    let nobody = app.anonymous();
    let text: (&str, &[u8]) = ("text/plain", b"x");
    let key_id = app.verify(&keys.valid)["key_id"].as_str().unwrap().to_owned();
    let [able, unable] = ["*", "keys.delete"].map(|scopes| app.make_management_key(scopes, "*").secret);
    let mut calls = Vec::new();
    for secret in [&able, &unable, &keys.valid] {
        let client = nobody.with("authorization", &format!("Bearer {secret}"));
        let look_up = |question: Value| (LOOKUP, client.post_json(LOOKUP, question.to_string()));
        let usage = |query: &str| (USAGE, client.get(&format!("{USAGE}?{query}")));
        let introspect = |token: &str| (INTROSPECT, client.post(INTROSPECT, &[("token", token)]));
        calls.extend([
            introspect(&keys.valid),
            introspect(&keys.expired),
            introspect(&"x".repeat(41_000)),
            (INTROSPECT, client.post(INTROSPECT, &[])),
            (INTROSPECT, client.post_json(INTROSPECT, "{}")),
            (INTROSPECT, client.get(INTROSPECT)),
            look_up(json!({"key": keys.valid})),
            look_up(json!({"key": UNKNOWN})),
            look_up(json!({"key": "x".repeat(41_000)})),
            look_up(json!({"sha256": "x"})),
            look_up(json!({})),
            (LOOKUP, client.send("POST", LOOKUP, Some(text))),
            (LOOKUP, client.get(LOOKUP)),
            (AUDIT, client.get(AUDIT)),
            (AUDIT, client.get("/v1/audit-events?limit=0")),
            (AUDIT, client.post(AUDIT, &[])),
            usage(&format!("key_id={key_id}")),
            usage("key_id=key_x"),
            usage(""),
            (USAGE, client.post(USAGE, &[])),
        ]);
    }
    calls
}

fn key_calls_without_database(app: &App, manager: &Key) -> Vec<(&'static str, Answer)> {
    let client = app.anonymous().with("x-api-key", &manager.secret).with("if-match", "*");
    let call = |(name, bodies): (&'static str, &[&str])| {
        let (method, path) = address_of(name, "key_01kjmm9xq4f8ha2n6d0tb5s7vc");
        let body = bodies.first().map(|body| ("application/json", body.as_bytes()));
        (name, client.send(&method, &path, body))
    };
    let disable = (DISABLE_CURRENT, client.send("DELETE", CURRENT, None));
    let report = (REPORTS, client.post_json(REPORTS, json!({"keys": [UNKNOWN]}).to_string()));
    MANAGED.into_iter().map(call).chain([disable, report]).collect()
}

/// Calls of the SMS API.
fn sms_calls(app: &App, keys: &Keys) -> Vec<(&'static str, Answer)> {
    let with = |key: &str| Application { client: app.anonymous().with("x-api-key", key) };
    let application = with(&keys.valid);
    let unable = with(&app.make_key_with_rules("", "").secret);
    let message = application.wait_for_end(&application.sent("+420777000998", "Hello"));
    let one = format!("{MESSAGES}/{}", message["id"].as_str().unwrap());
    let other = format!("{MESSAGES}/{}", MessageId::mint());
    let text: (&str, &[u8]) = ("text/plain", b"x");
    let mut calls = Vec::new();
    for (name, path) in [("post /v1/sms/messages", MESSAGES), (ESTIMATE, ESTIMATE)] {
        let post = |body: &str| (name, application.client.post_json(path, body));
        calls.extend([
            post(&json!({"to": PHONE, "text": "Hello"}).to_string()),
            post("{"),
            post(&json!({"to": "x", "text": "Hello"}).to_string()),
            post(&" ".repeat(70_000)),
            (name, application.client.send("POST", path, Some(text))),
            (name, application.client.send("PUT", path, None)),
            (name, app.anonymous().post_json(path, "{}")),
            (name, with(&keys.disabled).client.post_json(path, "{}")),
            (name, unable.client.post_json(path, "{}")),
        ]);
    }
    for (name, path) in
        [("get /v1/sms/messages", MESSAGES), ("get /v1/sms/messages/{id}", &*one), ("/v1/balance", "/v1/balance")]
    {
        calls.extend([
            (name, application.client.get(path)),
            (name, with(&keys.expired).client.get(path)),
            (name, unable.client.get(path)),
            (name, application.client.send("PUT", path, None)),
        ]);
    }
    calls.extend(cancel_calls(app, keys));
    let named = application.named("order-42");
    calls.extend([
        ("get /v1/sms/messages", application.client.get(&format!("{MESSAGES}?status=x"))),
        ("get /v1/sms/messages/{id}", application.client.get(&other)),
        ("post /v1/sms/messages", named.send(PHONE, "Hello")),
        ("post /v1/sms/messages", named.send(PHONE, "Hello again")),
    ]);
    calls.extend(running_twice(app, &application.named("order-43")).map(|answer| ("post /v1/sms/messages", answer)));
    let mut limited = |key: &Key, limits: &TypedLimits<'_>| {
        app.limit(Some(key), limits);
        calls.push(("post /v1/sms/messages", with(&key.secret).send(PHONE, "Hello")));
    };
    let key = app.make_key("Limited");
    limited(&key, &TypedLimits { destinations: "only", prefixes: "+1", ..TypedLimits::default() });
    limited(&key, &TypedLimits { recipient_day: "1", ..TypedLimits::default() });
    limited(&key, &TypedLimits { recipient_day: "1", ..TypedLimits::default() });
    app.set_credits(0);
    calls.push(("post /v1/sms/messages", application.send(PHONE, "Hello")));
    calls
}

/// Calls that withdraw a message, which may be too late.
fn cancel_calls(app: &App, keys: &Keys) -> Vec<(&'static str, Answer)> {
    let with = |key: &str| Application { client: app.anonymous().with("x-api-key", key) };
    let (application, unable) = (with(&keys.valid), with(&app.make_key_with_rules("", "").secret));
    let sender = Key {
        id: app.db.ask("SELECT id AS line FROM api_keys WHERE name = 'Project X'").remove(0),
        secret: keys.valid.clone(),
    };
    let waiting =
        app.waiting(&sender, &MessageFields { to: &[PHONE.to_owned()], text: "Hello", ..MessageFields::default() });
    let ended =
        application.wait_for_end(&application.sent("+420777000998", "Hello"))["id"].as_str().unwrap().to_owned();
    let cancel = |application: &Application, id: &str| {
        (CANCEL, application.client.send("DELETE", &format!("{MESSAGES}/{id}"), None))
    };
    vec![
        cancel(&application, waiting.as_str()),
        cancel(&application, &ended),
        cancel(&application, MessageId::mint().as_str()),
        cancel(&with(&keys.expired), &ended),
        cancel(&unable, &ended),
        (CANCEL, application.client.send("PUT", &format!("{MESSAGES}/{ended}"), None)),
    ]
}

/// A request, and its repetition while it is running.
fn running_twice(app: &App, application: &Application) -> [Answer; 2] {
    let lock = app.db.lock();
    thread::scope(|all| {
        let (answers, told) = mpsc::channel();
        for _ in 0..2 {
            let answers = answers.clone();
            all.spawn(move || answers.send(application.send(PHONE, "Once")).unwrap());
        }
        let repetition = told.recv().unwrap();
        drop(lock);
        [repetition, told.recv().unwrap()]
    })
}

/// Status, headers and body are as described.
#[track_caller]
fn assert_described(document: &Value, path: &str, answer: &Answer) {
    let what = format!("{} of {path}: {}", answer.status, answer.body);
    let responses = &operation(document, path)["responses"];
    let response = responses.get(answer.status.to_string()).unwrap_or_else(|| panic!("{what} is not described"));
    let response = resolve(document, response);
    for (name, header) in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let (value, header) = (answer.header(&name.to_lowercase()), resolve(document, header));
        if header["required"] == json!(false) && value.is_empty() {
            continue;
        }
        assert!(!value.is_empty(), "no {name} in {what}");
        let number = value.parse::<i64>().ok().filter(|_| header["schema"]["type"] == "integer");
        assert_fits(document, &header["schema"], &number.map_or_else(|| json!(value), |number| json!(number)));
    }
    match response.get("content") {
        None => assert_eq!(answer.body, "", "{what}"),
        Some(content) => {
            let media_type = &content[answer.header("content-type")];
            assert!(media_type.is_object(), "{} of {what}", answer.header("content-type"));
            assert_fits(document, &media_type["schema"], &answer.json());
        }
    }
}

on_both_databases! {
    fn every_answer_is_described_and_every_description_is_true(db: &Database) {
        let document = document();
        let (app, names) = (db.app(), operations(&document));
        let mut calls = calls(&app, db);
        calls.extend(names.iter().flat_map(|name| calls_that_are_stopped_before(&app, &document, name)));
        let mut seen = BTreeSet::new();
        for name in &names {
            assert_bad_head_is_described(&app, &document, name);
            seen.insert((&**name, "400".to_owned()));
        }
        for (path, answer) in &calls {
            assert_described(&document, path, answer);
            seen.insert((*path, answer.status.to_string()));
        }

        for name in &names {
            // No call finds a fault.
            let statuses = operation(&document, name)["responses"].as_object().unwrap().keys();
            for status in statuses.filter(|status| *status != "500") {
                assert!(seen.contains(&(&**name, status.clone())), "{name} never gave {status}");
            }
        }
    }

    fn a_callback_is_as_it_is_described(db: &Database) {
        let document = document();
        let described = &document["webhooks"]["messageEnded"]["post"];
        let schema = &described["requestBody"]["content"]["application/json"]["schema"];
        let callbacks = CallbackConfig { allowed: Networks::parse("127.0.0.1").unwrap(), ..CallbackConfig::default() };
        let (app, receiver) = (App::start_calling(db, callbacks, Clock::System), Receiver::start());
        let key = app.make_key("Project X");
        let path = format!("/api-keys/{}/callback", key.id);
        app.signed_in().post(&path, &[("url", &*receiver.url()), ("action", "save")]).assert_ok();
        let mut types = BTreeSet::new();

        let application = Application::with(&app, &key);
        for number in [PHONE, "+420777000998", "+420777000997", "+420777000995"] {
            application.sent(number, "Hello");
        }
        let fields = MessageFields { to: &[PHONE.to_owned()], text: "Hello", ..MessageFields::default() };
        let waiting = app.waiting(&key, &fields);
        application.client.send("DELETE", &format!("{MESSAGES}/{waiting}"), None).assert_ok();
        // One whose receipt is overdue.
        application.wait_for(&application.sent("+420777000994", "Hello"), &["sent"]);
        db.execute("UPDATE messages SET due_at = 1 WHERE recipient = '+420777000994'");

        for call in receiver.wait_for(6) {
            assert_fits(&document, schema, &call.json());
            types.insert(call.json()["type"].clone().to_string());
            for parameter in described["parameters"].as_array().unwrap() {
                let value = call.header(parameter["name"].as_str().unwrap());
                let start = parameter["schema"]["pattern"].as_str().unwrap().trim_start_matches('^');
                assert!(value.starts_with(start) || start.starts_with('['), "{parameter}: {value}");
                assert!(!value.is_empty(), "{parameter}");
            }
        }
        let all = resolve(&document, schema)["properties"]["type"]["examples"].as_array().unwrap();
        assert_eq!(types, all.iter().map(Value::to_string).collect());
    }

    fn the_examples_of_verdicts_have_the_members_of_real_ones(db: &Database) {
        let app = db.app();
        let keys = keys(&app, db);
        let document = document();
        let examples = &document["paths"]["/v1/keys/verify"]["post"]["responses"]["200"]["content"]["application/json"]["examples"];
        let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();

        let (elsewhere, unable) = (app.make_key_with_rules("*", "192.0.2.1"), app.make_key_with_rules("", ""));
        let question = json!({"key": unable.secret, "scopes": ["messages.send"]}).to_string();
        let verdict = app.anonymous().post_json("/v1/keys/verify", question).json();
        assert_eq!(members(&verdict), members(&examples["INSUFFICIENT_SCOPE"]["value"]));
        for (key, code) in [
            (&*keys.valid, "VALID"),
            (&keys.disabled, "DISABLED"),
            (&keys.expired, "EXPIRED"),
            (&elsewhere.secret, "IP_NOT_ALLOWED"),
            ("x", "NOT_FOUND"),
        ] {
            let example = &examples[code]["value"];
            assert_eq!(example["code"], code);
            assert_eq!(members(&app.verify(key)), members(example), "{code}");
        }
        assert_eq!(examples.as_object().unwrap().len(), 6);
    }

    fn any_method_but_trace_is_answered_like_get(db: &Database) {
        let app = db.app();
        let client = app.anonymous().with("x-api-key", &app.signed_in().create_key("Project X").secret);

        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
            client.send(method, "/v1/auth?service=sms", None).assert_ok().assert_header("x-auth-code", "VALID");
        }
        client.send("TRACE", "/v1/auth?service=sms", None).assert_problem(405, "METHOD_NOT_ALLOWED");
    }

    fn the_document_is_served_to_anybody_and_sent_again_only_when_it_changed(db: &Database) {
        let app = db.app();
        let answer = app.anonymous().get("/openapi.json").assert_ok().assert_header("cache-control", "public, max-age=300");
        let tag = answer.header("etag").to_owned();

        assert_eq!(answer.json(), document());
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = app.anonymous().with("if-none-match", &known).get("/openapi.json").assert_status(304);
            assert_eq!((again.body.as_str(), again.header("etag")), ("", &*tag), "{known}");
        }
        app.anonymous().with("if-none-match", "\"x\"").get("/openapi.json").assert_ok();
    }

    fn programs_are_told_of_a_wrong_method_as_programs(db: &Database) {
        let app = db.app();

        for path in ["/healthz", "/readyz", "/openapi.json"] {
            app.anonymous().post_json(path, "{}").assert_problem(405, "METHOD_NOT_ALLOWED").assert_header("allow", "GET");
        }
    }
}
