//! Callbacks to an address that a request to send names, in place of the key's.

use keyfob::clock::Clock;
use keyfob::domain::callback::CallbackFormat;
use keyfob::domain::message::MessageFields;
use keyfob::networks::Networks;
use keyfob::sms::callbacks::CallbackConfig;
use serde_json::json;

use crate::support::{App, Application, Client, Database, Key, MESSAGES, PHONE, Receiver, on_both_databases};

fn calling(db: &Database) -> App<'_> {
    let callbacks = CallbackConfig { allowed: Networks::parse("127.0.0.1").unwrap(), ..CallbackConfig::default() };
    App::start_calling(db, callbacks, Clock::System)
}

/// Presses a button of the form of a key's callback; gives the new secret.
#[track_caller]
fn press(client: &Client, key: &Key, action: &str, url: &str) -> String {
    let path = format!("/api-keys/{}/callback", key.id);
    client.post(&path, &[("url", url), ("action", action)]).assert_ok().page().text("#callback-secret")
}

on_both_databases! {
    fn a_message_has_its_own_address_called_and_signed_with_the_keys_secret(db: &Database) {
        let (app, keys_own, named) = (calling(db), Receiver::start(), Receiver::start());
        let key = app.make_key("Project X");
        let secret = press(&app.signed_in(), &key, "save", &keys_own.url());
        let application = Application::with(&app, &key);

        let body = json!({"to": PHONE, "text": "Hello", "status_callback": named.url()});
        let message = application.post(&body).assert_status(202).json()["messages"][0].clone();

        let call = named.wait_for(1).remove(0);
        assert_eq!((&call.json()["type"], &call.json()["data"]["id"]), (&json!("message.delivered"), &message["id"]));
        assert_eq!(call.header("webhook-signature"), call.expected_signature(&secret));
        assert!(!call.body.contains("Hello"), "{}", call.body);
        let other = application.sent("+420777000002", "Hello");
        assert_eq!(keys_own.wait_for(1).remove(0).json()["data"]["id"], other["id"]);
        assert_eq!((keys_own.calls().len(), named.calls().len()), (1, 1));
    }

    fn a_key_without_a_secret_is_told_where_to_make_one(db: &Database) {
        let (app, named) = (calling(db), Receiver::start());
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        let application = Application::with(&app, &key);
        let body = json!({"to": PHONE, "text": "Hello", "status_callback": named.url()});

        let refused = application.post(&body).assert_problem(422, "INVALID").json();

        assert_eq!(refused["errors"][0]["field"], "status_callback");
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains("on the key's page, under Delivery callback"));
        assert_eq!((application.credits(), db.count("messages")), (100, 0));
        let secret = press(&client, &key, "make-secret", "");
        let message = application.post(&body).assert_status(202).json()["messages"][0].clone();
        let call = named.wait_for(1).remove(0);
        assert_eq!((call.header("webhook-signature"), &call.json()["data"]["id"]), (&*call.expected_signature(&secret), &message["id"]));
        // A secret alone has no address: nobody is called about other messages.
        application.wait_for_end(&application.sent("+420777000002", "Hello"));
        assert_eq!(db.count("callback_deliveries"), 1);
        // It is asked before it is removed, like any callback.
        let question = client.get(&format!("/api-keys/{}/callback/remove", key.id)).assert_ok();
        assert!(question.body.contains("can no longer name an address to call"));
    }

    fn a_private_address_is_refused_unless_the_settings_allow_it(db: &Database) {
        let app = calling(db);
        let key = app.make_key("Project X");
        press(&app.signed_in(), &key, "make-secret", "");
        let application = Application::with(&app, &key);
        let post = |url: &str| application.post(&json!({"to": PHONE, "text": "Hello", "status_callback": url}));

        for (url, words) in [
            ("http://127.0.0.2/x", "--callback-allow"), ("http://[::1]/x", "--callback-allow"), ("http://10.0.0.1/", "--callback-allow"),
            ("http://169.254.169.254/latest", "--callback-allow"), ("http://127.0.0.1@10.0.0.1/", "user name"),
            ("ftp://example.com/", "https://"), ("", "for example"), ("example.com", "for example"),
            (&format!("https://example.com/{}", "x".repeat(2_000)), "too long"),
        ] {
            let refused = post(url).assert_problem(422, "INVALID").json();
            let error = &refused["errors"][0];
            assert!(error["field"] == "status_callback" && error["message"].as_str().unwrap().contains(words), "{url}: {error}");
        }
        assert_eq!((application.credits(), db.count("messages")), (100, 0));
        post("http://127.0.0.1:1/x").assert_status(202);
    }

    fn a_form_is_signed_as_twilio_does_it_and_sent_at_each_status_that_twilio_reports(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::start());
        let key = app.make_key("Project X");
        let secret = press(&app.signed_in(), &key, "make-secret", "");
        let url = format!("{}?user=Žluť&a=1", receiver.url());
        let send = |to: &str| {
            let to = [to.to_owned()];
            let fields = MessageFields {
                to: &to, text: "Hello", from: Some("Keyfob"), status_callback: Some(&url),
                callback_format: CallbackFormat::Twilio, ..MessageFields::default()
            };
            let id = app.waiting(&key, &fields);
            db.execute(&format!("UPDATE messages SET due_at = 1 WHERE id = '{id}'"));
            id
        };

        let id = send(PHONE);

        let calls = receiver.wait_for(2);
        let mut told: Vec<_> = calls.iter().map(|call| call.field("MessageStatus").unwrap()).collect();
        told.sort();
        assert_eq!(told, ["delivered", "sent"]);
        for call in &calls {
            let called = format!("http://127.0.0.1:{}{}", receiver.port, call.path);
            assert_eq!(call.header("content-type"), "application/x-www-form-urlencoded");
            assert_eq!(call.header("x-twilio-signature"), call.expected_twilio_signature(&secret, &called));
            let sid = format!("SM{}", id.as_hex());
            for (name, value) in [
                ("MessageSid", &*sid), ("SmsSid", &sid), ("To", PHONE), ("From", "Keyfob"), ("ApiVersion", "2010-04-01"),
            ] {
                assert_eq!(call.field(name).as_deref(), Some(value), "{name}");
            }
            assert!(call.field("AccountSid").unwrap().starts_with("AC"));
            assert_eq!(call.field("ErrorCode"), None);
        }
        // One that expires has no word at Twilio.
        send("+420777000995");
        let expired = receiver.wait_for(4).into_iter().find(|call| call.field("ErrorCode").is_some()).unwrap();
        assert_eq!((expired.field("MessageStatus").as_deref(), expired.field("ErrorCode").as_deref()), (Some("undelivered"), Some("30003")));
    }

    fn a_host_that_hangs_keeps_other_hosts_of_the_same_key_not_waiting(db: &Database) {
        let (app, slow, quick) = (calling(db), Receiver::answering(&[""]), Receiver::start());
        let key = app.make_key("Project X");
        press(&app.signed_in(), &key, "make-secret", "");
        let application = Application::with(&app, &key);
        let to: Vec<String> = (0..30).map(|n| format!("+42077700{n:04}")).collect();
        application.post(&json!({"to": to, "text": "Hello", "status_callback": slow.url()})).assert_status(202);
        slow.wait_for(2);

        let began = std::time::Instant::now();
        application.post(&json!({"to": &to[..20], "text": "Hello", "status_callback": quick.url()})).assert_status(202);
        quick.wait_for(20);

        // Two at a time hang for ten seconds each, so thirty would take longer than the others were waited for.
        let turns = 1 + began.elapsed().as_secs() as usize / 10;
        assert!(slow.calls().len() <= 2 * turns, "{} calls in {turns} turns", slow.calls().len());
    }

    fn the_address_of_a_callback_is_shown_by_its_host_alone(db: &Database) {
        let (app, named) = (calling(db), Receiver::start());
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        press(&client, &key, "make-secret", "");
        let body = json!({"to": PHONE, "text": "Hello", "status_callback": format!("{}?token=4711", named.url())});
        let message = Application::with(&app, &key).post(&body).assert_status(202).json()["messages"][0].clone();
        named.wait_for(1);

        let page = client.get(&format!("/messages/{}", message["id"].as_str().unwrap())).assert_ok();

        assert!(page.page().text(".callback").contains(&format!("127.0.0.1:{}", named.port)));
        assert!(!page.body.contains("4711"), "a query may hold a secret");
        let shown = Application::with(&app, &key).client.get(&format!("{MESSAGES}/{}", message["id"].as_str().unwrap()));
        assert!(!shown.assert_ok().body.contains("4711"));
    }
}
