//! Setting where a key's application is told, on the key's page.

use keyfob::sms::callbacks::CallbackConfig;

use crate::support::{Answer, App, Client, Database, Key, on_both_databases};

const URL: &str = "https://example.com/sms-status";

fn page(key: &Key) -> String {
    format!("/api-keys/{}", key.id)
}

fn change(client: &Client, key: &Key, action: &str, url: &str) -> Answer {
    client.post(&format!("{}/callback", page(key)), &[("url", url), ("action", action)])
}

/// The secret in the one answer that shows it.
#[track_caller]
fn secret(answer: &Answer) -> String {
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.page().text("#callback-secret")
}

fn kept(db: &Database) -> Vec<String> {
    db.ask("SELECT url || ' ' || secret AS line FROM api_key_callbacks ORDER BY url")
}

on_both_databases! {
    fn the_secret_of_a_callback_is_shown_once(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        assert_eq!(client.get(&page(&key)).page().field("url"), "");

        let first = change(&client, &key, "save", URL).assert_ok();

        let secret = secret(&first);
        assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
        assert_eq!(first.page().toasts(), ["Success. Callback saved."]);
        assert_eq!(kept(db), [format!("{URL} {secret}")]);
        change(&client, &key, "save", "https://example.com/other").assert_leads_to(&page(&key));
        assert_eq!(kept(db), [format!("https://example.com/other {secret}")]);
        for path in [&*page(&key), "/api-keys", "/settings", "/messages"] {
            let later = client.get(path).assert_ok();
            assert!(!later.body.contains(&secret), "{path}");
        }
        assert_eq!(client.get(&page(&key)).page().field("url"), "https://example.com/other");
    }

    fn a_new_secret_takes_the_place_of_the_old_one(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let old = secret(&change(&client, &key, "save", URL).assert_ok());

        let new = secret(&change(&client, &key, "new-secret", "").assert_ok());

        assert_ne!(old, new);
        assert_eq!(kept(db), [format!("{URL} {new}")]);
        assert!(!client.get(&page(&key)).body.contains(&new));
    }

    fn a_new_secret_and_a_removal_are_asked_for_first(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let question = |action: &str| format!("{}/callback/{action}", page(&key));
        client.get(&question("remove")).assert_status(404);
        let secret = secret(&change(&client, &key, "save", URL).assert_ok());

        for (action, button) in [("new-secret", "Make new secret"), ("remove", "Remove callback")] {
            let shown = client.get(&page(&key)).page();
            assert!(!shown.has(&format!("button[value={action}]")), "{action} would be done at once");
            assert!(shown.attrs("#callback-form a", "href").contains(&question(action)));
            let asked = client.get(&question(action)).assert_ok().page();
            assert_eq!(asked.attr("form.form button", "value"), action);
            assert_eq!(asked.text("form.form button"), button);
            assert!(!client.htmx("a").get(&question(action)).assert_ok().body.contains("<html"));
        }
        assert_eq!(kept(db), [format!("{URL} {secret}")]);
        client.get(&question("save")).assert_status(404);
        app.another_account().get(&question("remove")).assert_status(404);
    }

    fn a_callback_can_be_removed_and_set_anew_with_another_secret(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let old = secret(&change(&client, &key, "save", URL).assert_ok());

        change(&client, &key, "remove", URL).assert_leads_to(&page(&key));
        change(&client, &key, "remove", URL).assert_leads_to(&page(&key));

        let shown = client.get(&page(&key)).page();
        assert_eq!((shown.field("url"), shown.has("a[href$='/callback/remove']")), (String::new(), false));
        change(&client, &key, "new-secret", "").assert_status(404);
        assert_ne!(secret(&change(&client, &key, "save", URL).assert_ok()), old);
    }

    fn an_address_that_is_private_or_none_is_refused_with_what_to_change(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        for (url, part) in [
            ("http://127.0.0.1:8080/hook", "is private"),
            ("http://169.254.169.254/latest/meta-data", "is private"),
            ("http://localhost/", "is private"),
            ("http://[::1]/", "is private"),
            ("http://0x7f.1/", "is private"),
            ("ftp://example.com/", "must start with https://"),
            ("https://me:pw@example.com/", "user name"),
            ("example.com", "Enter an address"),
            ("", "Enter an address"),
        ] {
            let answer = change(&client, &key, "save", url).assert_status(422).page();
            let message = answer.text("#callback-url-error");
            assert!(message.contains(part), "{url}: {message}");
            assert_eq!(answer.field("url"), url);
        }
        assert_eq!(kept(db), [""; 0]);
    }

    fn what_the_settings_allow_can_be_saved(db: &Database) {
        let allowed = keyfob::networks::Networks::parse("10.0.0.0/8").unwrap();
        let app = App::start_calling(db, CallbackConfig { allowed, ..CallbackConfig::default() }, keyfob::clock::Clock::System);
        let client = app.signed_in();
        let key = client.create_key("Project X");

        change(&client, &key, "save", "http://10.1.2.3/hook").assert_ok();
        change(&client, &key, "save", "http://192.168.1.1/hook").assert_status(422);

        assert!(kept(db)[0].starts_with("http://10.1.2.3/hook "));
    }

    fn another_accounts_key_has_no_callback_to_be_seen_or_set(db: &Database) {
        let app = db.app();
        let (client, other) = (app.signed_in(), app.another_account());
        let key = client.create_key("Project X");
        change(&client, &key, "save", URL).assert_ok();
        let before = db.rows();

        for action in ["save", "new-secret", "remove"] {
            change(&other, &key, action, "https://eve.example/").assert_status(404);
        }

        assert_eq!(db.rows()["api_key_callbacks"], before["api_key_callbacks"]);
    }

    fn a_key_of_another_service_has_no_callback(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let client = app.signed_in();
        let id = client.form_id();
        client.post("/api-keys", &[("key_id", &id), ("service", "mail"), ("name", "M")]).assert_ok();
        let key = Key { id, secret: String::new() };

        assert!(!client.get(&page(&key)).assert_ok().page().has("#callback"));
        change(&client, &key, "save", URL).assert_status(404);
    }
}
