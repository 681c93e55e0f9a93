//! What looks like SQL, in every field and every filter.

use serde_json::json;

use crate::support::{Application, MESSAGES, PHONE, form, on_both_databases};

const NASTY: [&str; 8] = [
    "' OR '1'='1",
    "'; DROP TABLE messages; --",
    "\" OR \"\"=\"",
    "1) UNION SELECT hash FROM operator_passwords --",
    "%' AND 1=0 UNION ALL SELECT 1,2,3--",
    "\\'; SELECT pg_sleep(5); --",
    "$1 ?1 :1 {{7*7}} %s",
    "/**/OR/**/1=1#",
];

on_both_databases! {
    fn what_looks_like_sql_is_a_value_like_any_other(db: &Database) {
        let app = db.app();
        app.set_credits(10_000);
        let (client, application) = (app.signed_in(), Application::with(&app, &app.make_key("Project X")));
        let message = application.wait_for_end(&application.sent(PHONE, "Hello"));
        let operators = db.rows()["operators"].clone();

        for nasty in NASTY {
            // In a filter it fits nothing, or is refused; it never finds what it should not.
            for (path, name) in [
                ("/messages", "status"), ("/messages", "api_key"), ("/messages", "q"), ("/messages", "error"),
                ("/messages", "from"), ("/messages", "utc_offset"), ("/messages", "after"), ("/messages", "before"),
                ("/api-keys", "service"), ("/api-keys", "after"), ("/api-keys", "q"), ("/api-keys", "sort"),
                ("/api-keys", "made_by"), ("/api-keys", "made_before"), ("/api-keys", "is"), ("/credits", "after"), ("/connect", "service"),
                ("/audit", "actor"), ("/audit", "action"), ("/audit", "target"), ("/audit", "after"),
                ("/refusals", "key"), ("/refusals", "code"), ("/refusals", "after"), ("/refusals", "unknown"),
            ] {
                let answer = client.get(&format!("{path}?{}", form(&[(name, nasty)])));
                assert!(answer.status < 500, "{path} {name} {nasty}: {}", answer.status);
                assert!(!answer.body.contains("$argon2"), "{path} {name} {nasty}");
            }
            for name in ["status", "cursor"] {
                let path = format!("{MESSAGES}?{}", form(&[(name, nasty)]));
                application.client.get(&path).assert_problem(400, "BAD_REQUEST");
            }
            // In a field that takes any text it is kept as it is; elsewhere it is refused.
            let sent = application.post(&json!({"to": PHONE, "text": nasty, "reference": nasty})).assert_status(202).json();
            assert_eq!(sent["messages"][0]["reference"], nasty);
            let id = sent["messages"][0]["id"].as_str().unwrap().to_owned();
            assert!(client.get(&format!("/messages/{id}")).assert_ok().page().raw_text("main").contains(nasty), "{nasty}");
            application.post(&json!({"to": nasty, "text": "x"})).assert_problem(422, "INVALID");
            application.post(&json!({"to": PHONE, "text": "x", "from": nasty})).assert_problem(422, "INVALID");
            let key = client.create_key(nasty);
            app.assert_verdict(&key.secret, "VALID");
        }

        assert_eq!(db.rows()["operators"], operators);
        assert_eq!(db.count("messages"), 1 + NASTY.len());
        assert_eq!(application.show(&message), message);
        app.assert_ledger_adds_up();
    }
}
