//! What most people never need when they make a key: the fold of the form.

use crate::support::{Answer, App, Client, Database, on_both_databases};

/// Sends the form for a new key with its name and other fields.
fn create(client: &Client, fields: &[(&str, &str)]) -> Answer {
    let id = client.form_id();
    client.post("/api-keys", &[&[("key_id", &*id), ("service", "sms"), ("name", "Project X")], fields].concat())
}

fn rules(db: &Database) -> Vec<String> {
    db.ask("SELECT mode || '|' || scopes || '|' || allowed_ips AS line FROM api_keys ORDER BY created_at, id")
}

fn with_mail(db: &Database) -> App<'_> {
    let app = db.app();
    app.add_service("mail", "Mail");
    db.execute("INSERT INTO service_scopes (service, name, description) VALUES ('mail', 'mail.send', 'Send mail')");
    app
}

on_both_databases! {
    fn a_key_is_made_with_a_name_and_one_click(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let form = client.htmx("a").get("/api-keys/new").page();
        client.create_key("Project X");

        assert!(form.has("details") && !form.has("details[open]"));
        let before_the_fold = form.attrs("form > .field label", "for");
        assert_eq!(before_the_fold, ["api-key-name", "api-key-description"]);
        assert_eq!(rules(db), ["live|*|"]);
    }

    fn the_rules_of_a_key_are_chosen_in_the_fold(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let form = client.get("/api-keys/new").page();
        assert_eq!(form.attrs("[name=scopes]", "value"), ["balance.read", "messages.read", "messages.send"]);
        assert_eq!(form.attr("[name=access][checked]", "value"), "full");

        create(&client, &[("mode", "test"), ("access", "some"), ("scopes", "messages.send"), ("scopes", "messages.read"), ("allowed_ips", "203.0.113.9\r\n10.0.0.0/8")]).assert_ok();
        app.clock.advance(1);
        create(&client, &[("access", "some")]).assert_ok();
        app.clock.advance(1);
        create(&client, &[("access", "full"), ("scopes", "messages.read")]).assert_ok();

        assert_eq!(rules(db), ["test|messages.read messages.send|10.0.0.0/8 203.0.113.9", "live||", "live|*|"]);
    }

    fn the_fold_is_open_where_something_in_it_is_wrong_and_closed_elsewhere(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        for (field, value, message, focus) in [
            ("mode", "both", "#api-key-mode-error", "[name=mode][autofocus]"),
            ("ends", "date", "#api-key-ends-error", "#api-key-ends[autofocus]"),
            ("scopes", "messages.burn", "#api-key-scopes-error", "[name=access][autofocus]"),
            ("allowed_ips", "10.0.0.5/8", "#api-key-allowed-ips-error", "#api-key-allowed-ips[autofocus]"),
        ] {
            let form = create(&client, &[(field, value)]).assert_status(422).page();
            assert!(form.has(&format!("details[open] {message}")), "{field}");
            assert_eq!((form.has(focus), form.attrs("[autofocus]", "name").len()), (true, 1), "{field}");
        }
        let refused = create(&client, &[("name", " "), ("description", "")]).assert_status(422).page();
        assert!(!refused.has("details[open]") && refused.has("#api-key-name[autofocus]"));
        let all = create(&client, &[("name", " "), ("mode", "both"), ("ends", "soon"), ("scopes", "A"), ("allowed_ips", "x")]).page();
        assert_eq!(all.texts(".field__error").len(), 5, "every field that is wrong is told at once");
        assert_eq!(db.count("api_keys"), 0);
    }

    fn what_was_typed_into_the_fold_outlives_a_mistake(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let form = create(&client, &[("name", ""), ("ends", "date"), ("ends_on", "2027-01-01"), ("access", "some"), ("scopes", "balance.read"), ("allowed_ips", "203.0.113.9\n10.0.0.0/8")]).assert_status(422).page();

        assert!(form.has("details[open]"), "something is filled in there");
        assert_eq!(form.attr("select[name=ends] option[selected]", "value"), "date");
        assert_eq!((form.field("ends_on"), form.field("allowed_ips")), ("2027-01-01".to_owned(), "203.0.113.9\n10.0.0.0/8".to_owned()));
        assert_eq!(form.attrs("[name=scopes][checked]", "value"), ["balance.read"]);
        assert_eq!(form.attr("[name=access][checked]", "value"), "some");
    }

    fn the_scopes_follow_the_service_that_is_chosen(db: &Database) {
        let app = with_mail(db);
        let client = app.signed_in();
        let form = client.get("/api-keys/new").page();
        assert_eq!(form.attr("select[name=service]", "hx-get"), "/api-keys/new/scopes");

        let of_mail = client.htmx("select").get("/api-keys/new/scopes?service=mail&access=some&scopes=mail.send&scopes=messages.read").assert_ok();

        assert_eq!(of_mail.page().attrs("[name=scopes]", "value"), ["mail.send"]);
        assert_eq!(of_mail.page().attrs("[name=scopes][checked]", "value"), ["mail.send"]);
        assert!(of_mail.page().has("fieldset#api-key-scopes [value=some][checked]"));
        client.get("/api-keys/new/scopes?service=nothing").assert_status(404);
        app.anonymous().get("/api-keys/new/scopes?service=mail").assert_status(303);
    }

    fn a_scope_of_another_service_is_refused_beside_those_that_there_are(db: &Database) {
        let app = with_mail(db);
        let client = app.signed_in();

        let form = create(&client, &[("service", "mail"), ("choose", "service"), ("access", "some"), ("scopes", "messages.read")]).assert_status(422).page();

        assert!(form.text("#api-key-scopes-error").contains("messages.read"));
        assert_eq!(form.attrs("[name=scopes]", "value"), ["mail.send"]);
        assert_eq!(form.text("select[name=service] option[selected]"), "Mail");
        assert_eq!(db.count("api_keys"), 0);
    }

    fn a_service_without_scopes_offers_full_access_alone(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");

        let form = app.signed_in().get("/api-keys/new?service=mail").page();

        assert_eq!(form.attrs("[name=access]", "value"), ["full"]);
        assert!(form.text("#api-key-scopes").contains("This service has no scopes yet."));
    }
}
