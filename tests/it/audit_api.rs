//! `GET /v1/audit-events`: what a management key learns of changes.

use std::collections::BTreeSet;

use keyfob::domain::account::membership::Role;
use serde_json::{Value, json};

use crate::support::{App, Client, Key, on_both_databases, operator_id};

const PATH: &str = "/v1/audit-events";

fn manager(app: &App, services: &str) -> Client {
    app.anonymous().with("x-api-key", &app.make_management_key("audit.read", services).secret)
}

#[track_caller]
fn events(client: &Client, query: &str) -> Vec<Value> {
    let page = client.get(&format!("{PATH}?{query}")).assert_ok().json();
    page["audit_events"].as_array().unwrap().clone()
}

/// What was done to what, newest first.
#[track_caller]
fn told(client: &Client, query: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    events(client, query).iter().map(|event| (text(&event["action"]), text(&event["target_id"]))).collect()
}

fn of(actions: &[&str], key: &Key) -> Vec<(String, String)> {
    actions.iter().map(|action| ((*action).to_owned(), key.id.clone())).collect()
}

/// A key that was made, disabled and enabled, each a second after the other.
fn busy_key(app: &App, name: &str) -> Key {
    let (operator, key) = (app.signed_in(), app.make_key(name));
    for status in ["disabled", "enabled"] {
        app.clock.advance(1);
        operator.switch(&key, status);
    }
    app.clock.advance(1);
    key
}

const BUSY: [&str; 3] = ["api_key.enabled", "api_key.disabled", "api_key.created"];

