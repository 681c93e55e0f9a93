//! Messages on their way through a carrier that somebody else wrote, from the
//! API to the last receipt.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{App, Application, CarrierPeer, Database, MESSAGES, Process, Smsc, keyfob, on_both_databases};

/// How long a test waits for the end of all messages.
const PATIENCE: Duration = Duration::from_secs(60);
/// Submits that may await their answer.
const WINDOW: usize = 10;

fn with_carrier<'db>(db: &'db Database, smsc: &Smsc) -> (App<'db>, Application) {
    let app = App::start_with_carrier(db, &smsc.url("window=20&timeout=1"));
    app.set_credits(10_000);
    let application = Application::with(&app, &app.make_key("Project X"));
    (app, application)
}

/// What the carrier was given, by recipient and text; the most often that
/// anything came.
fn most_copies(smsc: &mut Smsc) -> u64 {
    smsc.say("counts");
    let counts = smsc.wait_for("counts");
    let counts = counts["segments"].as_array().unwrap().iter().map(|count| count[2].as_u64().unwrap());
    counts.max().unwrap_or_default()
}

fn error(message: &Value) -> &str {
    message["error"]["code"].as_str().unwrap_or_default()
}

on_both_databases! {
    fn a_long_text_with_emoji_arrives_whole_and_is_delivered(db: &Database) {
        let smsc = Smsc::start(&[]);
        let (app, application) = with_carrier(db, &smsc);
        let text = "Žluťoučký kůň 😀 ".repeat(20);

        let message = application.sent("+420777000001", &text);

        let segments = message["segments"].as_i64().unwrap();
        let submits = smsc.wait_for_all("submit", usize::try_from(segments).unwrap());
        let mut parts: Vec<_> = submits.iter().map(|submit| (submit["part"][2].as_i64().unwrap(), submit["text"].as_str().unwrap())).collect();
        parts.sort_unstable();
        assert_eq!(parts.into_iter().map(|(_, part)| part).collect::<String>(), text.trim_end_matches('\0'));
        assert_eq!(application.wait_for_end(&message)["status"], "delivered");
        assert_eq!(application.credits(), 10_000 - segments);
        app.assert_ledger_adds_up();
    }

    fn what_the_carrier_says_is_what_the_application_is_told(db: &Database) {
        let smsc = Smsc::start(&["--ids", "padded", "--receipts", "twice"]);
        let (app, application) = with_carrier(db, &smsc);

        for (number, status, code) in [
            ("+420777000001", "delivered", ""),
            ("+420777000998", "failed", "invalid_recipient"),
            ("+420777000997", "undelivered", "undelivered"),
            ("+420777000996", "undelivered", "rejected"),
            ("+420777000995", "expired", "expired"),
        ] {
            let message = application.wait_for_end(&application.sent(number, "Hello"));
            assert_eq!((message["status"].as_str().unwrap(), error(&message)), (status, code), "{number}");
        }
        assert_eq!(application.credits(), 10_000 - 4);
        app.assert_ledger_adds_up();
    }

    fn a_throttled_message_waits_and_is_then_delivered_once(db: &Database) {
        let mut smsc = Smsc::start(&["--throttle", "1"]);
        let (app, application) = with_carrier(db, &smsc);

        let message = application.sent("+420777000999", "Hello");
        smsc.wait_for("submit");
        let waiting = loop {
            let now = application.wait_for(&message, &["queued", "delivered"]);
            if error(&now) == "throttled" { break now }
        };
        assert_eq!(waiting["status"], "queued");
        app.clock.advance(60);

        assert_eq!(application.wait_for_end(&message)["status"], "delivered");
        assert_eq!((smsc.submits(), application.credits()), (2, 9_999));
    }

    fn a_message_that_the_carrier_did_not_answer_is_not_sent_twice(db: &Database) {
        let mut smsc = Smsc::start(&[]);
        let (_app, application) = with_carrier(db, &smsc);

        let message = application.sent("+420777000993", "Hello");

        let unknown = application.wait_for(&message, &["sent"]);
        assert_eq!(error(&unknown), "outcome_unknown");
        assert!(unknown["error"]["message"].as_str().unwrap().starts_with("The carrier did not answer"));
        // Others go on meanwhile.
        assert_eq!(application.wait_for_end(&application.sent("+420777000001", "Hello"))["status"], "delivered");
        assert_eq!((most_copies(&mut smsc), application.show(&message)["status"].as_str().unwrap()), (1, "sent"));
        assert_eq!(application.credits(), 9_998);
    }

    fn messages_wait_for_a_carrier_that_was_killed_and_all_arrive(db: &Database) {
        let mut smsc = Smsc::start(&[]);
        let (app, application) = with_carrier(db, &smsc);
        assert_eq!(application.wait_for_end(&application.sent("+420777000001", "Before"))["status"], "delivered");

        smsc.kill();
        let messages: Vec<_> = (10..30).map(|number| application.sent(&format!("+4207770000{number}"), "Meanwhile")).collect();
        smsc.restart();

        for message in &messages {
            // One whose answer was lost with the carrier is known to be unknown.
            let end = application.wait_for(message, &["delivered", "sent"]);
            assert!(error(&end).is_empty() || error(&end) == "outcome_unknown", "{end}");
        }
        assert_eq!(most_copies(&mut smsc), 1);
        app.assert_ledger_adds_up();
    }

    fn two_instances_send_each_message_once(db: &Database) {
        let mut smsc = Smsc::start(&["--quiet"]);
        let (app, application) = with_carrier(db, &smsc);
        let _other = App::start_with_carrier(db, &smsc.url("window=20&timeout=1"));
        let to: Vec<_> = (0..100).map(|number| format!("+4207771{number:05}")).collect();

        let messages = application.post(&json!({"to": to, "text": "a".repeat(200)})).assert_status(202).json();
        let messages = messages["messages"].as_array().unwrap();

        assert!(messages.iter().all(|message| application.wait_for_end(message)["status"] == "delivered"));
        assert_eq!((most_copies(&mut smsc), smsc.submits()), (1, 200));
        app.assert_ledger_adds_up();
    }

    fn a_process_that_is_told_to_stop_while_it_sends_leaves_nothing_open(db: &Database) {
        let mut smsc = Smsc::start(&["--quiet"]);
        let url = smsc.url(&format!("window={WINDOW}&rate=200"));
        let serve = || Process::spawn(&mut keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url(), "--sms-transport", &url]));
        let secret = db.app().make_key("Project X").secret;
        let mut process = serve();
        let application = Application { client: process.client().with("x-api-key", &secret) };
        let to: Vec<_> = (0..100).map(|number| format!("+4207771{number:05}")).collect();
        let messages = application.post(&json!({"to": to, "text": "Hello"})).assert_status(202).json();
        let messages = messages["messages"].as_array().unwrap();
        application.wait_for(&messages[10], &["sent", "delivered"]);

        process.signal("INT");
        process.end().assert_success();

        assert_eq!(db.ask("SELECT id AS line FROM messages WHERE status = 'sending'"), Vec::<String>::new());
        let mut process = serve();
        let application = Application { client: process.client().with("x-api-key", &secret) };
        assert!(messages.iter().all(|message| application.wait_for_end(message)["status"] == "delivered"));
        assert_eq!((most_copies(&mut smsc), smsc.submits()), (1, 100));
    }

    fn a_carrier_with_another_password_gets_nothing_until_it_is_the_same(db: &Database) {
        let smsc = Smsc::start(&["--password", "another"]);
        let (app, application) = with_carrier(db, &smsc);

        let message = application.sent("+420777000001", "Hello");
        smsc.wait_for("bind");

        assert_eq!(application.show(&message)["status"], "queued");
        let page = app.signed_in().get("/messages").assert_ok().page();
        assert!(page.text(".notice").contains("the carrier says that the password is wrong"), "{}", page.text(".notice"));
        // Test keys need no carrier.
        let test = Application::with(&app, &app.make_test_key("Rehearsal"));
        assert_eq!(test.wait_for_end(&test.sent("+420777000001", "Hello"))["status"], "delivered");
        drop(app);

        // Nothing is lost when another carrier is set.
        let another = App::start_with_carrier(db, &CarrierPeer::ordinary().url(""));
        let application = Application { client: application.client.at(&another.url) };
        assert_eq!(application.wait_for_end(&message)["status"], "delivered");
    }

    fn a_process_that_is_killed_while_it_sends_sends_nothing_twice(db: &Database) {
        let mut smsc = Smsc::start(&["--dlr-ms", "50", "--quiet"]);
        let url = smsc.url(&format!("window={WINDOW}"));
        let serve = || Process::spawn(&mut keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url(), "--sms-transport", &url]));
        let secret = {
            let app = db.app();
            app.set_credits(10_000);
            app.make_key("Project X").secret
        };
        let mut messages = Vec::new();
        for round in 0..4 {
            let mut process = serve();
            let application = Application { client: process.client().with("x-api-key", &secret) };
            let to: Vec<_> = (0..100).map(|number| format!("+42077{round}1{number:05}")).collect();
            let answer = application.post(&json!({"to": to, "text": "a".repeat(200)})).assert_status(202).json();
            messages.extend(answer["messages"].as_array().unwrap().clone());
            // In the middle of it.
            application.wait_for(&messages[messages.len() - 60], &["sent", "delivered"]);
            process.kill();
        }

        let mut process = serve();
        let application = Application { client: process.client().with("x-api-key", &secret) };
        // Each time no more were open than the carrier takes at once: they may
        // have been sent, so they are not sent again.
        let is_open = |message: &&Value| application.show(message)["status"] != "delivered";
        let began = Instant::now();
        while messages.iter().filter(is_open).count() > 4 * WINDOW {
            assert!(began.elapsed() < PATIENCE, "{:?}", messages.iter().filter(is_open).count());
        }

        assert_eq!(most_copies(&mut smsc), 1);
        assert_eq!((db.count("messages"), application.credits()), (400, 10_000 - 800));
        let lost: Vec<_> = application.list("?status=failed");
        assert_eq!(lost, Vec::<Value>::new());
        assert_eq!(application.client.get(MESSAGES).status, 200);
    }
}
