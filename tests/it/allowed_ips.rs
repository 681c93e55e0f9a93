//! From where a key may be used, changed on its page.

use keyfob::http::client_address::TrustedProxies;
use serde_json::{Value, json};

use crate::support::{Answer, App, Client, Database, Key, Page, on_both_databases};

fn page_of(client: &Client, key: &Key) -> Page {
    client.get(&format!("/api-keys/{}", key.id)).assert_ok().page()
}

fn post(client: &Client, key: &Key, fields: &[(&str, &str)]) -> Answer {
    client.post(&format!("/api-keys/{}/allowed-ips", key.id), fields)
}

#[track_caller]
fn allow(client: &Client, key: &Key, list: &str) {
    post(client, key, &[("allowed_ips", list)]).assert_leads_to(&format!("/api-keys/{}", key.id));
}

/// What a service is told that names this address of its client, or none.
#[track_caller]
fn verify(app: &App, key: &Key, address: Option<&str>) -> String {
    let mut question = json!({"key": key.secret});
    if let Some(address) = address {
        question["client_ip"] = Value::from(address);
    }
    let answer = app.anonymous().post_json("/v1/keys/verify", question.to_string()).assert_ok().json();
    answer["code"].as_str().unwrap().to_owned()
}

fn fact(page: &Page) -> String {
    page.texts(".facts div").into_iter().find_map(|fact| fact.strip_prefix("Allowed from").map(str::to_owned)).unwrap()
}

fn listed(db: &Database, key: &Key) -> String {
    db.ask(&format!("SELECT allowed_ips AS line FROM api_keys WHERE id = '{}'", key.id)).concat()
}

/// As if the key had been used from this address.
fn note_use(db: &Database, key: &Key, address: &str) {
    db.execute(&format!(
        "INSERT INTO key_secret_usages (key_secret_id, uses, last_used_at, address, user_agent) \
         SELECT id, 1, 1772366400000000, '{address}', 'curl' FROM key_secrets WHERE api_key_id = '{}'",
        key.id
    ));
}

