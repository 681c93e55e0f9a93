//! `POST /v1/introspect` (RFC 7662): resource servers that know OAuth ask whether a key is active.

use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::{Answer, App, Client, Database, Key, Wire, form, on_both_databases};

const PATH: &str = "/v1/introspect";
const FORM: &str = "application/x-www-form-urlencoded";
/// The bytes of every answer about what is not active.
const INACTIVE: &str = r#"{"active": false}"#;
/// Well-formed, and nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";
/// How long a test waits for uses to be written down, which is done every second and a half.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A resource server that is configured with a management key.
fn server(app: &App, manager: &Key) -> Client {
    app.anonymous().with("authorization", &basic(&manager.id, &manager.secret))
}

fn ask(server: &Client, token: &str) -> Answer {
    server.post(PATH, &[("token", token)]).assert_ok()
}

#[track_caller]
fn assert_inactive(server: &Client, token: &str) {
    assert_eq!(ask(server, token).body, INACTIVE, "{token}");
}

#[track_caller]
fn assert_active(server: &Client, token: &str) {
    assert_eq!(ask(server, token).json()["active"], true, "{token}");
}

#[track_caller]
fn assert_refused(server: &Client, code: &str) {
    let answer = server.post(PATH, &[("token", UNKNOWN)]).assert_problem(401, code);
    assert_eq!(answer.header("www-authenticate"), "Basic realm=\"keyfob\"");
}

/// A key of a service that there is, beside SMS.
fn key_of(app: &App, service: &str) -> Key {
    let key = app.make_key("Elsewhere");
    app.db.execute(&format!("UPDATE api_keys SET service = '{service}' WHERE id = '{}'", key.id));
    key
}

fn uses(db: &Database, key: &Key) -> Vec<String> {
    db.ask(&format!(
        "SELECT CAST(uses AS TEXT) || ' ' || address AS line FROM key_secret_usages JOIN key_secrets \
         ON key_secrets.id = key_secret_id WHERE api_key_id = '{}'",
        key.id
    ))
}

