//! An instance that still runs when a newer one has upgraded the database.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use keyfob::error::{DatabaseOutage, Error};
use keyfob::store::Store;
use serde_json::json;

use crate::support::{App, MESSAGES, PHONE, on_both_databases};

/// What a newer version leaves in the table of migrations.
const UPGRADE: &str = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231235959')";
const GO_BACK: &str = "DELETE FROM __diesel_schema_migrations WHERE version = '29991231235959'";

const SENTENCE: &str = "Another version of Keyfob has taken over the database. Try again in a moment.";

/// Asks about a key until the answer has this status.
fn wait_for_status(app: &App, key: &str, status: u16) {
    let began = Instant::now();
    let ask = || app.anonymous().post_json("/v1/keys/verify", json!({"key": key}).to_string());
    while ask().status != status {
        assert!(began.elapsed() < Duration::from_secs(20), "never {status}");
        thread::yield_now();
    }
}

on_both_databases! {
    fn an_older_instance_refuses_every_request_and_trusts_no_remembered_key(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        app.assert_verdict(&key.secret, "VALID");

        db.execute(UPGRADE);

        wait_for_status(&app, &key.secret, 503);
        let before = db.rows();
        let anyone = app.anonymous().with("Authorization", &format!("Bearer {}", key.secret));
        for _ in 0..50 {
            let verdict = app.anonymous().post_json("/v1/keys/verify", json!({"key": key.secret}).to_string());
            assert_eq!(verdict.assert_problem(503, "UNAVAILABLE").json()["detail"], SENTENCE);
            anyone.get("/v1/auth?service=sms").assert_status(503);
        }
        anyone.post_json(MESSAGES, json!({"to": PHONE, "text": "Hello"}).to_string()).assert_problem(503, "UNAVAILABLE");
        app.anonymous().get("/readyz").assert_status(503);
        client.get("/api-keys").assert_status(503);
        client.post(&key.status_path(), &[("status", "disabled")]).assert_status(503);
        assert_eq!(db.rows(), before);

        db.execute(GO_BACK);
        wait_for_status(&app, &key.secret, 200);
        app.assert_verdict(&key.secret, "VALID");
        client.switch(&key, "disabled");
    }

    fn a_write_that_waited_for_the_upgrade_is_refused_after_it(db: &Database) {
        let store = Store::open(&db.url().parse().unwrap()).unwrap();
        let mut upgrade = db.conn();
        let begin = if db.is_sqlite() { "BEGIN IMMEDIATE" } else {
            "BEGIN; LOCK TABLE __diesel_schema_migrations IN ACCESS EXCLUSIVE MODE"
        };
        upgrade.batch_execute(&format!("{begin}; {UPGRADE}")).unwrap();

        let result: Result<(), Error> = thread::scope(|all| {
            let write = all.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(store.write(|_| panic!("it was let in")))
            });
            while !db.is_sqlite() && db.ask("SELECT pid::text AS line FROM pg_locks WHERE NOT granted").is_empty() {
                thread::yield_now();
            }
            upgrade.batch_execute("COMMIT").unwrap();
            write.join().unwrap()
        });

        assert!(matches!(result, Err(Error::Unavailable { reason: DatabaseOutage::Upgraded, .. })), "{result:?}");
    }

    fn an_older_instance_writes_nothing_even_before_it_looks_for_changes(db: &Database) {
        let store = Store::open(&db.url().parse().unwrap()).unwrap();
        db.execute(UPGRADE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let touched = |result: Result<(), Error>| match result {
            Err(Error::Unavailable { reason, .. }) => assert_eq!(reason, DatabaseOutage::Upgraded),
            other => panic!("{other:?}"),
        };

        touched(runtime.block_on(store.write(|_| panic!("it was let in"))));
        touched(runtime.block_on(store.write_grouped("x", |_| panic!("it was let in"))));
        touched(runtime.block_on(store.read(|_| panic!("it was let in"))));
        touched(store.watch().read(|_, _| panic!("it was let in")));

        db.execute(GO_BACK);
        runtime.block_on(store.write(|_| Ok(()))).unwrap();
        runtime.block_on(store.read(|_| Ok(()))).unwrap();
    }
}
