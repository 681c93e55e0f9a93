//! The catalogue of a service: the scopes that its keys can have.

use std::thread;

use diesel::connection::SimpleConnection;
use keyfob::domain::account;
use keyfob::domain::api_key::{self, ApiKeyId, NewApiKey, Scopes};

use crate::support::{Answer, App, Client, Database, Key, change, on_both_databases};

const PAGE: &str = "/services/mail";
const SCOPES: &str = "/services/mail/scopes";

#[track_caller]
fn add(client: &Client, scope: &str, description: &str) -> Answer {
    client.post(SCOPES, &[("scope", scope), ("description", description)])
}

/// A service with two scopes of which one begins as the other.
fn with_scopes(app: &App) -> Client {
    app.add_service("mail", "Mail");
    let client = app.signed_in();
    add(&client, "boxes.read", "Read the boxes").assert_leads_to(PAGE);
    add(&client, "boxes_read", "Looks alike").assert_leads_to(PAGE);
    client
}

/// Makes a key of the service that has these scopes.
#[track_caller]
fn make_key(db: &Database, name: &str, scopes: &[&str]) -> ApiKeyId {
    let conn = &mut db.conn();
    let account = account::first(conn).unwrap();
    let new = NewApiKey::parse(ApiKeyId::mint().as_str(), "mail", "live", name, "").unwrap();
    let id: ApiKeyId = change(conn, keyfob::store::UtcTime::from_micros(0), |tx| {
        let id = match api_key::create(tx, &account, None, new)? {
            api_key::Creation::Made(entry, _) => entry.key.id,
            api_key::Creation::Repeated => panic!("the key was there"),
        };
        api_key::set_scopes(tx, &account, &id, &Scopes::parse(scopes.iter().copied())?, None)?;
        Ok(id)
    });
    id
}

fn held(db: &Database) -> Vec<String> {
    db.ask("SELECT name || ': ' || scopes AS line FROM api_keys WHERE service = 'mail' ORDER BY name")
}

fn events(db: &Database) -> Vec<String> {
    let sql = "SELECT action || ' ' || target_name || ' ' || changes AS line FROM audit_events \
               WHERE action LIKE '%scope%' AND actor_kind = 'operator' ORDER BY action, target_name";
    db.ask(sql)
}

/// How many scopes the services of operators have; those of management keys are Keyfob's own.
fn count(db: &Database) -> usize {
    db.rows()["service_scopes"].iter().filter(|row| !row.contains("keyfob")).count()
}