on_both_databases! {
    fn an_event_is_told_as_the_export_has_it(db: &Database) {
        let app = db.app();
        let (operator, key) = (app.signed_in().with("user-agent", "Browser"), app.make_key("Project X"));
        operator.post(&key.status_path(), &[("status", "disabled"), ("reason", "unused")]).assert_status(303);
        let exported = operator.post("/audit.jsonl", &[("action", "api_key.disabled")]).assert_ok().body;

        let told = events(&manager(&app, "sms"), "action=api_key.disabled");

        assert_eq!(told, [serde_json::from_str::<Value>(exported.trim()).unwrap()]);
        assert_eq!(told[0]["changes"], json!({"status_reason": [null, "unused"]}));
        assert_eq!((&told[0]["actor_kind"], &told[0]["actor_name"]), (&json!("operator"), &json!("Ada")));
    }

    fn only_events_of_keys_within_the_bounds_are_told(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let (sms, mail) = (busy_key(&app, "SMS"), busy_key(&app, "Mail"));
        db.execute(&format!("UPDATE api_keys SET service = 'mail' WHERE id = '{}'", mail.id));
        app.another_account().create_key("Theirs");
        let management = app.make_management_key("*", "*");
        // People, settings, credits and services.
        let operator = app.signed_in();
        app.colleague(Role::Viewer, "grace@example.com");
        operator.invite("viewer", "");
        operator.post("/settings/name", &[("name", "Eve")]).assert_status(303);
        operator.post("/settings/limits", &[("messages_minute", "60")]);
        operator.post("/services/sms", &[("name", "Texts")]).assert_status(303);
        operator.post("/audit.csv", &[]).assert_ok();
        let both: BTreeSet<_> = of(&BUSY, &sms).into_iter().chain(of(&BUSY, &mail)).collect();

        assert_eq!(told(&manager(&app, "sms"), ""), of(&BUSY, &sms));
        assert_eq!(told(&manager(&app, "mail"), ""), of(&BUSY, &mail));
        for services in ["mail sms", "*"] {
            let told: BTreeSet<_> = told(&manager(&app, services), "limit=200").into_iter().collect();
            assert_eq!(told, both, "{services}");
        }
        let grace = operator_id(db, "grace@example.com");
        for query in [
            format!("target={}", mail.id),
            format!("target={}", management.id),
            format!("target={grace}"),
            "action=operators".to_owned(),
            "action=settings.changed".to_owned(),
            "action=services".to_owned(),
            "action=credits".to_owned(),
        ] {
            assert_eq!(told(&manager(&app, "sms"), &query), [], "{query}");
        }
        assert_eq!(told(&manager(&app, "*"), &format!("target={}", management.id)), []);
    }

    fn events_can_be_chosen_by_what_who_which_and_when(db: &Database) {
        let app = db.app();
        let (first, second) = (busy_key(&app, "First"), busy_key(&app, "Second"));
        let client = manager(&app, "sms");
        let ada = operator_id(db, "ada@example.com");

        assert_eq!(told(&client, &format!("target={}", second.id)), of(&BUSY, &second));
        let disabled = [of(&BUSY[1..2], &second), of(&BUSY[1..2], &first)].concat();
        assert_eq!(told(&client, "action=api_key.disabled"), disabled);
        assert_eq!(told(&client, "action=api_keys").len(), 6);
        assert_eq!(told(&client, "action=callbacks"), []);
        assert_eq!(told(&client, &format!("actor={ada}")).len(), 4);
        assert_eq!(told(&client, "actor=system").len(), 2, "tests make keys as the system");
        assert_eq!(told(&client, "actor=command_line"), []);
        // The first key is made at 12:00:00, disabled at :01, enabled at :02; the second from :03 on.
        assert_eq!(told(&client, "from=2026-03-01T12:00:03Z"), of(&BUSY, &second));
        assert_eq!(told(&client, "to=2026-03-01T13:00:03%2B01:00"), of(&BUSY, &first));
        assert_eq!(told(&client, "to=2026-03-01T13:00:03+01:00"), of(&BUSY, &first));
        let one = told(&client, "from=2026-03-01T12:00:01Z&to=2026-03-01T12:00:02Z&action=api_keys");
        assert_eq!(one, of(&BUSY[1..2], &first));
    }

    fn pages_lead_through_all_events(db: &Database) {
        let app = db.app();
        (0..3).for_each(|number| { busy_key(&app, &format!("Key {number}")); });
        let client = manager(&app, "sms");
        let all = events(&client, "");

        for limit in [1, 2, 4, 9, 200] {
            let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
            loop {
                let page = client.get(&format!("{PATH}?limit={limit}{cursor}")).assert_ok().json();
                seen.extend(page["audit_events"].as_array().unwrap().clone());
                pages += 1;
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&after={next}"),
                    None => break,
                }
            }
            assert_eq!((seen.len(), pages), (9, 9_usize.div_ceil(limit)));
            assert_eq!(seen, all);
        }
    }

    fn a_parameter_that_is_wrong_is_explained(db: &Database) {
        let app = db.app();
        let client = manager(&app, "sms");

        for wrong in [
            "limit=0", "limit=201", "limit=x", "after=x", "actor=%20", "action=everything", "target=a%20b",
            "from=yesterday", "to=2026-03-01", "account_id=x", "from=2026-03-01T12:00:00Z&from=2026-03-01T12:00:00Z",
        ] {
            client.get(&format!("{PATH}?{wrong}")).assert_problem(400, "BAD_REQUEST");
        }
        client.get(&format!("{PATH}?limit=200")).assert_ok();
        client.post(PATH, &[]).assert_problem(405, "METHOD_NOT_ALLOWED");
    }

    fn a_key_in_the_trash_still_tells_and_one_that_left_it_does_not(db: &Database) {
        let app = db.app();
        let (key, operator, client) = (app.make_key("Project X"), app.signed_in(), manager(&app, "*"));
        app.clock.advance(1);
        operator.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);

        assert_eq!(told(&client, ""), of(&["api_key.deleted", "api_key.created"], &key));
        operator.post(&format!("/api-keys/{}/purge", key.id), &[]).assert_status(303);
        assert_eq!(told(&client, ""), []);
    }

    fn only_a_management_key_with_the_scope_may_read(db: &Database) {
        let app = db.app();
        let with = |key: &Key| app.anonymous().with("x-api-key", &key.secret).get(PATH);

        app.anonymous().get(PATH).assert_problem(401, "KEY_MISSING");
        app.signed_in().get(PATH).assert_problem(401, "KEY_MISSING");
        with(&app.make_key("Project X")).assert_problem(401, "NOT_FOUND");
        let refused = with(&app.make_management_key("keys.read usage.read introspect", "*"));
        assert_eq!(refused.assert_problem(403, "INSUFFICIENT_SCOPE").json()["missing"], json!(["audit.read"]));
    }
}
