//! Credits are spent once, however many spend them at the same moment.

use std::thread;

use crate::support::{App, Application, Asker, Key, PHONE, on_both_databases};

const CLIENTS: usize = 16;
const EACH: usize = 1_000;

/// Sends over one connection; gives how many were accepted.
fn spend(url: &str, key: &Key) -> i64 {
    let mut asker = Asker::to(url);
    let headers = format!("Authorization: Bearer {}\r\n", key.secret);
    let mut accepted = 0;
    for _ in 0..EACH {
        let told = asker.send(&headers, PHONE).unwrap();
        match (told.status, &*told.code) {
            (202, _) => accepted += 1,
            (402, "NOT_ENOUGH_CREDITS") => {}
            _ => panic!("{told:?}"),
        }
    }
    accepted
}

fn spend_at_once(instances: [&App; 2], key: &Key) -> i64 {
    thread::scope(|all| {
        let client = |number: usize| all.spawn(move || spend(&instances[number % 2].url, key));
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    })
}

on_both_databases! {
    fn sixteen_clients_of_two_instances_spend_exactly_what_there_is(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let key = app.make_key("Project X");
        app.set_credits(1_000);

        let accepted = spend_at_once([&app, &other], &key);

        assert_eq!((accepted, db.count("messages")), (1_000, 1_000));
        assert_eq!(Application::with(&app, &key).credits(), 0);
        app.assert_ledger_adds_up();
    }
}
