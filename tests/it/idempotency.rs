//! `Idempotency-Key`: a request that is sent again is not done again.

use std::sync::mpsc;
use std::thread;

use serde_json::json;

use crate::support::{Application, PHONE, on_both_databases};

on_both_databases! {
    fn a_request_that_is_repeated_gets_the_same_answer_and_is_done_once(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X")).named("order-42");

        let first = application.send(PHONE, "Hello").assert_status(202);
        application.wait_for_end(&first.json()["messages"][0]);
        let again = application.send(PHONE, "Hello").assert_status(202);
        let on_another_instance = app.another_instance();
        let elsewhere = Application { client: application.client.at(&on_another_instance.url) }.send(PHONE, "Hello");

        assert_eq!((&again.body, &elsewhere.body), (&first.body, &first.body));
        assert_eq!((application.credits(), db.count("messages")), (99, 1));
    }

    fn another_request_under_the_same_name_is_refused(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X")).named("order-42");
        application.sent(PHONE, "Hello");

        let refused = application.send(PHONE, "Hello!").assert_problem(422, "DIFFERENT_REQUEST");
        assert_eq!(refused.json()["title"], "Another request");
        application.send("+420777123457", "Hello").assert_problem(422, "DIFFERENT_REQUEST");

        application.sent(PHONE, "Hello");
        application.named("order-43").sent(PHONE, "Hello!");
        assert_eq!(db.count("messages"), 2);
    }

    fn a_name_is_the_accounts_own_and_the_modes(db: &Database) {
        let app = db.app();
        let [one, other] = ["Project X", "Project Y"].map(|name| Application::with(&app, &app.make_key(name)).named("1"));
        let test = Application::with(&app, &app.make_test_key("Rehearsal")).named("1");
        let stranger = app.another_account().create_key("E");
        let stranger = Application { client: app.anonymous().with("x-api-key", &stranger.secret) }.named("1");

        let first = one.sent(PHONE, "Hello");

        // Of one account it does not matter which key: an application may change its key.
        assert_eq!(other.sent(PHONE, "Hello")["id"], first["id"]);
        assert_ne!(test.sent(PHONE, "Hello")["id"], first["id"]);
        assert_ne!(stranger.sent(PHONE, "Hello")["id"], first["id"]);
    }

    fn after_a_day_a_name_is_free_again(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X")).named("order-42");
        let first = application.sent(PHONE, "Hello");

        app.clock.advance(24 * 3600 - 1);
        assert_eq!(application.sent(PHONE, "Hello")["id"], first["id"]);
        app.clock.advance(1);
        assert_ne!(application.sent(PHONE, "Hello")["id"], first["id"]);
        assert_eq!(application.credits(), 98);
    }

    fn a_request_that_was_refused_leaves_its_name_free(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X")).named("order-42");
        app.set_credits(0);

        application.send("x", "Hello").assert_problem(422, "INVALID");
        application.send(PHONE, "Hello").assert_problem(402, "NOT_ENOUGH_CREDITS");
        app.set_credits(1);
        application.sent(PHONE, "Hello");
    }

    fn while_a_request_is_running_its_repetition_is_told_so(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X")).named("order-42");
        application.credits();

        thread::scope(|all| {
            let (answers, told) = mpsc::channel();
            let lock = db.lock();
            for _ in 0..2 {
                let (answers, application) = (answers.clone(), &application);
                all.spawn(move || answers.send(application.send(PHONE, "Hello")).unwrap());
            }
            told.recv().unwrap().assert_problem(409, "STILL_RUNNING");
            drop(lock);
            told.recv().unwrap().assert_status(202);
        });
        application.sent(PHONE, "Hello");
        assert_eq!((application.credits(), db.count("messages")), (99, 1));
    }

    fn fifty_clients_of_two_instances_with_one_name_send_one_message(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let application = Application::with(&app, &app.make_key("Project X")).named("order-42");

        let answers: Vec<_> = thread::scope(|all| {
            let ask = |number: usize| {
                let url = if number.is_multiple_of(2) { &app.url } else { &other.url };
                let application = Application { client: application.client.at(url) };
                all.spawn(move || (0..3).map(|_| application.send(PHONE, "Hello")).collect::<Vec<_>>())
            };
            let clients: Vec<_> = (0..50).map(ask).collect();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });

        let done: Vec<_> = answers.iter().filter(|answer| answer.status == 202).collect();
        assert!(done.len() > 1 && done.iter().all(|answer| answer.body == done[0].body));
        for answer in answers.iter().filter(|answer| answer.status != 202) {
            assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("STILL_RUNNING")));
        }
        assert_eq!((application.credits(), db.count("messages")), (99, 1));
        app.assert_ledger_adds_up();
    }

    fn a_name_has_1_to_255_visible_characters(db: &Database) {
        let app = db.app();
        let application = Application::with(&app, &app.make_key("Project X"));

        for wrong in ["", " ", "a b", "é", &"x".repeat(256)] {
            application.named(wrong).send(PHONE, "Hello").assert_problem(400, "BAD_REQUEST");
        }
        application.named(&"x".repeat(255)).sent(PHONE, "Hello");
        assert_eq!(db.count("messages"), 1);
    }
}
