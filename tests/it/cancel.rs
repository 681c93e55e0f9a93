//! Messages that their application takes back before a carrier has them, and what it has
//! removed of those that were sent.

use keyfob::domain::account;
use keyfob::domain::api_key::secret::Mode;
use keyfob::domain::message::{
    self, CarrierMessageId, CarrierRejection, MessageError, MessageFields, MessageId, MessageStatus, SegmentOutcome,
};
use keyfob::error::Error;
use keyfob::networks::Networks;
use keyfob::sms::callbacks::CallbackConfig;
use serde_json::json;

use crate::support::{Answer, App, Application, MESSAGES, PHONE, Receiver, on_both_databases};

fn cancel(application: &Application, id: &MessageId) -> Answer {
    application.client.send("DELETE", &format!("{MESSAGES}/{id}"), None)
}

fn hello(to: &[String]) -> MessageFields<'_> {
    MessageFields { to, text: "Hello", ..MessageFields::default() }
}

on_both_databases! {
    fn what_waits_is_withdrawn_refunded_once_and_told_to_the_callback(db: &Database) {
        let callbacks = CallbackConfig { allowed: Networks::parse("127.0.0.0/8").unwrap(), ..CallbackConfig::default() };
        let (app, receiver) = (App::start_calling(db, callbacks, keyfob::clock::Clock::System), Receiver::start());
        let (client, key) = (app.signed_in(), app.make_key("Project X"));
        client.post(&format!("/api-keys/{}/callback", key.id), &[("url", &*receiver.url()), ("action", "save")]).assert_ok();
        let application = Application::with(&app, &key);
        let text = "a".repeat(161);
        let id = app.waiting(&key, &MessageFields { text: &text, ..hello(&[PHONE.to_owned()]) });
        assert_eq!(application.credits(), 98);

        let canceled = cancel(&application, &id).assert_ok().json();

        assert_eq!((&canceled["status"], &canceled["error"], &canceled["text"]), (&json!("canceled"), &json!(null), &json!(text)));
        assert_eq!(application.credits(), 100);
        let call = receiver.wait_for(1).remove(0).json();
        assert_eq!((&call["type"], &call["data"]["id"]), (&json!("message.canceled"), &json!(id.as_str())));
        let again = cancel(&application, &id).assert_problem(409, "WRONG_STATE").json();
        assert_eq!(again["detail"], "It was withdrawn before.");
        assert_eq!((application.credits(), application.list("?status=canceled").len()), (100, 1));
        let page = client.get(&format!("/messages/{id}")).assert_ok().page();
        assert_eq!(page.text(".status"), "Canceled");
        assert!(page.text(".history").contains("Your application withdrew it before it was sent."));
        app.assert_ledger_adds_up();
    }

    fn what_a_worker_or_a_carrier_has_is_not_withdrawn(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let (account, application) = (account::first(&mut db.conn()).unwrap(), Application::with(&app, &key));
        let text = "a".repeat(161);
        let id = app.waiting(&key, &MessageFields { text: &text, ..hello(&[PHONE.to_owned()]) });
        let later = app.clock.now().plus_seconds(3_000);
        let carrier = "default".parse().unwrap();
        let rejection = || CarrierRejection { error: MessageError::QueueFull, carrier_code: Some("0x14".to_owned()) };
        let conn = &mut db.conn();

        let lease = message::lease(conn, &carrier, 1, later).unwrap().remove(0);
        let leased = cancel(&application, &id).assert_problem(409, "WRONG_STATE").json();
        assert_eq!(leased["detail"], "It is already with the carrier.");
        let outcomes = [(1, SegmentOutcome::Accepted(CarrierMessageId::new("c1"))), (2, SegmentOutcome::Retry(rejection()))];
        message::settle(conn, &id, lease.message.due_at, &outcomes, later).unwrap();
        assert_eq!(message::find(conn, &account, None, &id).unwrap().message.status, MessageStatus::Queued);
        cancel(&application, &id).assert_problem(409, "WRONG_STATE");
        assert_eq!(application.credits(), 98);

        // What the carrier refused for the moment is not with it.
        let refused = app.waiting(&key, &hello(&["+420777000002".to_owned()]));
        let lease = message::lease(conn, &carrier, 1, later).unwrap().remove(0);
        assert_eq!(lease.message.id, refused);
        let outcomes = [(1, SegmentOutcome::Retry(rejection()))];
        message::settle(conn, &refused, lease.message.due_at, &outcomes, later).unwrap();
        cancel(&application, &refused).assert_ok();
        // Its worker does not know whether its commit succeeded, and reports once more.
        message::settle(conn, &refused, lease.message.due_at, &outcomes, later).unwrap();
        assert_eq!(application.show(&json!({"id": refused.as_str()}))["status"], "canceled");
        assert_eq!(application.credits(), 98);
        app.assert_ledger_adds_up();
    }

    fn of_a_withdrawal_and_a_worker_at_the_same_moment_one_wins(db: &Database) {
        let app = db.app();
        let (key, carrier) = (app.make_key("Project X"), "default".parse().unwrap());
        let application = Application::with(&app, &key);
        let ids: Vec<MessageId> = (0..40).map(|n| app.waiting(&key, &hello(&[format!("+4207770000{n:02}")]))).collect();
        let later = app.clock.now().plus_seconds(3_000);

        let (leased, canceled) = std::thread::scope(|all| {
            let worker = all.spawn(|| {
                let conn = &mut db.conn();
                let leases = (0..ids.len()).flat_map(|_| message::lease(conn, &carrier, 1, later).unwrap());
                leases.map(|lease| lease.message.id).collect::<Vec<_>>()
            });
            let canceled: Vec<&MessageId> = ids.iter().rev().filter(|id| cancel(&application, id).status == 200).collect();
            (worker.join().unwrap(), canceled)
        });

        assert!(canceled.iter().all(|id| !leased.contains(id)), "{leased:?} {canceled:?}");
        assert_eq!(leased.len() + canceled.len(), 40);
        assert_eq!(application.credits(), 100 - i64::try_from(leased.len()).unwrap());
        app.assert_ledger_adds_up();
    }

    fn messages_of_another_account_or_mode_are_not_found(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let id = app.waiting(&key, &hello(&[PHONE.to_owned()]));
        let other = Application { client: app.anonymous().with("x-api-key", &app.another_account().create_key("E").secret) };

        for stranger in [&other, &Application::with(&app, &app.make_test_key("Rehearsal"))] {
            cancel(stranger, &id).assert_problem(404, "NOT_FOUND");
        }
        cancel(&other, &MessageId::mint()).assert_problem(404, "NOT_FOUND");
        assert_eq!(Application::with(&app, &key).credits(), 99);
        // Another key of the account may: its messages are the account's.
        cancel(&Application::with(&app, &app.make_key("Project Y")), &id).assert_ok();
        assert_eq!(Application::with(&app, &key).credits(), 100);
    }

    fn what_an_application_removes_is_gone_for_it_and_still_counted(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let application = Application::with(&app, &key);
        let sent = application.wait_for_end(&application.sent(PHONE, "Your code is 4711"));
        let account = account::first(&mut db.conn()).unwrap();
        let (id, waiting): (MessageId, _) = (sent["id"].as_str().unwrap().parse().unwrap(), app.waiting(&key, &hello(&["+420777000002".to_owned()])));
        let now = app.clock.now();
        let conn = &mut db.conn();

        // What is still to be sent needs its text.
        assert!(matches!(message::redact(conn, &account, Mode::Live, &waiting, now), Err(Error::WrongState { .. })));
        assert!(matches!(message::erase(conn, &account, Mode::Live, &waiting, now), Err(Error::WrongState { .. })));
        assert!(matches!(message::erase(conn, &account, Mode::Test, &id, now), Err(Error::NotFound)));
        message::redact(conn, &account, Mode::Live, &id, now).unwrap();
        let shown = application.show(&sent);
        assert_eq!((&shown["text"], &shown["to"]), (&json!(null), &json!(PHONE)));
        let page = app.signed_in().get(&format!("/messages/{id}")).assert_ok();
        assert!(page.body.contains("Removed by the application.") && !page.body.contains("4711"));

        message::erase(conn, &account, Mode::Live, &id, now).unwrap();

        application.client.get(&format!("{MESSAGES}/{id}")).assert_problem(404, "NOT_FOUND");
        cancel(&application, &id).assert_problem(404, "NOT_FOUND");
        assert!(matches!(message::erase(conn, &account, Mode::Live, &id, now), Err(Error::NotFound)));
        assert_eq!((application.list("").len(), application.credits()), (1, 98));
        app.signed_in().get(&format!("/messages/{id}")).assert_ok();
        assert_eq!(db.ask(&format!("SELECT recipient || text || reference AS line FROM messages WHERE id = '{id}'")), [PHONE]);
        app.assert_ledger_adds_up();
    }
}
