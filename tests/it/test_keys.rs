//! Keys that only rehearse, and the command that a new key is tried with.

use std::process::Command;

use crate::support::{App, Client, Page, on_both_databases};

/// Makes a key in a mode and gives the page that shows it.
#[track_caller]
fn create(client: &Client, service: &str, mode: &str) -> Page {
    let fields = [("key_id", &*client.form_id()), ("service", service), ("mode", mode), ("name", "Project X")];
    client.post("/api-keys", &fields).assert_ok().page()
}

fn secret(page: &Page) -> String {
    page.text(".reveal .copyable__text[id^=key-secret]")
}

/// Runs the command of the reveal as somebody does who pastes it.
#[track_caller]
fn run(page: &Page) -> String {
    let command = page.raw_text(".reveal [id^=key-curl]");
    assert!(!command.contains('\n'), "{command}");
    let ended = Command::new("sh").args(["-c", &format!("{command} --silent --show-error --noproxy '*'")]).output();
    let ended = ended.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap()
}

fn credits(app: &App, key: &str) -> i64 {
    app.anonymous().with("x-api-key", key).get("/v1/balance").assert_ok().json()["credits"].as_i64().unwrap()
}

on_both_databases! {
    fn a_key_is_live_unless_test_is_chosen(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let form = client.get("/api-keys/new").page();
        assert_eq!(form.attr("input[name=mode][checked]", "value"), "live");

        let live = secret(&create(&client, "sms", "live"));
        let test = secret(&create(&client, "sms", "test"));

        assert!(live.starts_with("sms_live_") && test.starts_with("sms_test_"), "{live} {test}");
        assert_eq!(app.verify(&test)["mode"], "test");
        let page = client.get("/api-keys").page();
        assert_eq!(page.texts(".api-key .tag--test"), ["Test"]);
        let key = page.attrs(".api-key:has(.tag--test) a", "href").remove(0);
        assert!(client.get(&key).page().texts(".facts dd").iter().any(|fact| fact.starts_with("Test:")));
    }

    fn the_choice_outlives_a_mistake_and_a_mode_that_is_none_is_told(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let send = |mode: &str, name: &str| {
            let fields = [("key_id", &*client.form_id()), ("service", "sms"), ("mode", mode), ("name", name)];
            client.htmx("form#api-key-form").post("/api-keys", &fields).assert_status(422).page()
        };

        assert_eq!(send("test", "").attr("input[name=mode][checked]", "value"), "test");
        assert_eq!(send("live", "").attr("input[name=mode][checked]", "value"), "live");
        assert_eq!(send("both", "X").text("#api-key-mode-error"), "Choose Live or Test.");
        assert_eq!(db.count("api_keys"), 0);
    }

    fn the_command_of_a_live_key_sends_a_message_as_it_is_pasted(db: &Database) {
        let app = db.app();
        let page = create(&app.signed_in(), "sms", "live");

        let answer = run(&page);

        assert!(answer.contains(r#""status":"queued""#) && answer.contains(r#""credits_left":99"#), "{answer}");
        assert_eq!(db.count("messages"), 1);
    }

    fn the_command_of_a_test_key_spends_nothing(db: &Database) {
        let app = db.app();
        let page = create(&app.signed_in(), "sms", "test");

        let answer = run(&page);

        assert!(answer.contains(r#""mode":"test""#), "{answer}");
        assert_eq!(credits(&app, &secret(&page)), 100);
    }

    fn the_command_of_another_services_key_asks_about_it(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");

        let answer = run(&create(&app.signed_in(), "mail", "live"));

        assert!(answer.contains(r#""code":"VALID""#), "{answer}");
    }
}
