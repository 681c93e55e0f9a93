//! Looking changes nothing, wherever one looks (ASVS 3.5.3).

use std::collections::BTreeSet;

use keyfob::domain::api_key::ApiKeyId;
use keyfob::domain::message::MessageId;

use crate::support::{App, Client, Key, form, on_both_databases, routes};

/// Everywhere that an answer leads to: links, files, redirects, and what forms
/// and htmx ask for.
fn links(client: &Client, path: &str) -> Vec<String> {
    let answer = client.get(path);
    let mut found = vec![answer.location().to_owned()];
    if answer.header("content-type").starts_with("text/html") {
        let page = answer.page();
        for attribute in ["href", "src", "action", "hx-get", "hx-post"] {
            found.extend(page.attrs(&format!("[{attribute}]"), attribute));
        }
        let filters = page.attrs("select[name=service] option", "value");
        found.extend(filters.iter().map(|slug| format!("/api-keys?service={slug}")));
    }
    // Fonts and pictures lead nowhere.
    found.retain(|link| link.starts_with('/') && ![".woff2", ".png", ".ico"].iter().any(|end| link.ends_with(end)));
    found
}

/// Every address that is found from the front door.
fn crawl(client: &Client) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec!["/".to_owned()];
    while let Some(path) = waiting.pop() {
        if seen.insert(path.clone()) {
            waiting.extend(links(client, &path));
        }
    }
    seen
}

/// A dashboard with more keys than a page shows.
fn busy(app: &App) -> (Client, Key) {
    let client = app.signed_in();
    let key = client.create_key("Project X");
    client.switch(&key, "disabled");
    for n in 0..50 {
        let id = ApiKeyId::mint().to_string();
        let fields = [("key_id", &*id), ("service", "sms"), ("name", &*format!("Project {n}"))];
        client.htmx("form#api-key-form").post("/api-keys", &fields).assert_ok();
    }
    let id = MessageId::mint().to_string();
    let fields = [("form_id", &*id), ("to", "+420777123456"), ("text", "Hello"), ("mode", "test")];
    client.post("/messages", &fields).assert_status(303);
    while !client.get("/messages").page().has(".status--delivered") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // Takes the last message away.
    client.get("/api-keys").assert_ok();
    (client, key)
}

on_both_databases! {
    fn following_every_link_by_get_or_head_changes_nothing(db: &Database) {
        let app = db.app();
        let (client, key) = busy(&app);
        while !db.ask("SELECT id AS line FROM message_count_changes").is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let before = db.rows();

        let found = crawl(&client);

        let of_the_table = routes().into_iter().map(|route| route.path(&key.id));
        for path in found.iter().cloned().chain(of_the_table).collect::<BTreeSet<_>>() {
            for client in [&client, &client.htmx("a"), &client.stranger()] {
                client.send("GET", &path, None);
                client.send("HEAD", &path, None);
            }
        }
        assert_eq!(db.rows(), before);
        client.get("/settings").assert_ok();
        for part in ["/settings", "/api-keys/new?service=sms", "/api-keys?after=", "/api-keys?service=sms", "/static/", "/status", "/messages/msg_", "/messages/new", "/credits", "/audit?actor=", "/audit?target=", "/refusals", "/automate/new"] {
            assert!(found.iter().any(|path| path.contains(part)), "the crawl missed {part}: {found:?}");
        }
    }

    fn what_a_form_would_send_changes_nothing_in_an_address(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let new = ApiKeyId::mint().to_string();
        let before = db.rows();

        let fields =
            [("status", "disabled"), ("name", "Eve"), ("key_id", &*new), ("service", "sms"), ("_method", "POST")];
        for route in routes() {
            let path = format!("{}?{}", route.path(&key.id), form(&fields));
            for method in ["GET", "HEAD"] {
                client.send(method, &path, None);
                client.with("x-http-method-override", "POST").send(method, &path, None);
            }
        }

        assert_eq!(db.rows(), before);
        client.switch(&key, "disabled");
        assert_ne!(db.rows(), before);
    }
}
