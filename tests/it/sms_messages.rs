//! `/v1/sms/messages` and `/v1/balance`: what an application does with its key.

use keyfob::clock::Clock;
use keyfob::config::Config;
use keyfob::domain::api_key::KeyStatus;
use serde_json::{Value, json};

use crate::support::{App, Application, CarrierPeer, Key, MESSAGES, PHONE, PeerAnswer, on_both_databases};

/// 161 characters of the GSM alphabet: two segments.
fn long_text() -> String {
    "a".repeat(161)
}

fn fields(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect()
}

on_both_databases! {
    fn a_message_is_accepted_charged_and_delivered(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let application = Application::with(&app, &key);

        let answer = application.post(&json!({"to": PHONE, "text": "Hello", "from": "Keyfob", "reference": "order-42"}));

        let answer = answer.assert_status(202).json();
        assert_eq!(answer["credits_left"], 99);
        let message = &answer["messages"][0];
        for (name, value) in [
            ("to", json!(PHONE)),
            ("from", json!("Keyfob")),
            ("reference", json!("order-42")),
            ("status", json!("queued")),
            ("encoding", json!("gsm7")),
            ("segments", json!(1)),
            ("credits", json!(1)),
            ("mode", json!("live")),
            ("error", json!(null)),
        ] {
            assert_eq!(message[name], value, "{name}");
        }
        assert_eq!(application.wait_for_end(message)["status"], "delivered");
        assert_eq!(application.credits(), 99);
        app.assert_ledger_adds_up();
    }

    fn each_recipient_gets_a_message_of_its_own_and_each_segment_costs_a_credit(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));
        let to = ["+420777000001", "+420777000002", "+420 777 000-003"];

        let answer = application.post(&json!({"to": to, "text": long_text()})).assert_status(202).json();

        assert_eq!(answer["credits_left"], 94);
        let messages = answer["messages"].as_array().unwrap();
        let numbers: Vec<_> = messages.iter().map(|message| message["to"].as_str().unwrap()).collect();
        assert_eq!(numbers, ["+420777000001", "+420777000002", "+420777000003"]);
        assert!(messages.iter().all(|message| message["segments"] == 2 && message["credits"] == 2));
        app.assert_ledger_adds_up();
    }

    fn a_number_of_the_sandbox_ends_as_its_last_digits_say(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));

        for (number, status, error) in [
            ("+420777000997", "undelivered", "undelivered"),
            ("+420777000996", "undelivered", "rejected"),
            ("+420777000995", "expired", "expired"),
            ("+420777000998", "failed", "invalid_recipient"),
        ] {
            let message = application.wait_for_end(&application.sent(number, "Hello"));
            assert_eq!((&message["status"], &message["error"]["code"]), (&json!(status), &json!(error)), "{number}");
            assert!(message["error"]["message"].as_str().unwrap().ends_with('.'));
        }
        let waits = application.sent("+420777000994", "Hello");
        assert_eq!(application.wait_for(&waits, &["sent"])["error"], json!(null));
        // Four were taken by the carrier; the one that was not is given back.
        assert_eq!(application.credits(), 96);
        app.assert_ledger_adds_up();
    }

    fn a_throttled_message_is_tried_again_and_charged_once(db: &Database) {
        // A carrier of its own: others would count attempts to the same number too.
        let mut attempts = 0;
        let peer = CarrierPeer::start(move |_| {
            attempts += 1;
            if attempts <= 2 { PeerAnswer::Refuse(0x58) } else { PeerAnswer::Deliver("stat:DELIVRD err:000") }
        });
        let url = peer.url("");
        let set = |config: &mut Config| config.sms_transport = url.parse().unwrap();
        let app = App::start_set(db, set, Clock::System).with_operator();
        let application = Application::with(&app, &app.make_key("Project X"));

        let message = application.sent("+420777000999", "Hello");
        assert_eq!((&application.wait_for_end(&message)["status"], application.credits()), (&json!("delivered"), 99));
        assert_eq!(peer.submits().len(), 3);
    }

    fn without_enough_credits_nothing_is_charged_and_nothing_queued(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));
        app.set_credits(5);

        let to: Vec<_> = (0..3).map(|number| format!("+42077700000{number}")).collect();
        let refused = application.post(&json!({"to": to, "text": long_text()})).assert_problem(402, "NOT_ENOUGH_CREDITS");
        assert!(refused.json()["detail"].as_str().unwrap().starts_with("This costs 6 and 5 are left."));
        assert_eq!((application.credits(), db.count("messages")), (5, 0));

        application.post(&json!({"to": &to[..2], "text": long_text()})).assert_status(202);
        assert_eq!(application.credits(), 1);
        application.sent(PHONE, "Hello");
        // A key without credits still tells so.
        application.send(PHONE, "Hello").assert_problem(402, "NOT_ENOUGH_CREDITS");
        assert_eq!(application.credits(), 0);
        app.assert_ledger_adds_up();
    }

    fn a_test_key_goes_through_everything_and_spends_nothing(db: &Database) {
        let app = db.app();
        let live = Application::with(&app, &app.make_key("Project X"));
        let test = Application::with(&app, &app.make_test_key("Rehearsal"));

        let message = test.sent("+420777000997", &long_text());

        assert_eq!((&message["credits"], &message["segments"], &message["mode"]), (&json!(0), &json!(2), &json!("test")));
        assert_eq!(test.wait_for_end(&message)["status"], "undelivered");
        assert_eq!(test.credits(), 100);
        assert_eq!(db.count("ledger_entries"), 1);
        app.set_credits(0);
        test.sent(PHONE, "Hello");
        live.send(PHONE, "Hello").assert_problem(402, "NOT_ENOUGH_CREDITS");
    }

    fn a_test_key_sees_no_live_message_and_a_live_key_no_test_message(db: &Database) {
        let app = db.app();
        let live = Application::with(&app, &app.make_key("Project X"));
        let test = Application::with(&app, &app.make_test_key("Rehearsal"));
        let (real, rehearsed) = (live.sent(PHONE, "Real"), test.sent(PHONE, "Rehearsed"));
        let path = |message: &Value| format!("{MESSAGES}/{}", message["id"].as_str().unwrap());

        assert_eq!((live.list("").len(), test.list("").len()), (1, 1));
        assert_eq!((&live.list("")[0]["id"], &test.list("")[0]["id"]), (&real["id"], &rehearsed["id"]));
        live.client.get(&path(&real)).assert_ok();
        live.client.get(&path(&rehearsed)).assert_problem(404, "NOT_FOUND");
        test.client.get(&path(&real)).assert_problem(404, "NOT_FOUND");
    }

    fn a_key_of_another_account_learns_nothing_of_messages_or_credits(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));
        let message = application.sent(PHONE, "Hello");
        let other = Application { client: app.anonymous().with("x-api-key", &app.another_account().create_key("E").secret) };

        other.client.get(&format!("{MESSAGES}/{}", message["id"].as_str().unwrap())).assert_problem(404, "NOT_FOUND");
        assert_eq!(other.list(""), Vec::<Value>::new());
        let query = format!("?cursor={}", keyfob::domain::message::MessageId::mint());
        assert_eq!((other.list(&query).len(), application.list(&query).len()), (0, 1));
        assert_eq!((other.credits(), application.credits()), (100, 99));
        other.sent(PHONE, "Mine");
        assert_eq!((other.credits(), application.credits()), (99, 99));
        app.assert_ledger_adds_up();
    }

    fn only_an_enabled_key_of_the_sms_service_opens_this_door(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let [off, over] = ["Off", "Over"].map(|name| app.make_key(name));
        app.gate_switch().set(&off, KeyStatus::Disabled);
        db.execute(&format!("UPDATE api_keys SET expires_at = {} WHERE id = '{}'", app.clock.now().micros(), over.id));
        let unknown = Key { id: String::new(), secret: "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF".to_owned() };
        let mail = app.make_key("Mail");
        db.execute(&format!("UPDATE api_keys SET service = 'mail' WHERE id = '{}'", mail.id));
        let calls: [(&str, &str); 5] = [
            ("POST", MESSAGES),
            ("GET", MESSAGES),
            ("GET", "/v1/sms/messages/msg_01kjmma2g0emq8k9w39qsaekf4"),
            ("POST", "/v1/sms/messages/estimate"),
            ("GET", "/v1/balance"),
        ];

        for (key, code) in [(&off, "DISABLED"), (&over, "EXPIRED"), (&unknown, "NOT_FOUND"), (&mail, "NOT_FOUND")] {
            let application = Application::with(&app, key);
            for (method, path) in calls {
                // Before the body is looked at.
                let body: Option<(&str, &[u8])> = (method == "POST").then_some(("text/plain", b"{"));
                let refused = application.client.send(method, path, body).assert_problem(401, code);
                assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"keyfob\", error=\"invalid_token\"");
            }
        }
        for (method, path) in calls {
            let refused = app.anonymous().send(method, path, None).assert_problem(401, "KEY_MISSING");
            assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"keyfob\"");
        }
        assert_eq!(db.count("messages"), 0);
        Application::with(&app, &app.make_key("On")).sent(PHONE, "Hello");
    }

    fn every_field_that_is_wrong_is_told_at_once_and_nothing_is_charged(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));
        let many: Vec<_> = (0..101).map(|number| format!("+4207770{number:05}")).collect();
        let wrong = |body: Value| application.post(&body).assert_problem(422, "INVALID").json();

        let all = wrong(json!({"to": "777", "text": "", "from": "much too long a name", "reference": "a\nb"}));
        assert_eq!(fields(&all), ["to", "from", "text", "reference"]);
        for to in [
            json!(""), json!("420777123456"), json!("+0420777123456"), json!("+4207771234567890"), json!("+42"),
            json!("00420777123456"), json!("+420777x"), json!("+420777123456 x9"), json!([]), json!([PHONE, PHONE]),
            json!([PHONE, "+420 777-123-456"]), json!([PHONE, "x"]), json!(many), json!("＋420777123456"),
        ] {
            assert_eq!(fields(&wrong(json!({"to": to, "text": "Hello"})))[0], "to", "{to}");
        }
        for text in ["", " \n ", "a\u{0}b", &"a".repeat(1531), &"ж".repeat(671), &"😀".repeat(336)] {
            assert_eq!(fields(&wrong(json!({"to": PHONE, "text": text}))), ["text"], "{text}");
        }
        for from in ["", "12", "123456789", "Žluť", "Twelve chars", "+4207", "a/b", "a\u{0}"] {
            assert_eq!(fields(&wrong(json!({"to": PHONE, "text": "Hello", "from": from}))), ["from"], "{from}");
        }
        assert_eq!((application.credits(), db.count("messages")), (100, 0));
        application.post(&json!({"to": PHONE, "text": "Hello", "reference": "  "})).assert_status(202);
        for from in ["Keyfob", "12345", "+420777123456", "A 1"] {
            application.post(&json!({"to": PHONE, "text": "a".repeat(1530), "from": from})).assert_status(202);
        }
    }

    fn what_is_no_request_is_refused_in_words(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));
        let post = |body: &str| application.client.post_json(MESSAGES, body);

        for body in [
            "", "{", "[]", "null", "[\"+420777123456\",\"x\",null,null]", "1e400", "{\"to\":\"+420777123456\"}", "{\"text\":\"x\"}", "{\"to\":1,\"text\":\"x\"}",
            "{\"to\":\"+420777123456\",\"to\":\"+420777123457\",\"text\":\"x\"}",
            "{\"to\":\"+420777123456\",\"text\":\"x\",\"credits\":999}",
            "{\"to\":\"+420777123456\",\"text\":\"\\ud800\"}",
            "{\"to\":[[\"+420777123456\"]],\"text\":\"x\"}",
            &format!("{{\"to\":{}\"x\"", "[".repeat(10_000)),
        ] {
            post(body).assert_problem(400, "BAD_REQUEST");
        }
        post(&json!({"to": PHONE, "text": "a".repeat(70_000)}).to_string()).assert_problem(413, "PAYLOAD_TOO_LARGE");
        let text: (&str, &[u8]) = ("text/plain", b"{\"to\":\"+420777123456\",\"text\":\"x\"}");
        application.client.send("POST", MESSAGES, Some(text)).assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
        assert_eq!((application.credits(), db.count("messages")), (100, 0));
        for method in ["PUT", "PATCH", "DELETE"] {
            application.client.send(method, MESSAGES, None).assert_problem(405, "METHOD_NOT_ALLOWED");
        }
    }

    fn a_text_is_composed_so_that_it_costs_no_more_than_it_looks_like(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));
        let estimate = |text: &str| {
            let body = json!({"text": text}).to_string();
            application.client.post_json("/v1/sms/messages/estimate", body).assert_ok().json()
        };

        assert_eq!(estimate(&"e\u{301}".repeat(160)), json!({"encoding": "gsm7", "segments": 1, "recipients": 1, "credits": 1, "messages": []}));
        for (text, encoding, segments) in [
            ("a".repeat(160), "gsm7", 1), ("a".repeat(161), "gsm7", 2), ("€".repeat(80), "gsm7", 1), ("€".repeat(81), "gsm7", 2),
            ("ы".repeat(70), "ucs2", 1), ("ы".repeat(71), "ucs2", 2), ("😀".repeat(35), "ucs2", 1), ("😀".repeat(36), "ucs2", 2),
            ("ç".to_owned(), "ucs2", 1), ("`".to_owned(), "ucs2", 1),
        ] {
            let cost = estimate(&text);
            assert_eq!((&cost["encoding"], &cost["segments"]), (&json!(encoding), &json!(segments)), "{text}");
        }
    }

    fn an_estimate_makes_the_same_checks_and_costs_nothing(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));
        let estimate = |body: Value| application.client.post_json("/v1/sms/messages/estimate", body.to_string());

        let cost = estimate(json!({"to": [PHONE, "+420777123457"], "text": long_text()})).assert_ok().json();
        assert_eq!((&cost["credits"], &cost["recipients"]), (&json!(4), &json!(2)));
        assert_eq!(fields(&estimate(json!({"to": "x", "text": ""})).assert_problem(422, "INVALID").json()), ["to", "text"]);
        assert_eq!((application.credits(), db.count("messages")), (100, 0));
    }

    fn numbers_and_senders_are_taken_as_people_paste_them(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));

        for (to, from, sent_to, sent_from) in [
            ("+44 (0)20 7946 0018", "C&A", "+442079460018", "C&A"),
            ("\u{202a}+420\u{a0}777\u{2011}123.456\u{202c}", "\u{200b}My\u{a0}A\u{2011}Bank", "+420777123456", "My A-Bank"),
            ("+39 06 698 1234", "+39 06 698 1235", "+39066981234", "+39066981235"),
        ] {
            let answer = application.post(&json!({"to": to, "text": "Hello", "from": from})).assert_status(202).json();
            let message = &answer["messages"][0];
            assert_eq!((message["to"].as_str(), message["from"].as_str()), (Some(sent_to), Some(sent_from)), "{to}");
        }
        let twice = json!({"to": ["+44 (0)20 7946 0018", "+44 20 7946 0018"], "text": "Hello"});
        assert_eq!(fields(&application.post(&twice).assert_problem(422, "INVALID").json()), ["to"]);
        for blank in ["\u{200b}\u{3164}\u{ad}", "\u{2800}", "\u{feff} \n"] {
            let refused = application.send(PHONE, blank).assert_problem(422, "INVALID").json();
            assert_eq!(fields(&refused), ["text"], "{blank:?}");
        }
        assert_eq!(application.credits(), 97);
    }

    fn the_list_is_newest_first_in_pages_and_by_status(db: &Database) {
        let app = db.app();
        app.set_credits(1_000);
        let application = Application::with(&app, &app.make_key("Project X"));
        let to: Vec<_> = (0..60).map(|number| format!("+4207771{number:05}")).collect();
        application.post(&json!({"to": to, "text": "Hello"})).assert_status(202);
        let last = application.wait_for_end(&application.sent("+420777000998", "Refused"));

        let first = application.client.get(MESSAGES).assert_ok().json();
        let second = application.client.get(&format!("{MESSAGES}?cursor={}", first["next_cursor"].as_str().unwrap()));
        let second = second.assert_ok().json();

        assert_eq!(first["messages"][0]["id"], last["id"]);
        let ids: Vec<_> = [&first, &second].iter().flat_map(|page| page["messages"].as_array().unwrap()).map(|message| message["id"].as_str().unwrap()).collect();
        assert_eq!((ids.len(), &second["next_cursor"]), (61, &json!(null)));
        assert!(ids.is_sorted_by(|newer, older| newer > older));
        assert_eq!(application.list("?status=failed").len(), 1);
        for wrong in ["?status=lost", "?cursor=x", "?cursor=", "?sort=id", "?status=failed&status=sent", "?status='%20OR%201=1--"] {
            application.client.get(&format!("{MESSAGES}{wrong}")).assert_problem(400, "BAD_REQUEST");
        }
    }

    fn the_list_is_narrowed_by_number_sender_reference_and_time(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));
        let sent = |body: Value| application.post(&body).assert_status(202).json()["messages"][0]["id"].clone();
        let first = sent(json!({"to": PHONE, "text": "Hello", "from": "Keyfob", "reference": "order-42"}));
        app.clock.advance(60);
        let second = sent(json!({"to": PHONE, "text": "Hello", "from": "+420777123457"}));
        let third = sent(json!({"to": "+420777000002", "text": "Hello", "reference": "order-4"}));
        let ids = |query: &str| application.list(query).iter().map(|message| message["id"].clone()).collect::<Vec<_>>();
        let now = app.clock.now().rfc3339();
        let in_prague = now.replace("T12:01:00.000000Z", "T13:01:00+01:00");
        assert_ne!(now, in_prague);

        for (query, found) in [
            ("?limit=1", vec![&third]),
            ("?limit=100", vec![&third, &second, &first]),
            ("?to=%2B420777123456", vec![&second, &first]),
            // An unescaped plus sign is a space.
            ("?to=+420777123456", vec![&second, &first]),
            ("?to=%2B420777123456&limit=1", vec![&second]),
            ("?to=%2B420777000003", vec![]),
            ("?from=Keyfob", vec![&first]),
            ("?from=+420777123457", vec![&second]),
            ("?from=keyfob", vec![]),
            ("?reference=order-42", vec![&first]),
            ("?reference=order-4", vec![&third]),
            ("?reference=order-42&to=%2B420777000002", vec![]),
            (&format!("?created_after={now}"), vec![&third, &second]),
            (&format!("?created_before={now}"), vec![&first]),
            (&format!("?created_after={in_prague}&reference=order-4"), vec![&third]),
            (&format!("?created_before={}", in_prague.replace('+', "%2B")), vec![&first]),
        ] {
            assert_eq!(ids(query).iter().collect::<Vec<_>>(), found, "{query}");
        }
        let page = application.client.get(&format!("{MESSAGES}?to=%2B420777123456&limit=1")).assert_ok().json();
        let next = page["next_cursor"].as_str().unwrap();
        assert_eq!(ids(&format!("?to=%2B420777123456&limit=1&cursor={next}")), [first]);
    }

    fn a_parameter_that_is_wrong_is_refused_in_words(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));

        for (query, words) in [
            ("?limit=0", "from 1 to 100"), ("?limit=101", "from 1 to 100"), ("?limit=", "from 1 to 100"), ("?limit=1.5", "from 1 to 100"),
            ("?limit=-1", "from 1 to 100"), ("?limit=99999999999999999999", "from 1 to 100"),
            ("?to=777", "to: "), ("?to=", "to: "), ("?from=much too long a name", "from: "), ("?reference=", "reference"),
            ("?created_after=2026-03-01", "created_after as a time with its zone"), ("?created_before=x", "created_before as a time"),
            ("?created_after=2026-03-01T12:00:00", "with its zone"), ("?created_after=2026-02-30T12:00:00Z", "created_after"),
            ("?form=Keyfob", "An unknown parameter: \"form\"; did you mean \"from\"? Known are cursor, limit,"),
            ("?sort=id", "\"sort\". Known are"), ("?to=%2B420777123456&to=%2B420777123457", "each once"), ("?cursor=msg_1", "next_cursor"),
            ("?sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF=1", "This list takes"),
        ] {
            let refused = application.client.get(&format!("{MESSAGES}{}", query.replace(' ', "%20"))).assert_problem(400, "BAD_REQUEST");
            let detail = refused.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(words) && !detail.contains("sms_live"), "{query}: {detail}");
        }
    }

    fn an_unknown_member_is_named_with_the_one_that_was_meant(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));

        let refused = application.post(&json!({"to": PHONE, "text": "Hello", "form": "Keyfob"})).assert_problem(400, "BAD_REQUEST");

        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        let known = "Known are to, text, from, reference, status_callback, validity_seconds.";
        assert!(detail.contains("\"form\"; did you mean \"from\"?") && detail.ends_with(known), "{detail}");
        assert_eq!((application.credits(), db.count("messages")), (100, 0));
    }

    fn only_the_key_that_sent_a_message_reads_its_text(db: &Database) {
        let app = db.app();
        let (key, other_key) = (app.make_key("Project X"), app.make_key("Project Y"));
        let (application, other) = (Application::with(&app, &key), Application::with(&app, &other_key));
        let message = application.sent(PHONE, "Your code is 4711");

        let (own, others) = (application.show(&message), other.show(&message));

        assert_eq!((&own["text"], &own["api_key_id"]), (&json!("Your code is 4711"), &json!(key.id)));
        assert_eq!((&others["text"], &others["api_key_id"], &others["to"]), (&json!(null), &json!(null), &json!(PHONE)));
        assert_eq!(application.list("")[0]["text"], "Your code is 4711");
        let list = other.client.get(MESSAGES).assert_ok();
        assert!(!list.body.contains("4711") && !list.body.contains(&key.id), "{}", list.body);
        // What an operator sent is nobody's.
        db.execute("UPDATE messages SET api_key_id = NULL");
        assert_eq!((&application.show(&message)["text"], &application.show(&message)["api_key_id"]), (&json!(null), &json!(null)));
    }

    fn a_message_may_be_good_for_a_shorter_time(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));
        let post = |seconds: Value| application.post(&json!({"to": PHONE, "text": "Hello", "validity_seconds": seconds}));

        for wrong in [json!(59), json!(172_801), json!(0), json!(-60), json!(i64::MAX)] {
            assert_eq!(fields(&post(wrong).assert_problem(422, "INVALID").json()), ["validity_seconds"]);
        }
        for wrong in [json!("60"), json!(60.5), json!(true), json!(1e300)] {
            post(wrong).assert_problem(400, "BAD_REQUEST");
        }
        for taken in [json!(60), json!(172_800), json!(null)] {
            post(taken).assert_status(202);
        }
        let seconds = db.ask("SELECT (valid_until - created_at) / 1000000 || '' AS line FROM messages ORDER BY id");
        assert_eq!(seconds, ["60", "172800", "172800"]);
    }

    fn a_repetition_is_known_by_the_new_members_too(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X")).named("order-42");
        let body = json!({"to": PHONE, "text": "Hello", "validity_seconds": 300});

        let first = application.post(&body).assert_status(202).body;

        assert_eq!(application.post(&body).assert_status(202).body, first);
        application.post(&json!({"to": PHONE, "text": "Hello", "validity_seconds": 301})).assert_problem(422, "DIFFERENT_REQUEST");
        application.post(&json!({"to": PHONE, "text": "Hello"})).assert_problem(422, "DIFFERENT_REQUEST");
        assert_eq!((application.credits(), db.count("messages")), (99, 1));
        // Without them, the digest is that of versions that did not know them.
        application.named("order-43").post(&json!({"to": PHONE, "text": "Hello"})).assert_status(202);
        let digest = keyfob::store::Digest::of(format!(r#"{{"to":"{PHONE}","text":"Hello","from":null,"reference":null}}"#).as_bytes());
        let hex = if db.is_sqlite() { "lower(hex(request_digest))" } else { "encode(request_digest, 'hex')" };
        let kept = db.ask(&format!("SELECT {hex} AS line FROM idempotency_records WHERE key = 'order-43'"));
        assert_eq!(kept, [digest.to_hex()]);
    }

    fn times_have_six_digits_of_fraction_also_when_they_are_zeros(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));

        assert_eq!(application.sent(PHONE, "Hello")["created_at"], "2026-03-01T12:00:00.000000Z");
    }

    fn while_nothing_can_be_written_a_request_is_refused_and_not_charged(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));
        application.credits();

        let lock = db.lock();
        let refused = application.send(PHONE, "Hello");
        drop(lock);

        refused.assert_problem(503, "UNAVAILABLE");
        assert_eq!((application.credits(), db.count("messages")), (100, 0));
        application.sent(PHONE, "Hello");
    }
}
