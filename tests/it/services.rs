//! Services: what keys are for.

use std::thread;

use serde_json::json;

use crate::support::{Answer, App, Client, Database, on_both_databases};

const FORM: &str = "form#service-form";

fn fields<'a>(name: &'a str, slug: &'a str, key_prefix: &'a str) -> [(&'static str, &'a str); 3] {
    [("name", name), ("slug", slug), ("key_prefix", key_prefix)]
}

/// Makes a key of a service and gives its secret.
#[track_caller]
fn create_key(client: &Client, service: &str) -> String {
    let id = client.form_id();
    let page = client.post("/api-keys", &[("key_id", &id), ("service", service), ("name", "Key")]).assert_ok().page();
    page.text(".reveal .copyable__text[id^=key-secret]")
}

fn verdict_at(app: &App, service: &str, secret: &str) -> String {
    let question = json!({"key": secret, "service": service}).to_string();
    let answer = app.anonymous().post_json("/v1/keys/verify", question).assert_ok();
    answer.json()["code"].as_str().unwrap().to_owned()
}

fn at_the_door(app: &App, service: &str, secret: &str) -> Answer {
    app.anonymous().with("x-api-key", secret).get(&format!("/v1/auth?service={service}"))
}

/// How many services there are besides Keyfob's own.
fn made(db: &Database) -> usize {
    db.ask("SELECT slug AS line FROM services WHERE slug <> 'keyfob'").len()
}

