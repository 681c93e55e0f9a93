//! `GET /v1/usage`: how often a key was used, for programs.

use diesel::prelude::*;
use keyfob::domain::api_key::usage::{self, NewUses, SecretUsage};
use keyfob::store::UtcTime;
use keyfob::store::schema::key_secrets;
use serde_json::{Value, json};

use crate::support::{App, Client, Database, Key, on_both_databases};

const PATH: &str = "/v1/usage";

fn manager(app: &App, services: &str) -> Client {
    app.anonymous().with("x-api-key", &app.make_management_key("usage.read", services).secret)
}

/// So many uses of a key, seconds from now.
fn use_key(app: &App, key: &Key, uses: i64, seconds: i64) {
    let conn = &mut app.db.conn();
    let secret = key_secrets::table.filter(key_secrets::api_key_id.eq(&key.id)).select(key_secrets::id);
    let usage = SecretUsage {
        key_secret_id: secret.first(conn).unwrap(),
        uses,
        last_used_at: app.clock.now().plus_seconds(seconds),
        address: String::new(),
        user_agent: String::new(),
    };
    usage::add(conn, vec![NewUses { api_key_id: key.id.parse().unwrap(), usage }]).unwrap();
}

/// As if counting had begun then.
fn counted_since(db: &Database, time: UtcTime) {
    db.execute(&format!("UPDATE key_use_counting SET since = {}", time.micros()));
}

#[track_caller]
fn told(client: &Client, key: &Key, more: &str) -> Value {
    client.get(&format!("{PATH}?key_id={}{more}", key.id)).assert_ok().json()
}

fn periods(rows: &[(&str, i64)]) -> Value {
    rows.iter().map(|(from, uses)| json!({"from": from, "uses": uses})).collect()
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

on_both_databases! {
    fn uses_are_told_by_day_or_by_hour_with_the_time_from_which_they_are_complete(db: &Database) {
        let app = db.app();
        let (key, client) = (app.make_key("Project X"), manager(&app, "sms"));
        counted_since(db, app.clock.now().plus_seconds(-3 * DAY));
        for (uses, seconds) in [(5, -2 * DAY), (3, -HOUR), (4, -HOUR), (1, 0)] {
            use_key(&app, &key, uses, seconds);
        }

        let (by_day, by_hour) = (told(&client, &key, ""), told(&client, &key, "&by=hour"));

        assert_eq!(by_day, json!({
            "key_id": key.id, "by": "day", "counted_since": "2026-02-26T12:00:00.000000Z", "uses": 13,
            "periods": periods(&[("2026-02-27T00:00:00.000000Z", 5), ("2026-03-01T00:00:00.000000Z", 8)]),
        }));
        assert_eq!(told(&client, &key, "&by=day"), by_day);
        assert_eq!(by_hour["counted_since"], "2026-02-27T12:00:00.000000Z", "hours are kept for two days");
        assert_eq!(by_hour["uses"], 13);
        assert_eq!(by_hour["periods"], periods(&[
            ("2026-02-27T12:00:00.000000Z", 5),
            ("2026-03-01T11:00:00.000000Z", 7),
            ("2026-03-01T12:00:00.000000Z", 1),
        ]));
    }

    fn a_key_that_was_never_used_has_no_periods(db: &Database) {
        let app = db.app();
        counted_since(db, app.clock.now());
        let told = told(&manager(&app, "sms"), &app.make_key("Project X"), "");
        assert_eq!((&told["uses"], &told["periods"]), (&json!(0), &json!([])));
        assert_eq!(told["counted_since"], "2026-03-01T12:00:00.000000Z");
    }

    fn the_time_can_be_narrowed_from_a_beginning_to_before_an_end(db: &Database) {
        let app = db.app();
        let (key, client) = (app.make_key("Project X"), manager(&app, "sms"));
        (0..5).for_each(|hours| use_key(&app, &key, 1, -hours * HOUR));
        let hours = |query: &str| told(&client, &key, &format!("&by=hour{query}"))["uses"].clone();

        assert_eq!(hours(""), 5);
        assert_eq!(hours("&from=2026-03-01T10:00:00Z"), 3);
        assert_eq!(hours("&to=2026-03-01T10:00:00Z"), 2);
        assert_eq!(hours("&from=2026-03-01T10:00:00Z&to=2026-03-01T11:00:00Z"), 1);
        assert_eq!(hours("&from=2026-03-01T11:00:00%2B01:00&to=2026-03-01T11:00:00Z"), 1);
        assert_eq!(hours("&from=2026-03-01T11:00:00Z&to=2026-03-01T11:00:00Z"), 0);
        assert_eq!(hours("&from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59Z"), 5);
    }

    fn a_key_beyond_the_bounds_looks_as_if_it_were_not_there(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let (key, elsewhere, deleted) = (app.make_key("Project X"), app.make_key("Mail"), app.make_key("Deleted"));
        db.execute(&format!("UPDATE api_keys SET service = 'mail' WHERE id = '{}'", elsewhere.id));
        app.signed_in().post(&format!("/api-keys/{}/deletion", deleted.id), &[]).assert_status(303);
        let theirs = app.another_account().create_key("Theirs");
        let management = app.make_management_key("*", "*");
        let (sms, all) = (manager(&app, "sms"), manager(&app, "*"));
        let refused = |client: &Client, id: &str| {
            client.get(&format!("{PATH}?key_id={id}")).assert_problem(404, "NOT_FOUND");
        };

        told(&sms, &key, "");
        for id in [&*elsewhere.id, &theirs.id, &deleted.id, &management.id, "key_00000000000000000000000000", "x", ""] {
            refused(&sms, id);
        }
        told(&all, &elsewhere, "");
        for id in [&theirs.id, &management.id] {
            refused(&all, id);
        }
    }

    fn a_parameter_that_is_wrong_is_explained(db: &Database) {
        let app = db.app();
        let (key, client) = (app.make_key("Project X"), manager(&app, "sms"));

        client.get(PATH).assert_problem(400, "BAD_REQUEST");
        for wrong in ["by=week", "by=", "from=x", "to=2026-03-01", "limit=1", "by=day&by=day"] {
            client.get(&format!("{PATH}?key_id={}&{wrong}", key.id)).assert_problem(400, "BAD_REQUEST");
        }
        client.post(PATH, &[]).assert_problem(405, "METHOD_NOT_ALLOWED");
    }

    fn only_a_management_key_with_the_scope_may_read(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let with = |asking: &Key| {
            app.anonymous().with("x-api-key", &asking.secret).get(&format!("{PATH}?key_id={}", key.id))
        };

        app.anonymous().get(PATH).assert_problem(401, "KEY_MISSING");
        with(&key).assert_problem(401, "NOT_FOUND");
        let refused = with(&app.make_management_key("keys.read audit.read introspect", "*"));
        assert_eq!(refused.assert_problem(403, "INSUFFICIENT_SCOPE").json()["missing"], json!(["usage.read"]));
    }
}
