//! Accounts: none sees or changes anything of another one, on any route.

use std::collections::BTreeSet;

use keyfob::domain::message::MessageId;

use crate::origin::{Ids, WRITES, send};
use crate::roles::{Needs, table};
use crate::support::{
    Answer, App, Database, EMAIL, Key, Route, Rows, UNKNOWN_INVITATION, UNKNOWN_OPERATOR, form, on_both_databases,
    routes,
};

/// In every text that the first account has written.
const MARKER: &str = "Zanzibar";
const PHONE: &str = "+420777000777";
const ADDRESS: &str = "198.51.100.77";

/// What the first account has, by which others could name it.
struct Things {
    key: Key,
    /// All ids of its account, people, keys, messages, ledger entries and audit events.
    ids: BTreeSet<String>,
    /// One of each, and a key that was deleted: what the requests name.
    named: BTreeSet<String>,
}

/// Gives the first account one of everything.
fn fill(app: &App) -> Things {
    let db = app.db;
    db.execute("UPDATE accounts SET name = 'Zanzibar Ltd'");
    db.execute("UPDATE operators SET name = 'Ada Zanzibar'");
    let client = app.signed_in().with("user-agent", "Zanzibar browser");
    let (key, deleted) = (client.create_key("Zanzibar key"), client.create_key("Zanzibar key of yesterday"));
    let path = format!("/api-keys/{}", key.id);
    let said = |fields: &[(&str, &str)], to: &str| {
        let status = client.post(&format!("{path}{to}"), fields).status;
        assert!(matches!(status, 200 | 303), "{to}: {status}");
    };
    said(&[("version", "1"), ("name", "Zanzibar key"), ("description", "For Zanzibar")], "");
    said(&[("default_sender", MARKER)], "/default-sender");
    said(&[("url", "https://zanzibar.example/sms"), ("action", "save")], "/callback");
    client.hand_over(&key);
    client.invite("viewer", "zanzibar@example.com");
    let verify = serde_json::json!({ "key": key.secret, "client_ip": ADDRESS });
    app.anonymous().post_json("/v1/keys/verify", verify.to_string()).assert_ok();
    said(&[("allowed_ips", "198.51.100.76")], "/allowed-ips");
    app.anonymous().post_json("/v1/keys/verify", verify.to_string()).assert_ok();
    let secret_id = client.get(&format!("{path}/rotation")).page().field("secret_id");
    said(&[("secret_id", &*secret_id), ("grace", "86400")], "/rotation");
    client.post(&format!("/api-keys/{}/deletion", deleted.id), &[]).assert_status(303);
    let sent = [
        ("form_id", MessageId::mint().to_string()),
        ("to", PHONE.to_owned()),
        ("text", "From Zanzibar".to_owned()),
        ("mode", "live".to_owned()),
    ];
    client.post("/messages", &sent.each_ref().map(|(name, value)| (*name, value.as_str()))).assert_status(303);
    while !client.get("/messages").page().has(".status--delivered") {
        std::thread::yield_now();
    }
    // They are added up in the background.
    while db.count("message_count_changes") > 0 {
        std::thread::yield_now();
    }
    let entry = client.get("/credits").page().field("entry_id");
    client.post("/credits", &[("entry_id", &*entry), ("amount", "5"), ("note", "Zanzibar invoice")]).assert_status(303);
    while !client.get(&path).body.contains(ADDRESS) {
        std::thread::yield_now();
    }

    let mut ids = BTreeSet::from([deleted.id.clone(), key.id.clone()]);
    let mut named = ids.clone();
    for table in ["accounts", "operators", "key_secrets", "messages", "ledger_entries", "audit_events", "invitations"] {
        let found = db.ask(&format!("SELECT id AS line FROM {table}"));
        named.insert(found[0].clone());
        ids.extend(found);
    }
    Things { key, ids, named }
}

/// Nothing of the first account is in an answer, but what the request itself has named.
#[track_caller]
fn assert_tells_nothing(answer: &Answer, things: &Things, request: &str) {
    let (body, request) = (answer.body.to_lowercase(), request.replace("%2B", "+"));
    let texts = [MARKER, PHONE, ADDRESS, EMAIL, &things.key.secret];
    for told in texts.into_iter().chain(things.ids.iter().map(String::as_str)) {
        let is_told = body.contains(&told.to_lowercase()) && !request.contains(told);
        assert!(!is_told, "{request} tells {told}: {}", answer.body);
    }
}

/// Whether a route is about one of an account's things, which it names.
fn is_of_object(route: &Route) -> bool {
    ["{id}", "{operator}", "{invitation}"].iter().any(|part| route.pattern().contains(part))
}

