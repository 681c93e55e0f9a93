//! A service's switch: all its keys stop and start with it, whatever their own switches say.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Application, Asker, Client, PHONE, on_both_databases, time_until};

/// Programs that ask at the same time.
const CLIENTS: usize = 8;
/// How often the service is switched off and on meanwhile.
const ROUNDS: usize = 20;

#[track_caller]
fn switch(client: &Client, service: &str, status: &str) {
    client.post(&format!("/services/{service}/status"), &[("status", status)]).assert_leads_to("/services");
}

on_both_databases! {
    fn a_service_that_is_off_refuses_all_its_keys_by_every_way_and_no_others(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let theirs = app.another_account().create_key("Theirs");
        let (on, off) = (client.create_key("On"), client.create_key("Off"));
        client.switch(&off, "disabled");
        app.add_service("mail", "Mail");
        let id = client.form_id();
        let page = client.post("/api-keys", &[("key_id", &id), ("service", "mail"), ("name", "Mail")]).page();
        let mail = page.text(".reveal .copyable__text[id^=key-secret]");
        let caller = app.anonymous().with("x-api-key", &on.secret);
        app.assert_verdict(&on.secret, "VALID");
        let rows = db.rows();

        switch(&client, "sms", "disabled");

        for key in [&on, &off, &theirs] {
            app.assert_verdict(&key.secret, "DISABLED");
        }
        app.assert_verdict(&mail, "VALID");
        assert_eq!(app.verify(&on.secret)["key_id"], *on.id);
        let door = caller.get("/v1/auth?service=sms").assert_status(401);
        door.assert_header("x-auth-code", "DISABLED");
        caller.get("/v1/balance").assert_problem(401, "DISABLED");
        caller.get("/v1/sms/messages").assert_problem(401, "DISABLED");
        let message = json!({"to": PHONE, "text": "Hello"}).to_string();
        caller.post_json("/v1/sms/messages", message).assert_problem(401, "DISABLED");
        caller.send("DELETE", "/v1/keys/current", None).assert_status(401);
        let after = db.rows();
        assert_eq!(after["api_keys"], rows["api_keys"], "each key's own switch keeps its place");
        let changed = after["services"].iter().filter(|row| !rows["services"].contains(row)).count();
        assert_eq!((changed, after["audit_events"].len() - rows["audit_events"].len()), (1, 1));

        switch(&client, "sms", "enabled");

        app.assert_verdict(&on.secret, "VALID");
        app.assert_verdict(&theirs.secret, "VALID");
        app.assert_verdict(&off.secret, "DISABLED");
        assert_eq!(db.rows()["services"], rows["services"]);
    }

    fn every_other_instance_refuses_the_keys_of_a_service_within_a_second_and_lets_them_in_again(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let (client, keys) = (app.signed_in(), ["One", "Two"].map(|name| app.make_key(name)));
        keys.iter().for_each(|key| other.assert_verdict(&key.secret, "VALID"));

        for (status, code) in [("disabled", "DISABLED"), ("enabled", "VALID")] {
            switch(&client, "sms", status);
            for key in &keys {
                app.assert_verdict(&key.secret, code);
                let lag = time_until(&other.url, &key.secret, code);
                assert!(lag < Duration::from_secs(1), "{code} after {lag:?}");
            }
        }
    }

    fn no_request_that_begins_after_a_service_was_switched_knows_it_as_it_was(db: &Database) {
        let app = db.app();
        let (client, keys) = (app.signed_in(), [0; 3].map(|_| app.make_key("Project X")));
        let (is_over, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
        let let_them_ask = || {
            let enough = answers.load(Ordering::SeqCst) + 3 * CLIENTS;
            while answers.load(Ordering::SeqCst) < enough {
                thread::sleep(Duration::from_micros(200));
            }
        };

        let (asked, switched) = thread::scope(|all| {
            let askers: Vec<_> = (0..CLIENTS).map(|_| all.spawn(|| {
                let (mut asker, mut asked) = (Asker::to(&app.url), Vec::new());
                while !is_over.load(Ordering::SeqCst) {
                    let began = Instant::now();
                    let code = asker.verify_sender(&keys[asked.len() % keys.len()].secret);
                    asked.push((began, Instant::now(), code));
                    answers.fetch_add(1, Ordering::SeqCst);
                }
                asked
            })).collect();
            let mut switched = Vec::new();
            for round in 0..2 * ROUNDS {
                let_them_ask();
                let (status, code) = if round % 2 == 0 { ("disabled", "DISABLED") } else { ("enabled", "VALID") };
                let began = Instant::now();
                switch(&client, "sms", status);
                switched.push((began, Instant::now(), code));
            }
            let_them_ask();
            is_over.store(true, Ordering::SeqCst);
            (askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect::<Vec<_>>(), switched)
        });

        let mut decided = 0;
        for (began, ended, code) in asked.iter().filter(|(.., code)| code != "UNAVAILABLE") {
            if switched.iter().any(|(start, end, _)| end > began && start <= ended) {
                continue; // beside a switch either is right
            }
            let before = switched.iter().rfind(|(_, end, _)| end <= began).map_or("VALID", |(.., code)| *code);
            assert_eq!(code, before);
            decided += 1;
        }
        assert!(decided > ROUNDS * CLIENTS, "{decided} of {}", asked.len());
    }

    fn switching_off_asks_first_with_the_number_of_keys_and_switching_on_does_not(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (_on, off) = (client.create_key("One"), client.create_key("Two"));
        app.another_account().create_key("Theirs");
        client.switch(&off, "disabled");
        let list = client.get("/services").page();
        assert_eq!(list.attr(".service__status form", "method"), "get", "a question");

        let question = client.get(&list.attr(".service__status form", "action")).assert_ok().page();
        assert_eq!(question.text("h1"), "Switch off SMS?");
        assert!(question.text("main").contains("2 keys of SMS stop at once. Each key’s own switch keeps its place."));
        assert_eq!(client.htmx("form").get("/services/sms/status").page().text("#dialog-title"), "Switch off SMS?");
        app.assert_verdict(&client.create_key("Three").secret, "VALID");

        let answer = client.post("/services/sms/status", &[("status", &*question.attr("main button[name=status]", "value"))]);
        answer.assert_leads_to("/services");

        let list = client.get("/services").page();
        assert_eq!(list.toasts(), ["SMS is switched off. All its keys are refused."]);
        assert_eq!((list.attr(".service__status form", "method"), list.attr(".service__status [role=switch]", "aria-checked")), ("post".into(), "false".into()));
        client.post("/services/sms/status", &[("status", "half")]).assert_status(400);
        client.post("/services/nothing/status", &[("status", "enabled")]).assert_status(404);
    }

    fn every_page_that_names_a_key_says_that_its_service_is_off(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, off) = (client.create_key("Project X"), client.create_key("Off"));
        client.switch(&off, "disabled");
        let page = format!("/api-keys/{}", key.id);
        assert!(!client.get("/api-keys").page().has(".service-off") && !client.get(&page).page().has(".service-off"));
        switch(&client, "sms", "disabled");

        let list = client.get("/api-keys").page();
        assert!(list.text(".service-off").starts_with("SMS is switched off. All its keys are refused."));
        assert_eq!(list.texts(".api-key .tag--off").len(), 2);
        assert!(client.get(&page).page().text(".service-off").starts_with("SMS is switched off. This key is refused"));
        let found = client.post("/leaks", &[("text", &*key.secret)]).page();
        assert_eq!(found.text(".leak__verdict"), "Refused: SMS is switched off");
        client.htmx("form").post(&off.status_path(), &[("status", "enabled")]).assert_ok();
        switch(&client, "sms", "enabled");
        app.assert_verdict(&off.secret, "VALID");
    }

    fn accepted_messages_are_still_sent_and_no_new_ones_are_taken(db: &Database) {
        let app = db.app();
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        let application = Application::with(&app, &key);
        let message = application.sent(PHONE, "Hello")["id"].as_str().unwrap().to_owned();
        switch(&client, "sms", "disabled");

        while !client.get(&format!("/messages/{message}")).page().has(".status--delivered") {
            thread::yield_now();
        }
        let form = client.get("/messages/new").page();
        let fields = [("form_id", &*form.field("form_id")), ("to", PHONE), ("text", "Hello"), ("mode", "test")];
        let refused = client.post("/messages", &fields).assert_status(422).page();
        assert_eq!(refused.text(".form__message"), "SMS is switched off. Nothing was sent.");
        assert_eq!(db.count("messages"), 1);
        switch(&client, "sms", "enabled");
        client.post("/messages", &fields).assert_status(303);
    }

    fn a_link_to_a_key_shows_nothing_while_the_service_is_off(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let link = client.hand_over(&key);
        switch(&client, "sms", "disabled");

        app.anonymous().get(&link).assert_status(404);
        app.anonymous().post(&link, &[]).assert_status(404);
        switch(&client, "sms", "enabled");

        app.anonymous().get(&link).assert_ok();
    }
}