on_both_databases! {
    fn sms_has_the_scopes_that_keyfobs_own_api_asks_for_and_keeps_them(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let scopes = ["balance.read", "messages.read", "messages.send"];

        let page = client.get("/services/sms").assert_ok().page();

        assert_eq!(page.texts(".scope__name"), scopes);
        assert!(page.text("main").contains("asks for balance.read, messages.read and messages.send, so they can’t be deleted"));
        for scope in scopes {
            let deletion = format!("/services/sms/scopes/{scope}/deletion");
            assert!(!page.has(&format!("[href='{deletion}']")));
            let question = client.get(&deletion).assert_ok().page();
            assert!(question.text("main").contains("can’t be deleted") && !question.has(".btn--danger"));
            client.post(&deletion, &[]).assert_status(422);
        }
        assert_eq!(count(db), 3);
        add(&client.at(&app.url), "x", "x").assert_status(404);
    }

    fn a_scope_that_is_added_is_in_the_table_by_its_name(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let client = app.signed_in();
        assert!(client.get(PAGE).page().text("#scopes").contains("No scopes yet"));

        add(&client, " boxes.write ", " Write <b>boxes</b> ").assert_leads_to(PAGE);
        let page = client.get(PAGE).page();
        add(&client, "boxes.read", "Read boxes").assert_leads_to(PAGE);

        assert_eq!(page.toasts(), ["Success. Scope “boxes.write” added."]);
        let page = client.get(PAGE).page();
        assert_eq!(page.texts(".scope__name"), ["boxes.read", "boxes.write"]);
        assert_eq!(page.texts(".scope__description"), ["Read boxes", "Write <b>boxes</b>"]);
        assert!(!page.has("#scopes details[open]"), "the form is folded away");
        assert_eq!(client.get("/services/sms").page().texts(".scope__name").len(), 3, "another service has its own");
    }

    fn a_scope_that_is_refused_comes_back_with_a_message(db: &Database) {
        let app = db.app();
        let client = with_scopes(&app);
        let longest = "x".repeat(64);
        let too_long = "x".repeat(65);

        for wrong in ["", " ", "*", "Boxes", ".a", "a b", "boxes.*", "a/b", "é", &too_long] {
            let page = add(&client, wrong, "Typed").assert_status(422).page();
            assert!(page.has("#scope-name-error") && page.has("#scopes details[open]"), "{wrong:?}");
            assert_eq!((page.field("scope"), page.field("description")), (wrong.to_owned(), "Typed".to_owned()));
        }
        let page = add(&client, "boxes.send", "").assert_status(422).page();
        assert_eq!(page.text("#scope-description-error"), "What it allows is required.");
        let page = add(&client, "boxes.read", "Other words").assert_status(422).page();
        assert_eq!(page.text("#scope-name-error"), "This service already has the scope “boxes.read”.");
        assert_eq!(count(db), 3 + 2);
        for fine in [&*longest, "0", "a_b-c:d.e"] {
            add(&client, fine, "Fine").assert_leads_to(PAGE);
        }
    }

    fn fifty_scopes_are_the_most_for_a_service(db: &Database) {
        let app = db.app();
        let client = with_scopes(&app);
        for number in 2..50 {
            db.execute(&format!("INSERT INTO service_scopes (service, name, description) VALUES ('mail', 's{number}', 'x')"));
        }

        let page = add(&client, "one-more", "x").assert_status(422).page();

        assert!(page.text("#scopes").contains("50 scopes are the most for a service."), "{}", page.text("#scopes"));
        assert_eq!(count(db), 3 + 50);
    }

    fn the_sentence_of_a_scope_changes_and_its_name_stays(db: &Database) {
        let app = db.app();
        let client = with_scopes(&app);
        let path = format!("{SCOPES}/boxes.read");
        let dialog = client.htmx("a").get(&path).assert_ok().page();
        assert_eq!((dialog.text("#dialog-title"), dialog.field("description")), ("Edit boxes.read".to_owned(), "Read the boxes".to_owned()));

        client.post(&path, &[("description", "Read them"), ("scope", "boxes.write")]).assert_leads_to(PAGE);
        let page = client.post(&path, &[("description", &"x".repeat(201))]).assert_status(422).page();

        assert_eq!(page.text("#scope-sentence-error"), "What it allows has 201 characters; 200 is the most.");
        let page = client.get(PAGE).page();
        assert_eq!(page.texts(".scope__name"), ["boxes.read", "boxes_read"]);
        assert_eq!(page.texts(".scope__description"), ["Read them", "Looks alike"]);
        for unknown in ["/services/mail/scopes/unheard", "/services/none/scopes/boxes.read", "/services/sms/scopes/boxes.read"] {
            client.get(unknown).assert_status(404);
            client.post(unknown, &[("description", "x")]).assert_status(404);
            client.get(&format!("{unknown}/deletion")).assert_status(404);
        }
    }

    fn a_scope_is_deleted_with_the_number_of_keys_that_lose_it(db: &Database) {
        let app = db.app();
        let client = with_scopes(&app);
        make_key(db, "All", &["*"]);
        make_key(db, "Alone", &["boxes.read"]);
        make_key(db, "Both", &["boxes.read", "boxes_read"]);
        make_key(db, "None", &[]);
        make_key(db, "Other", &["boxes_read"]);
        let deletion = format!("{SCOPES}/boxes.read/deletion");
        let question = |scope: &str| client.get(&format!("{SCOPES}/{scope}/deletion")).assert_ok().page().text("main");
        assert!(question("boxes.read").contains("2 keys have this scope and lose it from their next request."));

        client.post(&deletion, &[]).assert_leads_to(PAGE);

        let page = client.get(PAGE).page();
        assert_eq!(page.toasts(), ["Success. Scope “boxes.read” deleted and taken from 2 keys."]);
        assert_eq!(page.texts(".scope__name"), ["boxes_read"]);
        assert_eq!(held(db), ["All: *", "Alone: ", "Both: boxes_read", "None: ", "Other: boxes_read"]);
        assert_eq!(events(db), [
            r#"api_key.scopes_changed Alone {"scopes":["boxes.read",""]}"#,
            r#"api_key.scopes_changed Both {"scopes":["boxes.read boxes_read","boxes_read"]}"#,
            r#"service.scope_added Mail {"boxes.read":["","Read the boxes"]}"#,
            r#"service.scope_added Mail {"boxes_read":["","Looks alike"]}"#,
            r#"service.scope_removed Mail {"boxes.read":["Read the boxes",""]}"#,
        ]);
        client.post(&deletion, &[]).assert_leads_to(PAGE);
        assert_eq!(client.get(PAGE).page().toasts(), ["This scope was already deleted."]);
        assert!(question("boxes_read").contains("2 keys"), "it is no wildcard");
        add(&client, "boxes.read", "Read again").assert_leads_to(PAGE);
        assert!(question("boxes.read").contains("No key has this scope"), "one that is added again is nobody's");
    }

    fn a_key_loses_a_scope_that_is_deleted_from_its_next_request_on(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.post("/services/sms/scopes", &[("scope", "extra.read"), ("description", "x")]).assert_status(303);
        let (some, full) = (app.make_key_with_rules("extra.read", ""), app.make_key_with_rules("*", ""));
        let ask = |key: &Key| {
            let asking = app.anonymous().with("x-api-key", &key.secret);
            asking.get("/v1/auth?service=sms&scopes=extra.read").header("x-auth-code").to_owned()
        };
        assert_eq!([&some, &full].map(ask), ["VALID", "VALID"]);

        client.post("/services/sms/scopes/extra.read/deletion", &[]).assert_status(303);

        assert_eq!([&some, &full].map(ask), ["INSUFFICIENT_SCOPE", "VALID"]);
    }

    fn a_scope_that_is_deleted_brings_back_none_that_a_key_loses_at_the_same_moment(db: &Database) {
        let app = db.app();
        let client = with_scopes(&app);
        let key = make_key(db, "Both", &["boxes.read", "boxes_read"]);
        let mut conn = db.conn();
        conn.batch_execute(&format!("BEGIN; UPDATE api_keys SET scopes = 'boxes.read' WHERE id = '{key}'")).unwrap();

        thread::scope(|all| {
            let delete = all.spawn(|| client.post(&format!("{SCOPES}/boxes.read/deletion"), &[]));
            db.wait_for_a_lock(&delete);
            conn.batch_execute("COMMIT").unwrap();
            delete.join().unwrap().assert_leads_to(PAGE);
        });

        assert_eq!(held(db), ["Both: "]);
    }

    fn a_key_gets_no_scope_that_is_deleted_at_the_same_moment(db: &Database) {
        let app = db.app();
        let client = with_scopes(&app);
        let key = make_key(db, "Late", &[]);
        let mut conn = db.conn();
        conn.batch_execute(
            "BEGIN; UPDATE services SET name = name WHERE slug = 'mail'; \
             DELETE FROM service_scopes WHERE name = 'boxes.read'",
        )
        .unwrap();

        thread::scope(|all| {
            let fields = [("access", "some"), ("scopes", "boxes.read")];
            let choose = all.spawn(move || client.post(&format!("/api-keys/{key}/scopes"), &fields));
            db.wait_for_a_lock(&choose);
            conn.batch_execute("COMMIT").unwrap();
            choose.join().unwrap().assert_status(422);
        });

        assert_eq!(held(db), ["Late: "]);
    }

    fn whoever_is_not_logged_in_changes_no_catalogue(db: &Database) {
        let app = db.app();
        with_scopes(&app);
        let nobody = app.anonymous();

        let login = add(&nobody, "boxes.send", "x").assert_status(401).page();
        assert_eq!(login.field("next"), format!("{PAGE}?form=scope"));
        nobody.post(&format!("{SCOPES}/boxes.read"), &[("description", "x")]).assert_status(401);
        let question = "/login?next=/services/mail/scopes/boxes.read/deletion";
        nobody.post(&format!("{SCOPES}/boxes.read/deletion"), &[]).assert_leads_to(question);

        assert_eq!(count(db), 3 + 2);
    }
}
