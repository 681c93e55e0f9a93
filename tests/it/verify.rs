//! `POST /v1/keys/verify`: does this key open this door?

use serde_json::{Value, json};

use crate::support::{Answer, App, Wire, on_both_databases};

/// Well-formed, and nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";

fn ask(app: &App, question: &Value) -> Answer {
    app.anonymous().post_json("/v1/keys/verify", question.to_string())
}

on_both_databases! {
    fn a_valid_key_is_told_with_everything_about_it(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");

        let verdict = app.verify(&key.secret);

        let account = verdict["account_id"].as_str().unwrap();
        assert!(account.starts_with("acc_"), "{verdict}");
        let expected = json!({
            "valid": true, "code": "VALID", "key_id": key.id, "name": "Project X", "service": "sms",
            "account_id": account, "mode": "live", "expires_at": null, "scopes": ["*"], "secret": "current", "external_id": null,
        });
        assert_eq!(verdict, expected);
    }

    fn a_disabled_key_is_told_by_its_id_alone(db: &Database) {
        let app = db.app();
        let operator = app.signed_in();
        let key = operator.create_key("Project X");

        operator.switch(&key, "disabled");

        assert_eq!(app.verify(&key.secret), json!({"valid": false, "code": "DISABLED", "key_id": key.id}));
    }

    fn a_key_that_is_enabled_again_works_again(db: &Database) {
        let app = db.app();
        let operator = app.signed_in();
        let key = operator.create_key("Project X");

        operator.switch(&key, "disabled");
        operator.switch(&key, "enabled");

        app.assert_verdict(&key.secret, "VALID");
    }

    fn a_key_expires_at_its_moment_and_not_before(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");
        let end = app.clock.now().plus_seconds(60).micros();
        db.execute(&format!("UPDATE api_keys SET expires_at = {end}"));

        app.clock.advance(59);
        assert_eq!(app.verify(&key.secret)["expires_at"], "2026-03-01T12:01:00.000000Z");
        app.clock.advance(1);

        assert_eq!(app.verify(&key.secret), json!({"valid": false, "code": "EXPIRED", "key_id": key.id}));
    }

    fn unknown_and_malformed_keys_look_alike(db: &Database) {
        let app = db.app();
        let nothing = json!({"valid": false, "code": "NOT_FOUND"});

        for key in [UNKNOWN, "", "sms_live_", "hunter2", "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aG", "😀", "\0"]
        {
            assert_eq!(app.verify(key), nothing, "{key}");
        }
    }

    fn a_key_opens_the_door_of_its_own_service_only(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let key = app.signed_in().create_key("Project X").secret;

        assert_eq!(ask(&app, &json!({"key": key, "service": "sms"})).json()["code"], "VALID");
        assert_eq!(
            ask(&app, &json!({"key": key, "service": "mail"})).json(),
            json!({"valid": false, "code": "NOT_FOUND"})
        );
        assert_eq!(ask(&app, &json!({"key": key, "service": "unheard-of"})).json()["code"], "NOT_FOUND");
    }

    fn a_key_in_the_address_is_not_looked_at(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X").secret;

        let answer = app.anonymous().post_json(&format!("/v1/keys/verify?key={key}"), r#"{"key":""}"#).assert_ok();

        assert_eq!(answer.json()["code"], "NOT_FOUND");
    }

    fn a_call_that_is_no_json_says_what_to_send(db: &Database) {
        let app = db.app();
        let nobody = app.anonymous();
        let post = |kind, body: &str| nobody.send("POST", "/v1/keys/verify", Some((kind, body.as_bytes())));

        for broken in ["", "{", "[]", "null", "{\"key\":\"\\ud800\"}", "{\"key\":1e400}", &"[".repeat(4000)] {
            post("application/json", broken).assert_problem(400, "BAD_REQUEST");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
            post(kind, r#"{"key":""}"#).assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
        }
        nobody.send("POST", "/v1/keys/verify", None).assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
        post("application/json; charset=utf-8", r#"{"key":""}"#).assert_ok();
    }

    fn a_list_is_no_question_though_its_places_would_fit(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X").secret;

        for list in [json!([key, "sms", null]), json!([key, "sms", "203.0.113.7"]), json!([key, null, null]), json!([key])] {
            for body in [list.to_string(), format!(" \r\n\t{list}")] {
                app.anonymous().post_json("/v1/keys/verify", body).assert_problem(400, "BAD_REQUEST");
            }
        }
        assert_eq!(ask(&app, &json!({"key": key, "service": "sms", "client_ip": null})).json()["code"], "VALID");
    }

    fn what_only_resembles_json_is_of_another_kind(db: &Database) {
        let app = db.app();
        let question = json!({"key": app.signed_in().create_key("Project X").secret}).to_string();
        let post = |kind| app.anonymous().send("POST", "/v1/keys/verify", Some((kind, question.as_bytes())));

        for kind in ["application/vnd.api+json", "application/x+json", "text/json", "application/jsonx", "json"] {
            post(kind).assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
        }
        for kind in ["application/json", "Application/JSON", "application/json;charset=utf-8", "application/json ; v=1"] {
            assert_eq!(post(kind).assert_ok().json()["code"], "VALID", "{kind}");
        }
    }

    fn space_and_line_breaks_around_a_key_are_passed_over_but_not_inside(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X").secret;

        for around in [format!(" {key}"), format!("{key}\n"), format!("{key}\r\n"), format!("\t{key}")] {
            app.assert_verdict(&around, "VALID");
        }
        let (start, end) = key.split_at(20);
        for broken in [format!("{key} {key}"), format!("{key}\n{key}"), format!("{start} {end}"), format!("{start}\n{end}")] {
            app.assert_verdict(&broken, "NOT_FOUND");
        }
    }

    fn a_call_with_other_members_is_refused(db: &Database) {
        let app = db.app();

        for (question, detail) in [
            (r#"{}"#, "missing field `key`"),
            (r#"{"key":"a","key":"b"}"#, "duplicate field `key`"),
            (r#"{"key":"a","servcie":"sms"}"#, "an unknown member at line 1 column 20"),
            (r#"{"key":"a","is_admin":true}"#, "an unknown member"),
            (r#"{"key":"a","client_ip":"nonsense"}"#, "a member has the wrong type"),
        ] {
            let answer = app.anonymous().post_json("/v1/keys/verify", question).assert_problem(400, "BAD_REQUEST");
            assert!(answer.json()["detail"].as_str().unwrap().contains(detail), "{}", answer.body);
        }
        app.anonymous().post_json("/v1/keys/verify", r#"{"key":"a","client_ip":"2001:db8::1"}"#).assert_ok();
    }

    fn a_key_in_the_wrong_place_is_not_repeated_in_the_answer(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X").secret;

        for question in [
            json!({"key": [key]}),
            json!({"key": {"key": key}}),
            json!([key]),
            json!(key),
            json!({"key": "x", "client_ip": key}),
            json!({"key": "x", "service": [key]}),
            json!({key.as_str(): "key"}),
        ] {
            let answer = ask(&app, &question).assert_problem(400, "BAD_REQUEST");
            assert!(!answer.body.contains(&key[9..]), "{question}: {}", answer.body);
        }
    }

    fn a_call_may_come_in_pieces(db: &Database) {
        let app = db.app();
        let question = json!({"key": app.make_key("Project X").secret}).to_string();
        let (one, other) = question.split_at(30);
        let head = "POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        let chunked = format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n1e\r\n{one}\r\n{:x}\r\n{other}\r\n0\r\n\r\n",
            other.len()
        );
        let whole = format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{question}", question.len());

        let mut wire = Wire::to(&app.url);
        let answers = wire.send(chunked.as_bytes()).send(whole.as_bytes()).read_all();

        assert_eq!(answers.matches("\"code\":\"VALID\"").count(), 2, "{answers}");
    }

    fn a_call_that_says_it_is_too_long_is_refused_before_it_comes(db: &Database) {
        let app = db.app();
        let head = "POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 40961\r\n\r\n";

        assert!(Wire::to(&app.url).send(head.as_bytes()).read_head().starts_with("HTTP/1.1 413"));
    }

    fn the_paths_of_the_gate_are_asked_as_they_are_written(db: &Database) {
        let app = db.app();
        let caller = app.anonymous().with("x-api-key", &app.make_key("Project X").secret);

        caller.get("/v1/auth?service=sms").assert_ok();
        for path in ["/v1/%61uth?service=sms", "/v1/auth/?service=sms", "/V1/AUTH?service=sms", "//v1/auth?service=sms"] {
            caller.get(path).assert_status(404);
        }
    }

    fn a_call_that_is_too_long_is_refused_whole_and_in_chunks(db: &Database) {
        let app = db.app();
        let long = json!({"key": "x".repeat(41_000)}).to_string();
        let chunked = format!(
            "POST /v1/keys/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
            long.len(),
        );

        app.anonymous().post_json("/v1/keys/verify", &long).assert_problem(413, "PAYLOAD_TOO_LARGE");

        assert!(Wire::to(&app.url).send(chunked.as_bytes()).read_head().starts_with("HTTP/1.1 413"));
        // What a client may send as a key in a header of the service.
        for length in [4_000, 10_000, 40_000] {
            let verdict = ask(&app, &json!({"key": "x".repeat(length)})).assert_ok().json();
            assert_eq!(verdict, json!({"valid": false, "code": "NOT_FOUND"}), "{length}");
        }
    }
}
