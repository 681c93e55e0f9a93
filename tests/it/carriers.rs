//! Carriers as they really are: each test has one that behaves in a way of its own.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use keyfob::clock::Clock;
use keyfob::config::Config;
use keyfob::networks::Networks;
use keyfob::sms::callbacks::CallbackConfig;
use keyfob::store::UtcTime;
use serde_json::{Value, json};

use crate::support::{
    App, Application, CarrierPeer, DATA_SM, DELIVER_SM, Database, MESSAGES, PeerAnswer, PeerSubmit, Process, Receiver,
    delivery, keyfob, on_both_databases,
};

const NOW: UtcTime = UtcTime::from_micros(1_772_366_400_000_000);
const PATIENCE: Duration = Duration::from_secs(60);
const DELIVERED: PeerAnswer = PeerAnswer::Deliver("stat:DELIVRD err:000");

fn with_carrier<'db>(db: &'db Database, peer: &CarrierPeer, parameters: &str) -> (App<'db>, Application) {
    let url = peer.url(parameters);
    // Messages that wait come up again as time passes.
    let app = App::start_set(db, |config| config.sms_transport = url.parse().unwrap(), Clock::System).with_operator();
    app.set_credits(10_000);
    let application = Application::with(&app, &app.make_key("Project X"));
    (app, application)
}

/// A server whose one key has a callback.
fn with_callback<'db>(db: &'db Database, peer: &CarrierPeer, receiver: &Receiver) -> (App<'db>, Application) {
    let allowed = Networks::parse("127.0.0.0/8").unwrap();
    let set = |config: &mut Config| {
        config.sms_transport = peer.url("").parse().unwrap();
        config.callbacks = CallbackConfig { allowed, ..CallbackConfig::default() };
    };
    let app = App::start_set(db, set, Clock::standing_at(NOW)).with_operator();
    let key = app.make_key("Project X");
    let path = format!("/api-keys/{}/callback", key.id);
    app.signed_in().post(&path, &[("url", receiver.url().as_str()), ("action", "save")]).assert_ok();
    let application = Application::with(&app, &key);
    (app, application)
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("+4207771{number:05}")).collect()
}

fn send_all(application: &Application, count: usize) -> Vec<Value> {
    let answer = application.post(&json!({"to": numbers(count), "text": "Hello"})).assert_status(202).json();
    answer["messages"].as_array().unwrap().clone()
}

fn error(message: &Value) -> &str {
    message["error"]["code"].as_str().unwrap_or_default()
}

fn carrier_code(message: &Value) -> &str {
    message["error"]["carrier_code"].as_str().unwrap_or_default()
}

/// The most often that one recipient was submitted to.
fn most_copies(submits: &[PeerSubmit]) -> usize {
    let mut copies: HashMap<&str, usize> = HashMap::new();
    for submit in submits {
        *copies.entry(&submit.to).or_default() += 1;
    }
    copies.into_values().max().unwrap_or_default()
}

