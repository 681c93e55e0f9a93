//! The Carriers page, and what other pages say about carriers that take no messages.

use keyfob::domain::account::membership::Role;
use serde_json::Value;

use crate::support::{App, Application, CarrierPeer, Page, PeerAnswer, Smsc, on_both_databases};

const TO: &str = "+420777123456";
const OTHER: &str = "+420777123457";

/// What the card of a carrier says behind a term.
#[track_caller]
fn fact(page: &Page, carrier: &str, term: &str) -> String {
    let card = format!("#carrier-{carrier} .facts");
    let terms = page.texts(&format!("{card} dt"));
    let place = terms.iter().position(|found| found == term);
    page.texts(&format!("{card} dd")).remove(place.unwrap_or_else(|| panic!("{term} is not among {terms:?}")))
}

/// How many of today's messages were delivered, are sent, were not delivered, and wait.
fn counts(page: &Page, carrier: &str) -> Vec<String> {
    page.texts(&format!("#carrier-{carrier} .carrier__counts dd"))
}

fn message_path(message: &Value) -> String {
    format!("/messages/{}", message["id"].as_str().unwrap())
}

/// A carrier that refuses the password, which is a secret.
fn refusing() -> Smsc {
    Smsc::start(&["--password", "another"])
}

on_both_databases! {
    fn the_page_shows_what_each_carrier_does(db: &Database) {
        let peer = CarrierPeer::start(|submit| match &*submit.to {
            "420777123456" => PeerAnswer::Deliver("stat:DELIVRD err:000"),
            "420777123457" => PeerAnswer::Refuse(0x0b),
            _ => PeerAnswer::Accept,
        });
        let app = App::start_with_carrier(db, &peer.url(""));
        let client = app.signed_in();
        let application = Application::with(&app, &app.make_key("Project X"));
        application.wait_for_end(&application.sent(TO, "Hello"));
        application.wait_for_end(&application.sent(OTHER, "Hello"));
        application.wait_for(&application.sent("+420777123458", "Hello"), &["sent"]);

        let page = client.get("/carriers").assert_ok().page();

        assert_eq!(page.texts(".carrier h2"), ["default"]);
        assert!(page.text(".carrier__address").starts_with("SMPP 127.0.0.1:"));
        assert_eq!(page.text(".carrier__state .status"), "Connected");
        assert_eq!(counts(&page, "default"), ["1", "1", "1", "0"]);
        assert_eq!(fact(&page, "default", "Queue"), "Nothing waits");
        assert_eq!(fact(&page, "default", "Default sender"), "None");
        assert_eq!((page.text(".route__prefix"), page.text(".route__carriers")), ("All numbers".into(), "default".into()));
        assert!(!page.has("#carriers[hx-get]"), "where all is well it does not ask again");
        assert!(page.text(".carriers__note").contains("of this instance"));
    }

    fn a_carrier_that_refuses_the_password_is_told_of_where_people_look(db: &Database) {
        let smsc = refusing();
        let app = App::start_with_carrier(db, &smsc.url(""));
        let client = app.signed_in();
        smsc.wait_for("bind");
        let application = Application::with(&app, &app.make_key("Project X"));
        application.sent(TO, "Hello");
        application.sent(OTHER, "Hello");

        let page = client.get("/carriers").assert_ok().page();
        assert_eq!(page.text(".carrier__state .status"), "Not connected");
        assert!(page.text(".carrier__problem").starts_with("The carrier says that the password is wrong"));
        assert!(fact(&page, "default", "Queue").starts_with("2 messages, the oldest accepted"));
        assert_eq!(counts(&page, "default"), ["0", "0", "0", "2"]);
        assert_eq!(page.attr("#carriers", "hx-get"), "/carriers");
        let part = client.htmx("div#carriers").get("/carriers").assert_ok().body;
        assert!(part.trim_start().starts_with("<div class=\"carriers\"") && !part.contains("routes"), "{part}");

        for path in ["/api-keys", "/messages"] {
            let page = client.get(path).page();
            let told = page.text(".carrier-trouble");
            assert!(told.starts_with("2 messages are waiting: the carrier says that the password is wrong"), "{told}");
            assert_eq!(page.attr(".carrier-trouble a", "href"), "/carriers");
        }
        // Who can't do anything about it is told that messages wait, where they are.
        for someone in [app.colleague(Role::Viewer, "joan@example.com"), app.another_account()] {
            for path in ["/api-keys", "/messages"] {
                assert!(!someone.get(path).assert_ok().page().has(".carrier-trouble"), "{path}");
            }
            someone.get("/carriers").assert_status(403);
        }
        let viewer = app.colleague(Role::Viewer, "grace@example.com");
        assert_eq!(viewer.get("/messages").page().text(".notice--warning"), "Messages are waiting: they can't be sent right now.");
        assert!(!app.of_another_account(Role::Owner, "kay@example.com").get("/messages").page().has(".notice--warning"));
    }

    fn no_page_shows_what_a_carrier_is_logged_in_with(db: &Database) {
        let smsc = refusing();
        let url = smsc.url("").replacen("s3cret@", "s3cr3tPW@", 1);
        assert!(url.contains("s3cr3tPW"), "{url}");
        let app = App::start_with_carrier(db, &url);
        let client = app.signed_in();
        smsc.wait_for("bind");
        let message = Application::with(&app, &app.make_key("Project X")).sent(TO, "Hello");

        for path in ["/carriers", "/carriers?routes=all", "/messages", &message_path(&message), "/messages/new", "/api-keys", "/settings"] {
            let body = client.get(path).assert_ok().body;
            assert!(!body.contains("s3cr3tPW"), "{path}");
        }
    }

    fn without_a_carrier_the_page_says_how_to_connect_one(db: &Database) {
        let app = App::start_rehearsing(db);
        let client = app.signed_in();

        let page = client.get("/carriers").assert_ok().page();

        assert_eq!(page.text(".carriers__none h2"), "No carrier yet");
        let lines = page.texts(".carrier-how .copyable__text");
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.starts_with("KEYFOB_SMS_TRANSPORT=")), "{lines:?}");
        assert!(!page.has("#routes, .carrier, #carriers[hx-get]"));
        assert_eq!(client.get("/messages").page().attr(".message__carrier a", "href"), "/carriers");
        let viewer = app.colleague(Role::Viewer, "joan@example.com");
        assert!(!viewer.get("/messages").page().has(".message__carrier a"));
    }

    fn messages_that_wait_for_a_carrier_that_is_gone_are_shown(db: &Database) {
        let smsc = refusing();
        let app = App::start_with_carrier(db, &smsc.url(""));
        Application::with(&app, &app.make_key("Project X")).sent(TO, "Hello");
        drop(app);

        let page = App::start_rehearsing(db).signed_in().get("/carriers").assert_ok().page();

        assert_eq!(page.text("#carrier-default .status"), "Not in the settings");
        assert!(fact(&page, "default", "Queue").starts_with("1 message, "));
        assert!(page.has(".carriers__none"), "there is still no carrier");
    }

    fn a_message_says_by_which_carrier_it_goes_and_at_which_price(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let application = Application::with(&app, &app.make_key("Project X"));
        let message = application.wait_for_end(&application.sent(TO, "Hello"));
        let rehearsed = Application::with(&app, &app.make_test_key("Rehearsal"));
        let rehearsed = rehearsed.wait_for_end(&rehearsed.sent(TO, "Hello"));

        let facts = |message| client.get(&message_path(message)).page().texts(".facts > div");
        assert!(facts(&message).contains(&"Carrierdefault (1 credit a segment)".to_owned()), "{:?}", facts(&message));
        assert!(!facts(&rehearsed).iter().any(|fact| fact.starts_with("Carrier")));
        assert!(!client.get("/messages").page().has(".message__by"), "one carrier needs no name in the list");
        let file = client.get("/messages.csv").assert_ok().body;
        let carriers: Vec<_> = file.lines().map(|line| line.trim_end().rsplit(',').next().unwrap()).collect();
        assert_eq!(carriers, ["\"carrier\"", "\"sandbox\"", "\"default\""]);
    }
}
