//! `POST /v1/keys/lookup`: which key is this?

use serde_json::{Value, json};

use crate::support::{Answer, App, Client, Key, on_both_databases};

const PATH: &str = "/v1/keys/lookup";
/// Well-formed, and nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";

fn manager(app: &App, services: &str) -> Client {
    app.anonymous().with("x-api-key", &app.make_management_key("keys.read", services).secret)
}

fn ask(client: &Client, question: &Value) -> Answer {
    client.post_json(PATH, question.to_string())
}

/// The SHA-256 of a key in hexadecimal digits, as another program works it out.
fn sha256(key: &Key) -> String {
    keyfob::store::Digest::of(key.secret.as_bytes()).to_hex()
}

fn base64url(hex: &str) -> String {
    use base64::Engine as _;
    let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

on_both_databases! {
    fn a_key_is_found_by_itself_or_by_its_digest(db: &Database) {
        let app = db.app();
        let (key, client) = (app.make_key("Project X"), manager(&app, "sms"));
        let (hex, secret) = (sha256(&key), key.secret.as_str());

        for question in [
            json!({"key": secret}),
            json!({"key": format!(" {secret}\n")}),
            json!({"sha256": hex}),
            json!({"sha256": hex.to_uppercase()}),
            json!({"sha256": base64url(&hex)}),
            json!({"sha256": format!("{}=", base64url(&hex))}),
            json!({"sha256": base64url(&hex).replace('-', "+").replace('_', "/")}),
        ] {
            let answer = ask(&client, &question).assert_ok();
            let found = answer.json();
            assert_eq!((&found["id"], &found["name"], &found["service"]), (&json!(key.id), &json!("Project X"), &json!("sms")));
            assert_eq!(found["secret_id"], found["secrets"][0]["id"]);
            assert!(!answer.body.contains(secret) && !answer.body.contains(&hex), "{}", answer.body);
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }

    fn what_is_beyond_the_bounds_is_not_found(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let (elsewhere, deleted) = (app.make_key("Elsewhere"), app.make_key("Deleted"));
        db.execute(&format!("UPDATE api_keys SET service = 'mail' WHERE id = '{}'", elsewhere.id));
        app.signed_in().post(&format!("/api-keys/{}/deletion", deleted.id), &[]).assert_status(303);
        let theirs = app.another_account().create_key("Theirs");
        let management = app.make_management_key("*", "*");
        let (sms, all) = (manager(&app, "sms"), manager(&app, "*"));

        let told = |client: &Client, secret: &str| {
            let mut problem = ask(client, &json!({"key": secret})).assert_problem(404, "NOT_FOUND").json();
            problem.as_object_mut().unwrap().remove("request_id");
            problem
        };
        let nothing = told(&sms, UNKNOWN);
        for secret in [&*elsewhere.secret, &deleted.secret, &theirs.secret, &management.secret, "hunter2", ""] {
            assert_eq!(told(&sms, secret), nothing);
        }
        for secret in [&theirs.secret, &management.secret] {
            assert_eq!(told(&all, secret), nothing);
        }
        ask(&all, &json!({"key": elsewhere.secret})).assert_ok();
        ask(&sms, &json!({"sha256": sha256(&elsewhere)})).assert_problem(404, "NOT_FOUND");
    }

    fn a_secret_that_was_replaced_is_told_from_the_current_one(db: &Database) {
        let app = db.app();
        let (key, operator, client) = (app.make_key("Project X"), app.signed_in(), manager(&app, "sms"));
        let path = format!("/api-keys/{}/rotation", key.id);
        let id = operator.get(&path).page().field("secret_id");
        operator.post(&path, &[("secret_id", &*id), ("grace", "86400")]).assert_ok();

        let found = ask(&client, &json!({"key": key.secret})).assert_ok().json();

        assert_eq!(found["id"], key.id);
        assert_eq!((&found["secrets"][0]["id"], &found["secrets"][0]["current"]), (&json!(id), &json!(true)));
        assert_eq!(found["secret_id"], found["secrets"][1]["id"]);
    }

    fn a_look_up_is_recorded_and_is_no_use_and_one_that_finds_nothing_changes_nothing(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let management = app.make_management_key("keys.read", "sms");
        let client = app.anonymous().with("x-api-key", &management.secret);
        let looked_up = || {
            db.ask(
                "SELECT actor_kind || ' ' || actor_id || ' ' || via || ' ' || target_id || ' ' || changes AS line \
                 FROM audit_events WHERE action = 'api_key.looked_up'",
            )
        };

        ask(&client, &json!({"key": UNKNOWN})).assert_status(404);
        ask(&client, &json!({"key": management.secret})).assert_status(404);
        assert_eq!(looked_up(), [""; 0]);
        let found = ask(&client, &json!({"key": key.secret})).assert_ok().json();

        assert_eq!(looked_up(), [format!("api_key {} api {} {{}}", management.id, key.id)]);
        assert_eq!((&found["last_used_at"], &found["secrets"][0]["uses"]), (&Value::Null, &json!(0)));
    }

    fn a_question_in_another_form_says_what_to_send(db: &Database) {
        let app = db.app();
        let (key, client) = (app.make_key("Project X"), manager(&app, "sms"));
        let (hex, secret) = (sha256(&key), key.secret.as_str());

        for question in [json!({}), json!({"key": secret, "sha256": hex}), json!({"secret": secret}), json!({"key": 1})] {
            let refused = ask(&client, &question).assert_problem(400, "BAD_REQUEST");
            assert!(!refused.body.contains(secret), "{}", refused.body);
        }
        for wrong in ["", "x", &hex[1..], &format!("{hex}0"), &format!("ä{}", &hex[..42]), secret] {
            let refused = ask(&client, &json!({"sha256": wrong})).assert_problem(422, "INVALID");
            assert_eq!(refused.json()["errors"][0]["field"], "sha256", "{wrong}");
            assert!(!refused.body.contains(secret), "{}", refused.body);
        }
        client.post(PATH, &[("key", secret)]).assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
        client.get(PATH).assert_problem(405, "METHOD_NOT_ALLOWED");
    }

    fn only_a_management_key_with_the_scope_may_ask(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let question = json!({"key": key.secret});
        let unable = app.make_management_key("introspect audit.read usage.read", "*");
        let with = |secret: &str| app.anonymous().with("x-api-key", secret);

        ask(&app.anonymous(), &question).assert_problem(401, "KEY_MISSING");
        ask(&with(&key.secret), &question).assert_problem(401, "NOT_FOUND");
        let refused = ask(&with(&unable.secret), &question).assert_problem(403, "INSUFFICIENT_SCOPE");
        assert_eq!(refused.json()["missing"], json!(["keys.read"]));
    }
}
