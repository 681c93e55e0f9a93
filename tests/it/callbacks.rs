//! Callbacks, from the message's end to the customer's server.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keyfob::clock::Clock;
use keyfob::networks::Networks;
use keyfob::sms::callbacks::{CallbackConfig, LookUp};
use keyfob::store::UtcTime;
use serde_json::{Value, json};

use crate::support::{
    App, Application, Client, Database, EMAIL, Key, MESSAGES, PASSWORD, PHONE, Page, Process, Receiver, keyfob,
    on_both_databases, run,
};

/// 2026-03-01 12:00:00 UTC.
const NOW: UtcTime = UtcTime::from_micros(1_772_366_400_000_000);

fn here() -> CallbackConfig {
    CallbackConfig { allowed: Networks::parse("127.0.0.0/8").unwrap(), ..CallbackConfig::default() }
}

/// A server whose callbacks may come to this machine.
fn calling(db: &Database) -> App<'_> {
    App::start_calling(db, here(), Clock::standing_at(NOW))
}

/// Sets a key's callback as an operator does; gives its secret.
#[track_caller]
fn set(client: &Client, key: &Key, url: &str) -> String {
    let path = format!("/api-keys/{}/callback", key.id);
    client.post(&path, &[("url", url), ("action", "save")]).assert_ok().page().text("#callback-secret")
}

/// The message's page, once its part about callbacks says this.
#[track_caller]
fn wait_for_page(client: &Client, message: &Value, words: &str) -> Page {
    let (path, began) = (format!("/messages/{}", message["id"].as_str().unwrap()), Instant::now());
    loop {
        let page = client.get(&path).assert_ok().page();
        if page.texts(".callback").join(" ").contains(words) {
            return page;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "no {words:?} in {:?}", page.texts(".callback"));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A port where everybody is told the same, whatever they say.
fn saying(text: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 16 * 1024]);
            let _ = stream.write_all(text.as_bytes());
        }
    });
    port
}

/// What is kept about deliveries, oldest first.
fn kept(db: &Database, columns: &str) -> Vec<String> {
    db.ask(&format!("SELECT {columns} AS line FROM callback_deliveries ORDER BY id"))
}

