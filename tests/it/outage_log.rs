//! What the log says while the database can't be used.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{EMAIL, PASSWORD, Process, on_both_databases, run};

/// Has the right checksum, and is nobody's.
const UNKNOWN: &str = "sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF";
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

on_both_databases! {
    fn why_the_database_fails_is_in_the_log_in_its_own_words_and_does_not_fill_it(db: &Database) {
        run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
        let mut process = Process::serve(db);
        let client = process.client();
        let ready = |status: u16| {
            let deadline = Instant::now() + PATIENCE;
            while client.get("/readyz").status != status {
                assert!(Instant::now() < deadline, "never {status}");
            }
        };

        db.take_away();
        ready(503);
        let ask = || client.post_json("/v1/keys/verify", json!({"key": UNKNOWN}).to_string()).assert_status(503);
        thread::scope(|all| (0..8).for_each(|_| drop(all.spawn(|| (0..25).for_each(|_| drop(ask()))))));
        db.bring_back();
        ready(200);
        process.signal("TERM");

        let log = process.end().assert_success().stderr;
        let cause = if db.is_sqlite() { "keyfob.db was removed" } else { "is not currently accepting connections" };
        assert!(log.contains(cause), "{log}");
        // The poll may have missed that the file was away for a moment.
        assert!(db.is_sqlite() || log.contains("the database can be used again"), "{log}");
        assert!(log.lines().count() < 15, "{log}");
    }
}