/// What lists and pages read from their addresses, with the first account's things in it.
fn queries(things: &Things) -> BTreeSet<String> {
    let missed = format!("missed=disabled.{}", things.key.id);
    let mut queries = BTreeSet::from([String::new(), "q=From".to_owned(), form(&[("q", PHONE)]), missed]);
    for id in &things.named {
        queries.extend(["api_key", "target", "actor", "after", "before"].map(|name| format!("{name}={id}")));
        for time in [0, i64::MAX] {
            queries.extend(["after", "before"].map(|name| format!("{name}={time}.{id}")));
        }
    }
    queries
}

/// Every row that there was still is there, as it was.
#[track_caller]
fn assert_untouched(db: &Database, before: &Rows) {
    let after = db.rows();
    for (table, rows) in before {
        for row in rows {
            assert!(after[table].contains(row), "{table} lost or changed {row}");
        }
    }
}

on_both_databases! {
    fn another_account_finds_nothing_of_the_first_by_any_route(db: &Database) {
        let app = db.app();
        let things = fill(&app);
        let other = app.another_account();
        let theirs = other.create_key("Theirs");
        let owner = app.signed_in();
        let mut shown_to_owner = BTreeSet::new();

        for (route, method, needs) in table() {
            if method != "GET" || matches!(needs, Needs::Anybody) {
                continue;
            }
            let of_object = is_of_object(&route);
            let asked = if of_object { BTreeSet::from([String::new()]) } else { queries(&things) };
            for id in things.named.iter().take(if of_object { usize::MAX } else { 1 }) {
                if owner.get(&route.path(id)).body.contains(MARKER) {
                    shown_to_owner.insert(route.pattern());
                }
                for query in &asked {
                    let address = format!("{}?{query}", route.path(id).replace("{action}", "remove"));
                    for client in [&other, &other.htmx("a")] {
                        let answer = client.get(&address);
                        assert_tells_nothing(&answer, &things, &address);
                        assert!(!of_object || answer.status == 404, "{address}: {}", answer.status);
                    }
                }
            }
        }
        for page in ["/api-keys", "/api-keys/{id}", "/messages", "/messages.csv", "/messages/{id}", "/credits", "/people", "/audit"] {
            assert!(shown_to_owner.contains(page), "{page} shows its own account nothing: {shown_to_owner:?}");
        }
        let caller = other.stranger().with("x-api-key", &theirs.secret);
        for route in routes().iter().filter(|route| route.takes_get && route.pattern().starts_with("/v1/")) {
            for path in things.named.iter().map(|id| route.path(id)) {
                assert_tells_nothing(&caller.get(&path), &things, &path);
            }
        }
    }

    fn another_account_changes_nothing_of_the_first_by_any_route(db: &Database) {
        let app = db.app();
        let things = fill(&app);
        let before = db.rows();
        let other = app.another_account();

        for (route, method, needs) in table() {
            if method != "POST" || matches!(needs, Needs::Anybody) || route.pattern() == "/logout" {
                continue;
            }
            let written = route.path("ID");
            let write = WRITES.iter().find(|(path, _)| *path == written).unwrap();
            for id in &things.named {
                let key = Key { id: id.clone(), secret: things.key.secret.clone() };
                for client in [&other, &other.htmx("button")] {
                    let named = |unknown: &str| {
                        let is_of_kind = id.split('_').next() == unknown.split('_').next();
                        if is_of_kind { id.clone() } else { unknown.to_owned() }
                    };
                    let ids = Ids {
                        key: key.clone(),
                        form: things.key.id.clone(),
                        person: named(UNKNOWN_OPERATOR),
                        invitation: named(UNKNOWN_INVITATION),
                    };
                    let answer = send(client, &ids, write);
                    assert_tells_nothing(&answer, &things, &format!("{method} {written} {id} {}", things.key.id));
                    assert!(!is_of_object(&route) || answer.status == 404, "{written}: {}", answer.status);
                }
            }
        }
        for name in ["target", "actor"] {
            for id in &things.named {
                let file = other.post("/audit.jsonl", &[(name, id)]).assert_ok();
                assert!(!file.body.contains(MARKER), "{}", file.body);
            }
        }

        assert_untouched(db, &before);
        let of_others: Vec<_> = db.rows().into_values().flatten().filter(|row| row.contains(MARKER)).collect();
        assert!(of_others.iter().all(|row| before.values().flatten().any(|known| known == row)), "{of_others:?}");
    }
}