/// The message, once it is in this state with this error.
#[track_caller]
fn wait_for(application: &Application, message: &Value, status: &str, code: &str) -> Value {
    let began = Instant::now();
    loop {
        let now = application.show(message);
        if (now["status"].as_str().unwrap(), error(&now)) == (status, code) {
            return now;
        }
        assert!(began.elapsed() < PATIENCE, "{now} is not {status} {code}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

on_both_databases! {
    fn a_carrier_that_throttles_slows_the_link_and_fails_no_message(db: &Database) {
        let mut count = 0;
        let peer = CarrierPeer::start(move |_| {
            count += 1;
            if (9..12).contains(&count) { PeerAnswer::Refuse(0x58) } else { DELIVERED }
        });
        let (app, application) = with_carrier(db, &peer, "window=4");
        let client = app.signed_in();
        assert!(!client.get("/messages").page().texts(".notice").join(" ").contains("a second"));

        let messages = send_all(&application, 20);

        for message in &messages {
            assert_eq!(application.wait_for_end(message)["status"], "delivered");
        }
        assert_eq!((application.credits(), peer.submits().len()), (9_980, 23));
        let notice = client.get("/messages").page().texts(".notice").join(" ");
        assert!(notice.contains("Your carrier takes about"), "{notice}");
        // What was learned outlives the connection.
        peer.hang_up();
        peer.wait_until("a new bind", |peer| peer.binds().len() == 2);
        assert_eq!(application.wait_for_end(&application.sent("+420777000001", "Hello"))["status"], "delivered");
        let notice = client.get("/messages").page().texts(".notice").join(" ");
        assert!(notice.contains("Your carrier takes about"), "{notice}");
    }

    fn a_hang_leaves_at_most_one_window_unknown(db: &Database) {
        for window in [1, 5] {
            let db = &db.empty();
            let peer = CarrierPeer::start(|_| PeerAnswer::Nothing);
            let (app, application) = with_carrier(db, &peer, &format!("window={window}&timeout=1"));

            let messages = send_all(&application, 20);
            peer.wait_until("the connection is replaced", |peer| peer.binds().len() == 2);

            assert_eq!(peer.submits().len(), window);
            let notice = app.signed_in().get("/messages").page().text(".notice");
            assert!(notice.contains("answers no submits"), "{notice}");
            peer.behave(|_| DELIVERED);
            let unknown = messages.iter().filter(|message| {
                let settled = || application.wait_for(message, &["delivered", "sent"]);
                let mut message = settled();
                while message["status"] == "sent" && error(&message).is_empty() {
                    message = settled();
                }
                error(&message) == "outcome_unknown"
            });
            assert_eq!(unknown.count(), window);
            assert_eq!(most_copies(&peer.submits()), 1);
            assert_eq!(application.credits(), 9_980);
        }
    }

    fn a_carrier_that_hangs_up_at_each_submit_leaves_one_window_unknown_and_then_one_message_at_a_time(db: &Database) {
        let peer = CarrierPeer::start(|_| PeerAnswer::Nothing);
        let (_app, application) = with_carrier(db, &peer, "window=5");
        let on_link = |peer: &CarrierPeer, link| peer.submits().iter().filter(|submit| submit.link == link).count();

        let messages = send_all(&application, 20);
        peer.wait_until("a window", |peer| on_link(peer, 0) == 5);
        peer.hang_up();
        peer.wait_until("one more", |peer| on_link(peer, 1) > 0);
        peer.behave(|_| DELIVERED);
        peer.hang_up();

        peer.wait_until("all", |peer| peer.submits().len() == 20);
        assert_eq!(on_link(&peer, 1), 1);
        assert_eq!(most_copies(&peer.submits()), 1);
        for message in &messages[6..] {
            application.wait_for(message, &["delivered"]);
        }
    }

    fn a_connection_that_is_not_bound_is_replaced_and_charged_to_no_message(db: &Database) {
        let peer = CarrierPeer::start(|submit| if submit.link == 0 { PeerAnswer::Refuse(0x04) } else { DELIVERED });
        let (_app, application) = with_carrier(db, &peer, "");

        let messages = send_all(&application, 5);

        for message in &messages {
            assert_eq!(application.wait_for_end(message)["status"], "delivered");
        }
        assert_eq!((peer.binds().len(), application.credits()), (2, 9_995));
        assert_eq!(db.ask("SELECT DISTINCT tries || '' AS line FROM messages"), ["1"]);
    }

    fn the_carriers_own_code_is_in_the_api_the_page_and_the_callback(db: &Database) {
        let peer = CarrierPeer::start(|submit| match &submit.to[submit.to.len() - 1..] {
            "1" => PeerAnswer::Refuse(0x404),
            "2" => PeerAnswer::Refuse(0x62),
            "3" => PeerAnswer::Deliver("stat:NOROUTE err:0A7"),
            "4" => PeerAnswer::Deliver("stat:UNDELIV err:011"),
            _ => DELIVERED,
        });
        let receiver = Receiver::start();
        let (app, application) = with_callback(db, &peer, &receiver);

        for (place, (number, status, code, own)) in [
            ("+420777000001", "failed", "rejected", "0x404"),
            ("+420777000002", "failed", "invalid_validity", "0x62"),
            ("+420777000003", "undelivered", "undelivered", "NOROUTE 0A7"),
            ("+420777000004", "undelivered", "undelivered", "011"),
            ("+420777000005", "delivered", "", ""),
        ].into_iter().enumerate() {
            let message = application.wait_for_end(&application.sent(number, "Hello"));
            assert_eq!((message["status"].as_str().unwrap(), error(&message), carrier_code(&message)), (status, code, own));
            let page = app.signed_in().get(&format!("/messages/{}", message["id"].as_str().unwrap())).assert_ok();
            assert_eq!(page.body.contains("Carrier's code") || page.body.contains("Carrier&#39;s code"), !own.is_empty());
            assert!(page.body.contains(own), "{own}");
            let call = receiver.wait_for(place + 1).remove(place);
            assert_eq!(call.json()["data"]["error"], message["error"]);
        }
    }

    fn without_a_receipt_the_last_word_is_sent_and_a_late_receipt_still_counts(db: &Database) {
        let peer = CarrierPeer::start(|_| PeerAnswer::Accept);
        let receiver = Receiver::start();
        let (app, application) = with_callback(db, &peer, &receiver);
        let message = application.sent("+420777000001", "Hello");
        wait_for(&application, &message, "sent", "");

        app.clock.advance(48 * 3600 + 601);

        wait_for(&application, &message, "sent", "no_receipt");
        let call = receiver.wait_for(1).remove(0).json();
        assert_eq!((call["type"].as_str(), call["data"]["error"]["code"].as_str()), (Some("message.sent"), Some("no_receipt")));
        peer.deliver(DELIVER_SM, 900, &delivery("420777000001", 4, b"id:peer-1 stat:DELIVRD err:000", b""));
        assert_eq!(wait_for(&application, &message, "delivered", "")["status"], "delivered");
        assert_eq!(receiver.wait_for(2).remove(1).json()["type"], "message.delivered");
    }

    fn a_late_answer_settles_the_segment_it_belongs_to(db: &Database) {
        let peer = CarrierPeer::start(|_| PeerAnswer::Nothing);
        let (_app, application) = with_carrier(db, &peer, "timeout=1");
        // Two to one number: by the number alone neither could be told from the other.
        let messages = [application.sent("+420777000001", "One"), application.sent("+420777000001", "Two")];
        for message in &messages {
            wait_for(&application, message, "sent", "outcome_unknown");
        }
        let submits = peer.submits();
        let (one, two) = if submits[0].message == b"One" { (0, 1) } else { (1, 0) };

        peer.answer(&submits[one], 0, "late-7");
        peer.answer(&submits[two], 0x0b, "");

        wait_for(&application, &messages[0], "sent", "");
        wait_for(&application, &messages[1], "failed", "invalid_recipient");
        assert_eq!(application.credits(), 9_999);
        peer.deliver(DELIVER_SM, 900, &delivery("420777000001", 4, b"id:late-7 stat:DELIVRD err:000", b""));
        wait_for(&application, &messages[0], "delivered", "");
    }

    fn a_receipt_with_a_flaw_or_in_a_data_sm_still_counts(db: &Database) {
        let peer = CarrierPeer::start(|_| PeerAnswer::Accept);
        let (_app, application) = with_carrier(db, &peer, "window=1");
        let messages: Vec<_> = (1..=4).map(|number| {
            let message = application.sent(&format!("+42077700000{number}"), "Hello");
            wait_for(&application, &message, "sent", "")
        }).collect();

        // A parameter that is cut off, one without its zero byte, and a stray byte.
        peer.deliver(DELIVER_SM, 901, &delivery("1", 4, b"id:peer-1 stat:DELIVRD", b"\x00\x1e\x00\x40abc"));
        peer.deliver(DELIVER_SM, 902, &delivery("1", 4, b"stat:DELIVRD", b"\x00\x1e\x00\x06peer-2"));
        peer.deliver(DELIVER_SM, 903, &delivery("1", 4, b"id:peer-3, stat:DELIVRD", b"\0"));
        let line = b"id:peer-4 stat:DELIVRD";
        let data_sm = [&b"\0\x01\x011\0\x05\0Shop\0\x04\0\0\x04\x24\0"[..], &[u8::try_from(line.len()).unwrap()], line].concat();
        peer.deliver(DATA_SM, 904, &data_sm);

        for message in &messages {
            wait_for(&application, message, "delivered", "");
        }
        peer.wait_until("all are acknowledged", |peer| peer.responses().len() == 4);
        let mut responses = peer.responses();
        responses.sort_unstable_by_key(|(_, _, sequence)| *sequence);
        assert_eq!(responses, [
            (0x8000_0005, 0, 901), (0x8000_0005, 0, 902), (0x8000_0005, 0, 903), (0x8000_0103, 0, 904),
        ]);
    }

    fn a_live_message_without_a_carrier_is_rehearsed_and_stays_so(db: &Database) {
        let rehearsing = App::start_rehearsing(db);
        rehearsing.set_credits(100);
        let key = rehearsing.make_key("Project X");
        let application = Application::with(&rehearsing, &key);

        let message = application.sent("+420777000001", "Hello");
        assert_eq!((message["rehearsed"].as_bool(), message["credits"].as_i64()), (Some(true), Some(0)));
        let message = application.wait_for_end(&message);

        assert_eq!((message["status"].as_str(), message["rehearsed"].as_bool()), (Some("delivered"), Some(true)));
        assert_eq!(application.credits(), 100);
        let estimate = application.client.post_json("/v1/sms/messages/estimate", json!({"text": "Hello"}).to_string());
        assert_eq!(estimate.json()["credits"], 0);
        let client = rehearsing.signed_in();
        let page = client.get("/messages").page();
        assert!(page.text(".notice").contains("No carrier yet: messages are rehearsed"), "{}", page.text(".notice"));
        assert_eq!(page.texts(".message .tag"), ["Rehearsed"]);
        let path = format!("/messages/{}", message["id"].as_str().unwrap());
        assert!(client.get(&path).body.contains("Rehearsed: no phone was involved"));
        assert!(!client.get(&path).body.contains("reached the phone"));
        drop(rehearsing);

        // With a carrier it is charged and sent; what was rehearsed stays a rehearsal.
        let peer = CarrierPeer::start(|_| DELIVERED);
        let app = App::start_with_carrier(db, &peer.url(""));
        let application = Application::with(&app, &key);
        let real = application.wait_for_end(&application.sent("+420777000002", "Hello"));
        assert_eq!((real["rehearsed"].as_bool(), application.credits()), (Some(false), 99));
        assert_eq!(application.show(&message)["rehearsed"], true);
        assert_eq!(app.signed_in().get("/messages").page().texts(".message .tag"), ["Rehearsed"]);
        assert_eq!(peer.submits().len(), 1);
    }

    fn what_waits_for_a_carrier_is_never_rehearsed(db: &Database) {
        let peer = CarrierPeer::start(|_| PeerAnswer::Refuse(0x58));
        let (app, application) = with_carrier(db, &peer, "");
        let message = application.sent("+420777000001", "Hello");
        wait_for(&application, &message, "queued", "throttled");
        drop(app);

        let rehearsing = App::start_rehearsing(db);
        let application = Application { client: application.client.at(&rehearsing.url) };
        let rehearsal = application.wait_for_end(&application.sent("+420777000002", "Hello"));
        assert_eq!(rehearsal["rehearsed"], true);
        assert_eq!(application.show(&message)["status"], "queued");
        let notice = rehearsing.signed_in().get("/messages").page().text(".notice");
        assert!(notice.contains("From before, 1 message waits for one."), "{notice}");
        drop(rehearsing);

        peer.behave(|_| DELIVERED);
        let (app, _) = with_carrier(db, &peer, "");
        let application = Application { client: application.client.at(&app.url) };
        assert_eq!(application.wait_for_end(&message)["status"], "delivered");
    }
}

#[test]
fn a_message_without_a_sender_gets_the_one_of_its_key_or_of_the_carrier() {
    let peer = CarrierPeer::start(|_| DELIVERED);
    let db = Database::sqlite();
    let app = App::start_with_carrier(&db, &peer.url("sender=Carrier&window=1"));
    let (client, key) = (app.signed_in(), app.make_key("Project X"));
    let application = Application::with(&app, &key);
    let path = format!("/api-keys/{}/default-sender", key.id);
    let from = |body: Value| {
        let message = application.post(&body).assert_status(202).json()["messages"][0].clone();
        application.wait_for_end(&message);
        peer.submits().last().unwrap().from.clone()
    };
    let plain = json!({"to": "+420777000001", "text": "Hello"});

    assert_eq!(from(plain.clone()), "Carrier");
    client.post(&path, &[("default_sender", "My Shop")]).assert_status(303);
    assert_eq!(from(plain.clone()), "My Shop");
    assert_eq!(from(json!({"to": "+420777000001", "text": "Hello", "from": "Own"})), "Own");
    let refused = client.post(&path, &[("default_sender", "much too long a name")]).assert_status(422).page();
    assert_eq!(refused.attr("#default-sender", "value"), "much too long a name");
    assert_eq!(from(plain.clone()), "My Shop");
    client.post(&path, &[("default_sender", "")]).assert_status(303);
    assert_eq!(from(plain), "Carrier");
}

#[test]
fn each_dialect_is_spoken_as_the_url_asks() {
    let peer = CarrierPeer::start(|_| PeerAnswer::Accept);
    let db = Database::sqlite();
    let parameters =
        "validity=none&sender=Shop&alphabet=latin1&tlv=0x1400:12345&tlv=0x1401:T-9&receipts=text&bind=separate";
    let url = peer.url(parameters).replace("s3cret", "a-password-of-24-letters").replace("s3cret", "")
        + "&password_limit=off";
    let app = App::start_with_carrier(&db, &url);
    let application = Application::with(&app, &app.make_key("Project X"));

    let message = application.sent("+420777000001", "caf\u{e9} {1}");
    wait_for(&application, &message, "sent", "");
    let own =
        application.post(&json!({"to": "+420777000002", "text": "Hello", "from": "Own"})).assert_status(202).json();
    wait_for(&application, &own["messages"][0], "sent", "");

    let submits = peer.submits();
    let first = &submits[0];
    assert_eq!((first.from.as_str(), first.validity.as_str(), first.data_coding), ("Shop", "", 0));
    assert_eq!(first.message, b"caf\xe9 {1}");
    assert_eq!(first.tlvs, b"\x14\x00\x00\x0512345\x14\x01\x00\x03T-9");
    assert_eq!(submits[1].from, "Own");
    // A transmitter and a receiver; the receipt comes on the second, without its mark.
    assert_eq!(peer.binds(), [0x02, 0x01]);
    peer.deliver(DELIVER_SM, 900, &delivery("420777000001", 0, b"id:peer-1 stat:DELIVRD err:000", b""));
    wait_for(&application, &message, "delivered", "");
    peer.hang_up();
    peer.wait_until("both are bound again", |peer| peer.binds().len() == 4);
}

#[test]
fn the_metrics_tell_of_messages_the_carrier_and_the_queues() {
    let peer = CarrierPeer::start(|submit| match &submit.to[submit.to.len() - 1..] {
        "1" => PeerAnswer::Refuse(0x0b),
        _ => DELIVERED,
    });
    let db = Database::sqlite();
    let secret = db.app().make_key("Project X").secret;
    let arguments = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--database-url", &db.url()];
    let mut process = Process::spawn(keyfob(&arguments).args(["--sms-transport", &peer.url("")]));
    let application = Application { client: process.client().with("x-api-key", &secret) };
    let url = process.wait_for("Metrics");
    let metrics = crate::support::Client::new(url.strip_suffix("/metrics").unwrap());

    application.wait_for_end(&application.sent("+420777000001", "Hello"));
    application.wait_for_end(&application.sent("+420777000002", "Hello"));
    peer.deliver(DELIVER_SM, 900, &delivery("1", 4, b"stat:DELIVRD", b""));
    peer.deliver(DELIVER_SM, 901, &delivery("420777000001", 0, b"Hello back", b""));
    peer.wait_until("both are acknowledged", |peer| peer.responses().len() == 3);

    let began = Instant::now();
    for line in [
        "keyfob_messages_accepted_total 2",
        "keyfob_messages_total{status=\"delivered\",error=\"\",rehearsed=\"false\"} 1",
        "keyfob_messages_total{status=\"failed\",error=\"invalid_recipient\",rehearsed=\"false\"} 1",
        "keyfob_carrier_messages_total{carrier=\"default\",status=\"delivered\",error=\"\"} 1",
        "keyfob_carrier_messages_total{carrier=\"default\",status=\"failed\",error=\"invalid_recipient\"} 1",
        "keyfob_carrier_needs_operator{carrier=\"default\"} 0",
        "keyfob_carrier_bound{carrier=\"default\"} 1",
        "keyfob_carrier_binds_total{carrier=\"default\"} 1",
        "keyfob_carrier_throttled_total{carrier=\"default\"} 0",
        "keyfob_carrier_deliveries_ignored_total{carrier=\"default\",kind=\"without_id\"} 1",
        "keyfob_carrier_deliveries_ignored_total{carrier=\"default\",kind=\"from_phone\"} 1",
        "keyfob_message_queue_length{carrier=\"default\",rehearsed=\"false\"} 0",
        "keyfob_message_queue_oldest_seconds{carrier=\"default\",rehearsed=\"false\"} 0",
        "keyfob_callbacks_waiting 0",
        "keyfob_callbacks_failing 0",
    ] {
        while !metrics.get("/metrics").assert_ok().body.lines().any(|known| known == line) {
            assert!(began.elapsed() < PATIENCE, "{line} is not in\n{}", metrics.get("/metrics").body);
        }
    }
    assert!(metrics.get("/metrics").body.contains("keyfob_credits{account=\"acc_"));
    assert_eq!(application.client.get(MESSAGES).status, 200);
}

#[test]
fn texts_and_numbers_of_old_messages_are_removed_and_the_rest_stays() {
    for db in [Database::sqlite(), Database::postgres()] {
        let peer = CarrierPeer::start(|_| DELIVERED);
        let url = peer.url("");
        let set = |config: &mut Config| {
            config.sms_transport = url.parse().unwrap();
            config.message_retention_days = Some(30);
        };
        let app = App::start_set(&db, set, Clock::standing_at(NOW)).with_operator();
        let application = Application::with(&app, &app.make_key("Project X"));
        let old = application.wait_for_end(&application.sent("+420777000001", "An old secret"));
        app.clock.advance(29 * 86_400);
        let new = application.wait_for_end(&application.sent("+420777000002", "A new secret"));
        drop(app);

        let app = App::start_set(&db, set, Clock::standing_at(NOW.plus_seconds(30 * 86_400 + 1)));
        let application = Application { client: application.client.at(&app.url) };
        let began = Instant::now();
        while application.show(&old)["to"] != Value::Null {
            assert!(began.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(20));
        }

        let removed = application.show(&old);
        assert_eq!((removed["status"].as_str(), removed["credits"].as_i64()), (Some("delivered"), Some(1)));
        assert_eq!(application.show(&new)["to"], "+420777000002");
        let page = app.signed_in().get(&format!("/messages/{}", old["id"].as_str().unwrap())).assert_ok();
        assert!(page.body.contains("Number removed") && !page.body.contains("An old secret"));
        assert!(!db.rows().values().flatten().any(|row| row.contains("An old secret")));
        app.assert_ledger_adds_up();
    }
}
