//! `POST /v1/keys/verify`: does this key open this door?

use serde_json::{Value, json};

use crate::support::{Answer, App, on_both_databases};

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
            "account_id": account, "mode": "live", "expires_at": null,
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
        assert_eq!(app.verify(&key.secret)["expires_at"], "2026-03-01T12:01:00Z");
        app.clock.advance(1);

        assert_eq!(app.verify(&key.secret), json!({"valid": false, "code": "EXPIRED", "key_id": key.id}));
    }

    fn unknown_and_malformed_keys_look_alike(db: &Database) {
        let app = db.app();
        let nothing = json!({"valid": false, "code": "NOT_FOUND"});

        for key in [UNKNOWN, "", "sms_live_", "hunter2", "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aG", "😀", "\0"] {
            assert_eq!(app.verify(key), nothing, "{key}");
        }
    }

    fn a_key_opens_the_door_of_its_own_service_only(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let key = app.signed_in().create_key("Project X").secret;

        assert_eq!(ask(&app, &json!({"key": key, "service": "sms"})).json()["code"], "VALID");
        assert_eq!(ask(&app, &json!({"key": key, "service": "mail"})).json(), json!({"valid": false, "code": "NOT_FOUND"}));
        assert_eq!(ask(&app, &json!({"key": key, "service": "unheard-of"})).json()["code"], "NOT_FOUND");
    }
}