on_both_databases! {
    fn a_delivery_is_told_once_signed_and_as_the_api_tells_it(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::start());
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        let secret = set(&client, &key, &receiver.url());
        let application = Application::with(&app, &key);

        let message = application.post(&json!({"to": PHONE, "text": "Hello", "reference": "order-42"})).json()["messages"][0].clone();

        let call = receiver.wait_for(1).remove(0);
        assert_eq!((&*call.path, call.header("content-type")), ("/hook", "application/json"));
        assert_eq!(call.header("webhook-timestamp"), "1772366400");
        assert_eq!(call.header("webhook-signature"), call.expected_signature(&secret));
        assert!(call.header("webhook-id").starts_with("whd_"));
        let told = call.json();
        assert_eq!((&told["type"], &told["timestamp"]), (&json!("message.delivered"), &json!("2026-03-01T12:00:00.000000Z")));
        let mut shown = application.show(&message);
        // Only the key that sent it reads these, and the callback may go elsewhere.
        for own in ["text", "api_key_id"] {
            assert!(shown.as_object_mut().unwrap().remove(own).is_some_and(|value| !value.is_null()), "{own}");
        }
        assert_eq!(told["data"], shown);
        assert_eq!(told["data"]["reference"], "order-42");
        let page = wait_for_page(&client, &message, "Delivered");
        assert!(page.text(".callback").contains("The receiver accepted it (200)."), "{}", page.text(".callback"));
        app.clock.advance(3_600);
        std::thread::sleep(Duration::from_millis(1_200));
        assert_eq!(receiver.calls().len(), 1);
    }

    fn an_old_secret_signs_beside_the_new_one_for_a_day(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::start());
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        let old = set(&client, &key, &receiver.url());
        let path = format!("/api-keys/{}/callback", key.id);
        let new = client.post(&path, &[("url", ""), ("action", "new-secret")]).assert_ok().page().text("#callback-secret");
        let application = Application::with(&app, &key);

        app.clock.advance(24 * 3_600 - 1);
        application.sent(PHONE, "Within the day");
        let call = receiver.wait_for(1).remove(0);
        let both = format!("{} {}", call.expected_signature(&new), call.expected_signature(&old));
        assert_eq!(call.header("webhook-signature"), both);

        app.clock.advance(1);
        application.sent(PHONE, "After the day");
        let call = receiver.wait_for(2).remove(1);
        assert_eq!(call.header("webhook-signature"), call.expected_signature(&new));
    }

    fn every_end_is_told_in_both_modes_and_nothing_before_it(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::start());
        let client = app.signed_in();
        for (key, mode) in [(app.make_key("Live"), "live"), (app.make_test_key("Test"), "test")] {
            set(&client, &key, &receiver.url());
            let application = Application::with(&app, &key);
            let before = receiver.calls().len();

            for number in ["+420777000123", "+420777000998", "+420777000997", "+420777000995"] {
                application.sent(number, "Hello");
            }

            let mut told: Vec<String> = receiver.wait_for(before + 4)[before..].iter().map(|call| {
                let told = call.json();
                assert_eq!(told["data"]["mode"], mode);
                assert_eq!(told["type"], format!("message.{}", told["data"]["status"].as_str().unwrap()));
                told["type"].as_str().unwrap().to_owned()
            }).collect();
            told.sort();
            assert_eq!(told, ["message.delivered", "message.expired", "message.failed", "message.undelivered"]);
        }
    }

    fn without_a_callback_nothing_is_queued(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::start());
        let (client, key, other) = (app.signed_in(), app.make_key("Project X"), app.make_key("Other"));
        set(&client, &other, &receiver.url());

        let application = Application::with(&app, &key);
        application.wait_for_end(&application.sent(PHONE, "Hello"));

        assert_eq!((db.count("callback_deliveries"), receiver.calls().len()), (0, 0));
    }

    fn what_fails_is_told_again_later_under_the_same_id(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::answering(&["500 No", "429 Slow\r\nRetry-After: 600", "204 Yes"]));
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        let secret = set(&client, &key, &receiver.url());
        let message = Application::with(&app, &key).sent(PHONE, "Hello");

        let page = wait_for_page(&client, &message, "The receiver answered 500.");
        assert!(page.text(".callback").contains("1 try, next at 1 Mar 2026, 12:00:05 UTC"), "{}", page.text(".callback"));
        app.clock.advance(4);
        std::thread::sleep(Duration::from_millis(1_200));
        assert_eq!(receiver.calls().len(), 1);
        app.clock.advance(1);
        wait_for_page(&client, &message, "The receiver answered 429.");
        app.clock.advance(599);
        std::thread::sleep(Duration::from_millis(1_200));
        assert_eq!(receiver.calls().len(), 2);
        app.clock.advance(1);
        wait_for_page(&client, &message, "The receiver accepted it (204).");

        let calls = receiver.wait_for(3);
        assert!(calls.iter().all(|call| call.header("webhook-id") == calls[0].header("webhook-id")));
        assert!(calls.iter().all(|call| call.body == calls[0].body));
        assert!(calls.iter().all(|call| call.header("webhook-signature") == call.expected_signature(&secret)));
        let times: Vec<_> = calls.iter().map(|call| call.header("webhook-timestamp")).collect();
        assert_eq!(times, ["1772366400", "1772366405", "1772367005"]);
    }

    fn after_a_day_it_is_given_up(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::answering(&["503 Down"]));
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &receiver.url());
        let message = Application::with(&app, &key).sent(PHONE, "Hello");
        wait_for_page(&client, &message, "The receiver answered 503.");

        app.clock.advance(24 * 3_600);

        let page = wait_for_page(&app.signed_in(), &message, "Given up");
        assert!(page.text(".callback").contains("The receiver answered 503."));
        assert_eq!(kept(db, "status || coalesce(CAST(due_at AS TEXT), '')"), ["failed"]);
    }

    fn what_is_gone_for_good_is_not_asked_again(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::answering(&["410 Gone"]));
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &receiver.url());

        let message = Application::with(&app, &key).sent(PHONE, "Hello");

        let page = wait_for_page(&client, &message, "Given up");
        assert!(page.text(".callback").contains("The receiver answered 410"), "{}", page.text(".callback"));
    }

    fn a_redirect_is_not_followed(db: &Database) {
        let elsewhere = Receiver::start();
        let status = format!("307 There\r\nLocation: {}", elsewhere.url());
        let (app, receiver) = (calling(db), Receiver::answering(&[&status]));
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &receiver.url());

        let message = Application::with(&app, &key).sent(PHONE, "Hello");

        wait_for_page(&client, &message, "The receiver answered 307, a redirect. Callbacks do not follow redirects.");
        assert_eq!((receiver.calls().len(), elsewhere.calls().len()), (1, 0));
    }

    fn what_is_no_http_or_no_tls_is_said_in_words(db: &Database) {
        let app = calling(db);
        let client = app.signed_in();

        for (url, words) in [
            (format!("http://127.0.0.1:{}/", saying("SSH-2.0-OpenSSH_9.9\r\n\r\n")), "The receiver's answer was not valid HTTP."),
            (format!("https://127.0.0.1:{}/", saying("HTTP/1.1 400 No\r\n\r\n")), "No secure connection"),
            (format!("http://127.0.0.1:{}/", saying("")), "The receiver closed the connection without an answer."),
            ("http://127.0.0.1:1/".to_owned(), "The receiver could not be reached."),
        ] {
            let key = app.make_key(words);
            set(&client, &key, &url);
            let message = Application::with(&app, &key).sent(PHONE, "Hello");
            wait_for_page(&client, &message, words);
        }
    }

    fn a_private_target_is_refused_when_its_turn_comes_whatever_was_saved(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::start());
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &receiver.url());
        drop(app);
        // The settings allow it no longer.
        let app = App::start_calling(db, CallbackConfig::default(), Clock::standing_at(NOW));
        let client = app.signed_in();

        for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
            db.execute(&format!("UPDATE api_key_callbacks SET url = 'http://{host}:{}/'", receiver.port));
            let message = Application::with(&app, &key).sent(PHONE, "Hello");
            wait_for_page(&client, &message, "The address is private, so nothing was sent.");
        }

        assert_eq!(receiver.calls().len(), 0);
    }

    fn a_name_that_leads_to_a_private_address_later_is_caught(db: &Database) {
        let (receiver, asked) = (Receiver::start(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&asked);
        // At first an address that is allowed, then one that is not; and one of each.
        let look_up = LookUp::with(move |name| {
            let addresses: &[&str] = match (name, count.fetch_add(1, Ordering::SeqCst)) {
                ("rebinding.example", 0) => &["127.0.0.2"],
                ("rebinding.example", _) => &["127.0.0.1"],
                _ => &["127.0.0.2", "127.0.0.1"],
            };
            Ok(addresses.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect())
        });
        let callbacks = CallbackConfig { allowed: Networks::parse("127.0.0.2").unwrap(), look_up };
        let app = App::start_calling(db, callbacks, Clock::standing_at(NOW));
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &format!("http://rebinding.example:{}/hook", receiver.port));
        let application = Application::with(&app, &key);

        let first = application.sent(PHONE, "Hello");
        // Nobody listens there: what was checked is what is connected to.
        wait_for_page(&client, &first, "The receiver could not be reached.");
        app.clock.advance(5);
        wait_for_page(&client, &first, "The address is private, so nothing was sent.");
        client.post(&format!("/api-keys/{}/callback", key.id), &[("url", &*format!("http://mixed.example:{}/", receiver.port)), ("action", "save")]).assert_status(303);
        wait_for_page(&client, &application.sent(PHONE, "Hello"), "The address is private, so nothing was sent.");

        assert_eq!(receiver.calls().len(), 0);
        assert!(asked.load(Ordering::SeqCst) >= 3);
    }

    fn a_name_is_looked_up_and_told_in_the_host_header(db: &Database) {
        let receiver = Receiver::start();
        let look_up = LookUp::with(|_| Ok(vec!["127.0.0.1".parse().unwrap()]));
        let app = App::start_calling(db, CallbackConfig { look_up, ..here() }, Clock::standing_at(NOW));
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &format!("http://Hooks.Example:{}/sms?token=1", receiver.port));

        Application::with(&app, &key).sent(PHONE, "Hello");

        let call = receiver.wait_for(1).remove(0);
        assert_eq!((call.header("host"), &*call.path), (&*format!("hooks.example:{}", receiver.port), "/sms?token=1"));
    }

    fn a_proxy_of_the_environment_is_not_used(db: &Database) {
        let (proxy, receiver) = (Receiver::start(), Receiver::start());
        run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
        let allow = ["--listen", "127.0.0.1:0", "--database-url", &db.url(), "--callback-allow", "127.0.0.0/8"];
        let mut command = keyfob(&allow);
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
            command.env(name, format!("http://127.0.0.1:{}", proxy.port));
        }
        let mut process = Process::spawn(&mut command);
        let client = process.client();
        client.log_in(EMAIL, PASSWORD);
        let key = client.create_key("Project X");
        set(&client, &key, &receiver.url());

        let message = json!({"to": PHONE, "text": "Hello"}).to_string();
        client.with("x-api-key", &key.secret).post_json(MESSAGES, message).assert_status(202);

        receiver.wait_for(1);
        assert_eq!(proxy.calls().len(), 0);
    }

    fn of_two_instances_one_tells(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::start());
        let other = App::start_calling(db, here(), app.clock.clone());
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &receiver.url());
        app.set_credits(1_000);

        for part in [&app, &other] {
            let to: Vec<String> = (0..30).map(|n| format!("+42077700{n:04}")).collect();
            Application::with(part, &key).post(&json!({"to": to, "text": "Hello"})).assert_status(202);
        }

        receiver.wait_for(60);
        std::thread::sleep(Duration::from_millis(700));
        let calls = receiver.calls();
        let ids: std::collections::BTreeSet<_> = calls.iter().map(|call| call.header("webhook-id").to_owned()).collect();
        assert_eq!((calls.len(), ids.len()), (60, 60));
    }

    fn a_receiver_that_hangs_keeps_nobody_else_waiting(db: &Database) {
        let (app, slow, quick) = (calling(db), Receiver::answering(&[""]), Receiver::start());
        let (client, hung, key) = (app.signed_in(), app.make_key("Hung"), app.make_key("Project X"));
        set(&client, &hung, &slow.url());
        set(&client, &key, &quick.url());
        let to: Vec<String> = (0..30).map(|n| format!("+42077700{n:04}")).collect();
        Application::with(&app, &hung).post(&json!({"to": to, "text": "Hello"})).assert_status(202);
        slow.wait_for(2);

        let began = Instant::now();
        Application::with(&app, &key).post(&json!({"to": &to[..20], "text": "Hello"})).assert_status(202);
        quick.wait_for(20);

        // Two at a time hang for ten seconds each, so thirty would take longer than the others were waited for.
        let turns = 1 + began.elapsed().as_secs() as usize / 10;
        assert!(slow.calls().len() <= 2 * turns, "{} calls in {turns} turns", slow.calls().len());
    }

    fn a_receiver_that_hangs_is_given_ten_seconds(db: &Database) {
        let (app, slow) = (calling(db), Receiver::answering(&[""]));
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &slow.url());

        let message = Application::with(&app, &key).sent(PHONE, "Hello");

        wait_for_page(&client, &message, "The receiver did not answer within 10 seconds.");
    }

    fn a_key_that_is_deleted_is_told_nothing_more(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::answering(&["500 No"]));
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &receiver.url());
        let message = Application::with(&app, &key).sent(PHONE, "Hello");
        wait_for_page(&client, &message, "The receiver answered 500.");

        client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);
        app.clock.advance(25 * 3_600);

        wait_for_page(&app.signed_in(), &message, "The receiver answered 500.");
        while db.ask("SELECT status AS line FROM callback_deliveries") != ["failed"] {
            std::thread::yield_now();
        }
        assert_eq!(receiver.calls().len(), 1);
    }

    fn a_key_that_is_restored_within_a_day_is_told_what_it_missed(db: &Database) {
        let (app, receiver) = (calling(db), Receiver::answering(&["500 No", "200 OK"]));
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &receiver.url());
        let message = Application::with(&app, &key).sent(PHONE, "Hello");
        wait_for_page(&client, &message, "The receiver answered 500.");
        client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);
        app.clock.advance(3_600);
        assert_eq!(receiver.calls().len(), 1);

        client.post(&format!("/api-keys/{}/restoration", key.id), &[]).assert_status(303);

        receiver.wait_for(2);
    }

    fn after_a_crash_it_is_told_again_under_the_same_id(db: &Database) {
        let (app, slow) = (calling(db), Receiver::answering(&["", "200 OK"]));
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        set(&client, &key, &slow.url());
        Application::with(&app, &key).sent(PHONE, "Hello");
        slow.wait_for(1);

        // What a killed worker leaves behind is its lease.
        let other = App::start_calling(db, here(), app.clock.clone());
        other.clock.advance(keyfob::domain::callback::LEASE_SECONDS);

        let calls = slow.wait_for(2);
        assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    }
}