on_both_databases! {
    fn a_key_may_be_used_from_anywhere_until_it_is_limited_and_each_change_holds_from_the_next_request(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let page = page_of(&client, &key);
        assert_eq!(fact(&page), "anywhere");
        assert!(page.has("#allowed-ips details") && !page.has("#allowed-ips details[open]"), "most people never need it");

        for (list, stored, words, codes) in [
            ("203.0.113.9", "203.0.113.9", "203.0.113.9", ["VALID", "IP_NOT_ALLOWED"]),
            ("::ffff:198.51.100.7\r\n203.0.113.9", "198.51.100.7 203.0.113.9", "2 addresses", ["VALID", "IP_NOT_ALLOWED"]),
            ("10.0.0.0/8, 2001:DB8::1", "10.0.0.0/8 2001:db8::1", "2 addresses and ranges", ["IP_NOT_ALLOWED"; 2]),
            (" ", "", "anywhere", ["VALID"; 2]),
        ] {
            allow(&client, &key, list);
            assert_eq!(listed(db, &key), stored);
            assert_eq!([Some("203.0.113.9"), None].map(|address| verify(&app, &key, address)), codes, "{list}");
            let page = page_of(&client, &key);
            assert_eq!(fact(&page), words);
            assert_eq!(page.toasts(), [format!("Success. “Project X” may be used from {words}.")]);
            assert_eq!(page.has("#allowed-ips details[open]"), !stored.is_empty());
            assert_eq!(page.field("allowed_ips"), stored.replace(' ', "\n"));
        }
    }

    fn a_list_that_is_refused_comes_back_as_it_was_typed(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        allow(&client, &key, "203.0.113.9");
        let theirs = app.another_account().create_key("Theirs");
        let fifty_one: String = (0..51).map(|number| format!("192.0.2.{number} ")).collect();

        for (wrong, message) in [
            ("10.0.0.5/8", "Did you mean 10.0.0.0/8?"),
            ("localhost", "“localhost” is no IP address or range."),
            ("192.0.2.1 192.0.2.1", "192.0.2.1 is in the list twice."),
            ("0.0.0.0/0 192.0.2.1", "0.0.0.0/0 allows every address"),
            (&fifty_one, "51 addresses and ranges; 50 is the most."),
            ("<b>", "“<b>”"),
        ] {
            let page = post(&client, &key, &[("allowed_ips", wrong)]).assert_status(422).page();
            let told = page.text("#key-allowed-ips-error");
            assert!(told.contains(message), "{told}");
            assert_eq!((page.field("allowed_ips"), fact(&page)), (wrong.to_owned(), "203.0.113.9".to_owned()));
        }
        for wrong in ["", "10.0.0.0/8", "x"] {
            post(&client, &key, &[("add", wrong)]).assert_status(400);
            post(&client, &key, &[("only", wrong)]).assert_status(400);
        }
        post(&client, &theirs, &[("allowed_ips", "192.0.2.1")]).assert_status(404);

        assert_eq!((listed(db, &key), listed(db, &theirs)), ("203.0.113.9".to_owned(), String::new()));
    }

    fn an_address_that_was_refused_is_allowed_with_one_button(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        assert_eq!(verify(&app, &key, None), "VALID");
        allow(&client, &key, "192.0.2.1");
        for _ in 0..12 {
            assert_eq!(verify(&app, &key, Some("::ffff:203.0.113.9")), "IP_NOT_ALLOWED");
        }
        app.clock.advance(180);
        assert_eq!(verify(&app, &key, Some("198.51.100.7")), "IP_NOT_ALLOWED");
        assert_eq!(verify(&app, &key, Some("192.0.2.1")), "VALID");

        let page = page_of(&client, &key);
        assert_eq!(page.texts(".refusal > p"), [
            "Refused from 198.51.100.7, once, last just now.",
            "Refused from 203.0.113.9, 12 times, last 3 minutes ago.",
        ]);
        assert_eq!(page.attrs(".refusal button[name=add]", "value"), ["198.51.100.7", "203.0.113.9"]);
        post(&client, &key, &[("add", "203.0.113.9")]).assert_status(303);

        assert_eq!(listed(db, &key), "192.0.2.1 203.0.113.9");
        assert_eq!(verify(&app, &key, Some("203.0.113.9")), "VALID");
        assert_eq!(page_of(&client, &key).attrs(".refusal button[name=add]", "value"), ["198.51.100.7"]);
        allow(&client, &key, "");
        assert!(!page_of(&client, &key).has(".refusal"), "nothing is refused by now");
    }

    fn requests_without_an_address_are_told_with_their_likely_cause(db: &Database) {
        let set = |config: &mut keyfob::config::Config| config.trusted_proxies = TrustedProxies::parse("127.0.0.1").unwrap();
        let app = App::start_set(db, set, keyfob::clock::Clock::System).with_operator();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        allow(&client, &key, "192.0.2.1");

        verify(&app, &key, None);
        verify(&app, &key, None);
        let silent_proxy = app.anonymous().with("x-api-key", &key.secret).get("/v1/auth?service=sms");

        silent_proxy.assert_status(403).assert_header("x-auth-code", "IP_NOT_ALLOWED");
        let told = page_of(&client, &key).text(".refusal");
        assert!(told.starts_with("Refused 3 times without an address, last just now:"), "{told}");
        assert!(told.contains("client_ip") && told.contains("X-Forwarded-For"), "{told}");
        assert!(!page_of(&client, &key).has(".refusal button"), "there is no address to allow");
    }

    fn only_refused_addresses_are_told_of_the_refusals_and_only_of_this_key(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("Project X"), client.create_key("Other"));
        allow(&client, &key, "192.0.2.1");
        allow(&client, &other, "192.0.2.1");
        verify(&app, &other, Some("203.0.113.9"));
        client.switch(&key, "disabled");
        verify(&app, &key, Some("203.0.113.9"));
        client.switch(&key, "enabled");

        assert!(!page_of(&client, &key).has(".refusal"));
        for last in 1..=7 {
            verify(&app, &key, Some(&format!("198.51.100.{last}")));
        }
        assert_eq!(page_of(&client, &key).texts(".refusal").len(), 5, "the page stays short");
    }

    fn the_address_of_the_last_use_is_allowed_with_one_button(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        assert!(!page_of(&client, &key).has(".rule__wide"), "it was not used yet");
        note_use(db, &key, "203.0.113.9");
        let button = page_of(&client, &key);
        assert_eq!(button.text(".rule__wide"), "Allow only the address it was last used from (203.0.113.9)");
        assert_eq!(button.attr(".rule__wide", "name"), "only");

        post(&client, &key, &[("only", "203.0.113.9")]).assert_status(303);
        assert_eq!(listed(db, &key), "203.0.113.9");
        assert!(!page_of(&client, &key).has(".rule__wide"), "it is allowed");
        allow(&client, &key, "10.0.0.0/8");
        let button = page_of(&client, &key);
        assert_eq!(button.text(".rule__wide"), "Allow the address it was last used from (203.0.113.9)");
        assert_eq!(button.attr(".rule__wide", "name"), "add");
        post(&client, &key, &[("only", "203.0.113.9")]).assert_status(303);
        assert_eq!(listed(db, &key), "10.0.0.0/8 203.0.113.9", "a button that is late takes nothing away");
    }

    fn a_button_that_is_late_narrows_no_key_that_may_be_used_from_anywhere(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        post(&client, &key, &[("add", "203.0.113.9")]).assert_status(303);

        assert_eq!(listed(db, &key), "");
        assert_eq!(verify(&app, &key, None), "VALID");
    }

    fn a_full_list_takes_no_more_and_says_so(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let fifty: String = (0..50).map(|number| format!("192.0.2.{number} ")).collect();
        allow(&client, &key, &fifty);

        let page = post(&client, &key, &[("add", "203.0.113.9")]).assert_status(422).page();

        assert_eq!(page.text("#key-allowed-ips-error"), "51 addresses and ranges; 50 is the most.");
        assert_eq!(page.field("allowed_ips").lines().count(), 50, "the list is shown as it is");
    }

    fn what_somebody_else_changed_is_not_overwritten_unseen(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        allow(&client, &key, "192.0.2.1 203.0.113.9");
        let was = page_of(&client, &key).attr("#allowed-ips-form [name=was]", "value");
        allow(&client, &key, "192.0.2.1");
        let late = |was: &str| post(&client, &key, &[("allowed_ips", "192.0.2.1 203.0.113.9 10.0.0.1"), ("was", was)]);

        let page = late(&was).assert_status(409).page();

        assert_eq!(page.text("#allowed-ips .alert"), "Somebody changed this while you were editing.");
        assert_eq!((page.field("allowed_ips"), fact(&page)), ("192.0.2.1 203.0.113.9 10.0.0.1".to_owned(), "192.0.2.1".to_owned()));
        late(&page.attr("#allowed-ips-form [name=was]", "value")).assert_status(303);
        assert_eq!(listed(db, &key), "10.0.0.1 192.0.2.1 203.0.113.9");
    }
}