on_both_databases! {
    fn sms_is_there_from_the_start(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.create_key("Project X");
        app.another_account().create_key("Theirs");

        let page = client.get("/services").assert_ok().page();

        assert_eq!(page.texts(".service__name"), ["SMS"]);
        assert_eq!(page.texts(".service__slug"), ["sms"]);
        assert_eq!(page.texts(".service__prefix"), ["sms_"]);
        assert_eq!(page.texts(".service__keys"), ["1 key"], "of this account");
        assert_eq!(page.attr(".nav__link[aria-current]", "href"), "/services");
        assert_eq!(page.text(".page-header .btn"), "+ New Service");
    }

    fn the_form_is_a_dialog_for_htmx_and_a_page_of_its_own_otherwise(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let dialog = client.htmx("a").get("/services/new").assert_ok();
        let page = client.get("/services/new").assert_ok().page();

        assert_eq!(dialog.page().text("#dialog-title"), "New Service");
        assert!(!dialog.body.contains("<html"));
        assert_eq!(page.text("h1"), "New Service");
        assert!(page.text("#service-prefix-hint").ends_with("Can’t be changed later."));
    }

    fn a_new_service_is_listed_and_keys_can_be_made_for_it(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.clock.advance(1);

        client.post("/services", &fields(" Mail <b>& more</b> ", "mail", "ml")).assert_leads_to("/services");

        let page = client.get("/services").page();
        assert_eq!(page.toasts(), ["Success. Service “Mail <b>& more</b>” created."]);
        assert_eq!(page.texts(".service__name"), ["SMS", "Mail <b>& more</b>"]);
        let dialog = client.htmx("a").get("/api-keys/new?service=mail").page();
        assert_eq!(dialog.text("#dialog-title"), "New API Key for Mail <b>& more</b> Service");
        assert!(create_key(&client, "mail").starts_with("ml_live_"));
    }

    fn htmx_is_led_to_the_list(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let answer = client.htmx(FORM).post("/services", &fields("Mail", "mail", "mail")).assert_ok();

        answer.assert_header("hx-redirect", "/services");
        assert_eq!(client.get("/services").page().toasts().len(), 1);
    }

    fn a_key_of_one_service_never_opens_another(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.post("/services", &fields("Mail", "mail", "mail")).assert_status(303);
        client.post("/services", &fields("Mail 2", "mail2", "mail2")).assert_status(303);
        let keys = ["sms", "mail", "mail2"].map(|service| (service, create_key(&client, service)));

        for (of, key) in &keys {
            for (at, _) in &keys {
                let (code, status) = if of == at { ("VALID", 200) } else { ("NOT_FOUND", 401) };
                assert_eq!(verdict_at(&app, at, key), code, "{of} at {at}");
                let answer = at_the_door(&app, at, key).assert_status(status).assert_header("x-auth-code", code);
                assert_eq!(answer.header("x-key-id").is_empty(), of != at, "{of} at {at}");
            }
        }
    }

    fn a_slug_or_a_prefix_that_is_taken_is_told_at_its_field(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        client.post("/services", &fields("Mail", "mail", "ml")).assert_status(303);

        let slug = client.post("/services", &fields("Other", "mail", "other")).assert_status(422).page();
        let prefix = client.htmx(FORM).post("/services", &fields("Other", "other", "sms")).assert_status(422);
        let both = client.post("/services", &fields("Mail", "mail", "ml")).assert_status(422).page();

        assert_eq!(slug.text("#service-slug-error"), "“Mail” already has this slug.");
        assert!(!slug.has("#service-prefix-error"));
        assert_eq!(slug.field("name"), "Other");
        assert_eq!(prefix.page().text("#service-prefix-error"), "“SMS” already has this prefix.");
        assert!(prefix.body.starts_with("<form"), "{}", prefix.body);
        assert!(both.has("#service-slug-error") && both.has("#service-prefix-error"));
        assert_eq!(made(db), 2);
    }

    fn what_is_wrong_is_told_at_every_field_and_nothing_is_made(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let page = client.post("/services", &fields(" ", "Mail!", "")).assert_status(422).page();

        assert_eq!(page.text("#service-name-error"), "Name is required.");
        let rule = "Use 2 to 12 lower-case letters or digits, starting with a letter.";
        assert_eq!(page.text("#service-slug-error"), rule);
        assert_eq!(page.text("#service-prefix-error"), "Key Prefix is required.");
        assert_eq!(page.field("slug"), "Mail!");
        client.post("/services", &fields("New", "new", "new")).assert_status(422);
        client.post("/services", &[]).assert_status(422);
        assert_eq!(made(db), 1);
    }

    fn one_form_sent_many_times_at_once_makes_one_service(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let mut statuses: Vec<u16> = thread::scope(|all| {
            let send = || client.post("/services", &fields("Mail", "mail", "mail")).status;
            let sends: Vec<_> = (0..8).map(|_| all.spawn(send)).collect();
            sends.into_iter().map(|send| send.join().unwrap()).collect()
        });

        statuses.sort_unstable();
        assert_eq!(statuses, [303, 422, 422, 422, 422, 422, 422, 422]);
        assert_eq!(made(db), 2);
    }

    fn a_service_is_renamed_and_its_keys_go_on_working(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let dialog = client.htmx("a").get("/services/sms").assert_ok();
        assert_eq!(dialog.page().text("#dialog-title"), "Rename SMS");
        assert_eq!(client.get("/services/sms").page().field("name"), "SMS");

        client.post("/services/sms", &[("name", "Text messages"), ("slug", "x"), ("key_prefix", "x")]).assert_leads_to("/services");

        let page = client.get("/services").page();
        assert_eq!(page.toasts(), ["Renamed to “Text messages”."]);
        assert_eq!((page.texts(".service__slug"), page.texts(".service__prefix")), (vec!["sms".to_owned()], vec!["sms_".to_owned()]));
        assert_eq!(client.get("/api-keys/new").page().text("h1"), "New API Key for Text messages Service");
        assert_eq!(verdict_at(&app, "sms", &key.secret), "VALID");
    }

    fn a_name_that_is_refused_comes_back_with_a_message(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let page = client.post("/services/sms", &[("name", &"x".repeat(101))]).assert_status(422).page();

        assert_eq!(page.text("#service-name-error"), "Name has 101 characters; 100 is the most.");
        assert_eq!(page.field("name").len(), 101);
        client.post("/services/sms", &[]).assert_status(400);
        for slug in ["mail", "%27", "SMS"] {
            client.get(&format!("/services/{slug}")).assert_status(404);
            client.post(&format!("/services/{slug}"), &[("name", "X")]).assert_status(404);
        }
    }

    fn whoever_is_not_logged_in_sees_and_makes_nothing(db: &Database) {
        let app = db.app();
        let nobody = app.anonymous();

        nobody.get("/services").assert_leads_to("/login?next=/services");
        nobody.get("/services/new").assert_status(303);
        let login = nobody.post("/services", &fields("Mail", "mail", "mail")).assert_status(401).page();
        assert_eq!((login.text("h1"), login.field("next")), ("Log in".to_owned(), "/services/new".to_owned()));
        let login = nobody.post("/services/sms", &[("name", "X")]).assert_status(401).page();
        assert_eq!(login.field("next"), "/services/sms");

        assert_eq!(made(db), 1);
        assert_eq!(app.signed_in().get("/services").page().texts(".service__name"), ["SMS"]);
    }

    fn while_the_database_cant_be_written_nothing_typed_is_lost(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let _lock = lock_services(db);

        let page = client.post("/services", &fields("Mail", "mail", "mail")).assert_status(503).page();

        assert!(page.text(".form__message .alert").contains("The service was not created"));
        assert_eq!(page.field("slug"), "mail");
    }
}

fn lock_services(db: &Database) -> keyfob::store::Conn {
    use diesel::connection::SimpleConnection;
    let mut conn = db.conn();
    let sql = if db.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN; LOCK TABLE services IN EXCLUSIVE MODE" };
    conn.batch_execute(sql).unwrap();
    conn
}