on_both_databases! {
    fn an_active_key_is_told_with_everything_about_it(db: &Database) {
        let app = App::start_behind(db, "https://keys.example.com");
        let server = server(&app, &app.make_management_key("introspect", "sms"));
        let key = app.make_key_with_rules("messages.send messages.read", "");
        let end = app.clock.now().plus_seconds(60).micros() + 999_999;
        db.execute(&format!("UPDATE api_keys SET name = 'Zoë \"&\" Co', expires_at = {end} WHERE id = '{}'", key.id));
        app.clock.advance(1);

        let answer = ask(&server, &key.secret);

        let account = app.verify(&key.secret)["account_id"].clone();
        let expected = json!({
            "active": true, "scope": "messages.read messages.send", "client_id": key.id, "sub": account,
            "username": "Zoë \"&\" Co", "token_type": "Bearer", "aud": "sms", "iss": "https://keys.example.com",
            "iat": 1_772_366_400, "exp": 1_772_366_460,
        });
        assert_eq!(answer.json(), expected);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
    }

    fn full_access_is_a_star_no_access_is_empty_and_a_key_without_end_has_none(db: &Database) {
        let app = db.app();
        let server = server(&app, &app.make_management_key("introspect", "*"));

        let (full, none) = (ask(&server, &app.make_key("Full").secret), app.make_key_with_rules("", ""));

        assert_eq!(full.json()["scope"], "*");
        assert_eq!(full.json().get("exp"), None, "{}", full.body);
        assert_eq!(full.json()["iss"], app.url);
        assert_eq!(ask(&server, &none.secret).json()["scope"], "");
    }

    fn everything_that_is_not_active_gets_the_same_bytes(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let manager = app.make_management_key("introspect", "sms");
        let (operator, server) = (app.signed_in(), server(&app, &manager));
        let [off, over, deleted] = ["Off", "Over", "Deleted"].map(|name| app.make_key(name));
        operator.switch(&off, "disabled");
        db.execute(&format!("UPDATE api_keys SET expires_at = 1 WHERE id = '{}'", over.id));
        operator.post(&format!("/api-keys/{}/deletion", deleted.id), &[]).assert_status(303);
        let theirs = app.another_account().create_key("Theirs");
        let elsewhere = key_of(&app, "mail");
        let listed = app.make_key_with_rules("*", "203.0.113.0/24");
        let (other_manager, long) = (app.make_management_key("*", "*"), "x".repeat(30_000));

        let mut answers = vec![
            server.post(PATH, &[("token", &listed.secret), ("client_ip", "198.51.100.7")]).assert_ok(),
            server.post(PATH, &[("token", &listed.secret), ("client_ip", "")]).assert_ok(),
            server.send("POST", PATH, Some((FORM, b"token=%FF%00"))).assert_ok(),
        ];
        for token in [
            UNKNOWN, "hunter2", "", " ", "😀", "\0", "a&token=b", &long, &listed.secret, &off.secret, &over.secret,
            &deleted.secret, &theirs.secret, &elsewhere.secret, &manager.secret, &other_manager.secret, &off.id,
        ] {
            answers.push(ask(&server, token));
        }

        for answer in answers {
            assert_eq!(answer.body, INACTIVE);
            let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            let expected = [
                "cache-control", "content-length", "content-security-policy", "content-type", "date",
                "referrer-policy", "x-content-type-options",
            ];
            assert_eq!(names, expected);
        }
        let here = [("token", &*listed.secret), ("client_ip", "203.0.113.7")];
        assert_eq!(server.post(PATH, &here).assert_ok().json()["client_id"], listed.id);
    }

    fn a_server_of_one_service_learns_nothing_of_another_one(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let [sms, mail] = [key_of(&app, "sms"), key_of(&app, "mail")];
        let asking = |services| server(&app, &app.make_management_key("introspect", services));

        for (services, knows_sms, knows_mail) in
            [("sms", true, false), ("mail", false, true), ("mail sms", true, true), ("*", true, true)]
        {
            let server = asking(services);
            // From the database, and from memory.
            for _ in 0..2 {
                for (key, is_known) in [(&sms, knows_sms), (&mail, knows_mail)] {
                    match is_known {
                        true => assert_active(&server, &key.secret),
                        false => assert_inactive(&server, &key.secret),
                    }
                }
            }
        }
    }

    fn the_caller_is_known_by_name_and_password_together_or_by_its_secret(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let [manager, other] = [(); 2].map(|()| app.make_management_key("introspect", "sms"));
        let with = |value: &str| app.anonymous().with("authorization", value);

        for value in [
            basic(&manager.id, &manager.secret),
            format!("bAsIc  {}", STANDARD.encode(format!("{}:{}", manager.id, manager.secret))),
            format!("Bearer {}", manager.secret),
        ] {
            assert_active(&with(&value), &key.secret);
        }
        for value in [
            basic(&other.id, &manager.secret),
            basic(&manager.id, &other.secret),
            basic("", &manager.secret),
            basic("keyfob", &manager.secret),
            basic(&manager.secret, ""),
            basic(&manager.id, ""),
            basic(&key.id, &key.secret),
            format!("Bearer {}", key.secret),
            format!("Bearer {UNKNOWN}"),
            format!("Basic\t{}", STANDARD.encode(format!("x:{}", manager.secret))),
            format!("Basic {}", STANDARD.encode(&manager.secret)),
            "Basic =".to_owned(),
        ] {
            assert_refused(&with(&value), "NOT_FOUND");
        }
        assert_refused(&app.anonymous(), "KEY_MISSING");
        assert_refused(&with("Digest a=b"), "KEY_MISSING");
        let fields = [("token", &*key.secret), ("client_id", &manager.id), ("client_secret", &manager.secret)];
        app.anonymous().post(PATH, &fields).assert_problem(401, "KEY_MISSING");
    }

    fn two_credentials_are_not_chosen_between(db: &Database) {
        let app = db.app();
        let manager = app.make_management_key("introspect", "sms");
        let line = format!("Authorization: {}\r\n", basic(&manager.id, &manager.secret));
        let status = |headers: &str| {
            let head = format!(
                "POST {PATH} HTTP/1.1\r\nHost: x\r\n{headers}Content-Type: {FORM}\r\nContent-Length: 7\r\n\r\ntoken=x"
            );
            Wire::to(&app.url).send(head.as_bytes()).read_head().split(' ').nth(1).unwrap().to_owned()
        };

        assert_eq!((status(&line), status(&line.repeat(2))), ("200".to_owned(), "401".to_owned()));
    }

    fn a_caller_without_the_scope_is_told_its_name(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let able = server(&app, &app.make_management_key("introspect", "sms"));
        let unable = server(&app, &app.make_management_key("keys.read usage.read", "sms"));

        assert_active(&able, &key.secret);
        let refused = unable.post(PATH, &[("token", &key.secret)]).assert_problem(403, "INSUFFICIENT_SCOPE");
        assert_eq!(refused.json()["missing"], json!(["introspect"]));
        assert!(refused.header("www-authenticate").contains("scope=\"introspect\""));
    }

    fn a_caller_that_is_switched_off_is_refused_on_the_next_call(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let manager = app.make_management_key("introspect", "sms");
        let (switch, server) = (app.gate_switch(), server(&app, &manager));

        for _ in 0..3 {
            assert_active(&server, &key.secret);
            switch.set(&manager, keyfob::domain::api_key::KeyStatus::Disabled);
            assert_refused(&server, "DISABLED");
            switch.set(&manager, keyfob::domain::api_key::KeyStatus::Enabled);
        }
        switch.delete(&manager);
        assert_refused(&server, "NOT_FOUND");
    }

    fn a_key_that_is_switched_off_is_inactive_on_the_next_call_and_active_when_it_is_on_again(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let (operator, server) = (app.signed_in(), server(&app, &app.make_management_key("introspect", "sms")));

        for _ in 0..3 {
            assert_active(&server, &key.secret);
            operator.switch(&key, "disabled");
            assert_inactive(&server, &key.secret);
            operator.switch(&key, "enabled");
        }
        operator.post("/services/sms/status", &[("status", "disabled")]).assert_status(303);
        assert_inactive(&server, &key.secret);
    }

    fn a_secret_that_was_replaced_is_active_until_its_end(db: &Database) {
        let app = db.app();
        let (key, operator) = (app.make_key("Project X"), app.signed_in());
        let server = server(&app, &app.make_management_key("introspect", "sms"));
        let made = app.clock.now().micros() / 1_000_000;
        app.clock.advance(100);
        let path = format!("/api-keys/{}/rotation", key.id);
        let id = operator.get(&path).page().field("secret_id");
        let rotated = operator.post(&path, &[("secret_id", &*id), ("grace", "86400")]).assert_ok();
        let new = rotated.page().text(".reveal .copyable__text[id^=key-secret]");

        let (old, new) = (ask(&server, &key.secret).json(), ask(&server, &new).json());

        assert_eq!((&old["iat"], &old["exp"]), (&json!(made), &json!(made + 100 + 86_400)));
        assert_eq!((&new["iat"], new.get("exp")), (&json!(made + 100), None));
        assert_eq!(old["client_id"], new["client_id"]);
        app.clock.advance(86_400);
        assert_inactive(&server, &key.secret);
    }

    fn what_is_no_question_says_what_to_send(db: &Database) {
        let app = db.app();
        let (key, server) = (app.make_key("Project X"), server(&app, &app.make_management_key("introspect", "sms")));
        let token = key.secret.as_str();
        let post = |kind, body: &str| server.send("POST", PATH, Some((kind, body.as_bytes())));

        for kind in ["application/json", "text/plain", "multipart/form-data", "application/x-www-form"] {
            let refused = post(kind, &form(&[("token", token)])).assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
            assert!(refused.body.contains(FORM), "{}", refused.body);
        }
        server.send("POST", PATH, None).assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
        for broken in [
            String::new(),
            "tokens=x".to_owned(),
            format!("token={token}&token={token}"),
            format!("token={token}&token="),
            format!("token={token}&client_ip=nowhere"),
            format!("token={token}&client_ip=192.0.2.1&client_ip=192.0.2.1"),
        ] {
            let refused = post(FORM, &broken).assert_problem(400, "BAD_REQUEST");
            assert!(!refused.body.contains(token), "{}", refused.body);
        }
        post(FORM, &format!("token={}", "x".repeat(41_000))).assert_problem(413, "PAYLOAD_TOO_LARGE");
        assert_eq!(post("Application/X-WWW-Form-Urlencoded; charset=UTF-8", &format!("token={token}")).status, 200);
    }

    fn other_parameters_are_passed_over_and_space_around_a_token_too(db: &Database) {
        let app = db.app();
        let (key, server) = (app.make_key("Project X"), server(&app, &app.make_management_key("introspect", "sms")));
        let more = |name: &'static str, value: &'static str| {
            let fields = [("token", &*key.secret), (name, value)];
            server.post(PATH, &fields).assert_ok().json()["active"].clone()
        };

        for (name, value) in [
            ("token_type_hint", "access_token"),
            ("token_type_hint", "nonsense"),
            ("client_id", "somebody"),
            ("resource", "https://api.example.com"),
            ("client_ip", "2001:db8::1"),
        ] {
            assert_eq!(more(name, value), true, "{name}");
        }
        assert_active(&server, &format!(" {}\r\n", key.secret));
    }

    fn nothing_is_read_from_the_address(db: &Database) {
        let app = db.app();
        let (key, manager) = (app.make_key("Project X"), app.make_management_key("introspect", "sms"));
        let (server, token) = (server(&app, &manager), key.secret.as_str());
        let credentials = format!("client_id={}&client_secret={}", manager.id, manager.secret);

        for client in [&server, &app.anonymous()] {
            for query in [&*format!("token={token}"), &credentials, &format!("access_token={}", manager.secret), "a"] {
                let refused = client.post(&format!("{PATH}?{query}"), &[("token", token)]);
                let refused = refused.assert_problem(400, "BAD_REQUEST");
                assert!(!refused.body.contains(token) && !refused.body.contains(&manager.secret), "{}", refused.body);
            }
        }
        server.post(&format!("{PATH}?"), &[("token", token)]).assert_ok();
    }

    fn no_other_method_is_taken(db: &Database) {
        let app = db.app();
        let server = server(&app, &app.make_management_key("introspect", "sms"));

        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let refused = server.send(method, PATH, None).assert_problem(405, "METHOD_NOT_ALLOWED");
            assert_eq!(refused.header("allow"), "POST");
        }
        assert_eq!(server.send("HEAD", PATH, None).status, 405);
    }

    fn an_answer_counts_as_a_use_of_an_active_key_and_of_no_other(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let (key, elsewhere) = (app.make_key("Project X"), key_of(&app, "mail"));
        let manager = app.make_management_key("introspect", "sms");
        let server = server(&app, &manager);

        for token in [&key.secret, &elsewhere.secret, &key.secret] {
            server.post(PATH, &[("token", token), ("client_ip", "203.0.113.9")]).assert_ok();
        }
        let wrong_user = app.anonymous().with("authorization", &basic("key_x", &manager.secret));
        assert_refused(&wrong_user, "NOT_FOUND");

        let began = Instant::now();
        while uses(db, &key) != ["2 203.0.113.9"] || uses(db, &manager) != ["3 127.0.0.1"] {
            assert!(began.elapsed() < PATIENCE, "{:?} {:?}", uses(db, &key), uses(db, &manager));
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(uses(db, &elsewhere), [""; 0]);
    }
}
