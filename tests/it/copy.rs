//! `keyfob copy`: everything in one database into another one, or nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use keyfob::domain::api_key::KeyStatus;
use keyfob::store::{Digest, MIGRATIONS};
use serde_json::json;

use crate::support::{
    App, Application, Database, EMAIL, Ended, PASSWORD, PHONE, Phone, Process, filled_at, keyfob, on_both_databases,
    run, time_until,
};

/// A secret as another system makes them.
const FOREIGN: &str = "sk-other-system-00000042";

/// A database of the other kind, without a table.
fn opposite(db: &Database) -> Database {
    if db.is_sqlite() { Database::postgres().empty() } else { Database::sqlite() }
}

#[track_caller]
fn copy(from: &Database, to: &Database) -> Ended {
    copy_to(from, &to.url())
}

#[track_caller]
fn copy_to(from: &Database, to: &str) -> Ended {
    run(&["copy", "--to", to, "--database-url", &from.url()], "")
}

/// There is no file, and nothing beside where it would be; or no table has a row.
#[track_caller]
fn assert_nothing_is_in(db: &Database) {
    if db.is_sqlite() {
        assert_eq!(fs::read_dir(db.file().parent().unwrap()).unwrap().count(), 0);
        return;
    }
    let mut rows = db.rows();
    // What the migrations put there.
    for table in ["__diesel_schema_migrations", "key_use_counting", "revisions"] {
        assert!(rows.remove(table).is_none_or(|rows| table.starts_with("__") || rows.len() == 1), "{table}");
    }
    assert!(rows.values().all(Vec::is_empty), "{rows:#?}");
}

/// A database of many rows, so that a copy can be ended in the middle.
fn large(db: &Database) -> Database {
    let large = filled_at(db, MIGRATIONS.iter().count());
    // More than SQLite keeps in memory before it writes.
    let long = "x".repeat(500);
    let columns = "account_id, at, actor_kind, actor_id, actor_name, via, action, target_kind, target_id, target_name, \
        reason, address, user_agent, request_id";
    large.execute(&format!(
        "INSERT INTO audit_events (id, changes, {columns}) WITH RECURSIVE numbers (number) AS \
         (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 60000) \
         SELECT 'aud_more_' || number, '{long}', {columns} FROM audit_events, numbers WHERE id = 'aud_1'"
    ));
    large
}

/// Starts a copy and waits until some of the rows are in the target, and not all of them.
fn begun(from: &Database, to: &Database) -> Process {
    let mut copying = Process::spawn(&mut keyfob(&["copy", "--to", &to.url(), "--database-url", &from.url()]));
    let is_amid = || {
        if to.is_sqlite() {
            let unfinished = to.file().with_extension("db.unfinished");
            return fs::metadata(unfinished).is_ok_and(|file| file.len() > 2_000_000);
        }
        let inserts = "SELECT query AS line FROM pg_stat_activity WHERE datname = current_database() \
            AND query LIKE 'INSERT INTO \"audit_events\"%'";
        !to.ask(inserts).is_empty()
    };
    while !is_amid() {
        assert!(copying.is_running(), "{:?}", copying.end());
        std::thread::yield_now();
    }
    copying
}

on_both_databases! {
    fn every_row_of_every_table_is_copied_there_and_back(db: &Database) {
        let (full, there, back, twin) = (filled_at(db, MIGRATIONS.iter().count()), opposite(db), db.empty(), db.empty());
        let before = full.rows();
        assert!(before.values().all(|rows| !rows.is_empty()), "{before:#?}");

        let said = copy(&full, &there).assert_success();
        copy(&there, &back).assert_success();
        copy(&back, &twin).assert_success();

        for copied in [&full, &back, &twin] {
            let mut after = copied.rows();
            // It says when the migrations were run.
            let key = "__diesel_schema_migrations";
            after.insert(key.to_owned(), before[key].clone());
            assert_eq!(after, before);
        }
        let rows = before.iter().filter(|(table, _)| !table.starts_with("__")).map(|(_, rows)| rows.len()).sum::<usize>();
        for words in [&*format!("was copied to {}", there.url()), &*format!(": {rows} rows of "), "2 keys, 2 messages"] {
            assert!(said.stdout.contains(words), "no {words:?} in {}", said.stdout);
        }
        let unbalanced = "The ledger of the account acc_2 adds up to 5 credits, and its balance is 0, in both databases.\n";
        assert!(said.stderr.contains(unbalanced), "{}", said.stderr);
        if twin.is_sqlite() {
            assert_eq!(fs::metadata(twin.file()).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::read_dir(twin.file().parent().unwrap()).unwrap().count(), 1);
            let indexes = "SELECT sql AS line FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name";
            assert_eq!(twin.ask(indexes), full.ask(indexes));
            assert_eq!(fs::read(twin.file()).unwrap()[18..20], [2, 2], "no write-ahead log");
        } else {
            let indexes = "SELECT indexdef::text AS line FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1";
            let references = "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) AS line \
                FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1";
            assert_eq!((twin.ask(indexes), twin.ask(references)), (full.ask(indexes), full.ask(references)));
        }
        let after = there.rows();
        copy(&full, &there).assert_one_sentence().assert_says("a copy overwrites nothing");
        assert_eq!(there.rows(), after);
    }

    fn whoever_had_access_before_has_it_to_the_copy_once_the_server_is_stopped(db: &Database) {
        let target = opposite(db);
        let app = db.app();
        let client = app.signed_in();
        let phone = Phone::set_up(&client);
        let recovery = client.post("/settings/second-factor/activation", &[("code", &phone.code(&app))]).assert_ok();
        let recovery = recovery.page().text("#recovery-codes");
        let (key, handed_over) = (client.create_key("Project X"), client.create_key("Handed over"));
        let link = client.hand_over(&handed_over);
        let off = app.make_key("off");
        client.switch(&off, "disabled");
        let manager = app.make_management_key("keys.create", "sms");
        import(&app, &manager.secret);
        let application = Application::with(&app, &key).named("order-42");
        let accepted = application.send(PHONE, "Hello").assert_status(202);
        application.wait_for_end(&accepted.json()["messages"][0]);
        let credits = application.credits();

        copy(db, &target).assert_one_sentence().assert_says("stop Keyfob");
        assert_nothing_is_in(&target);
        app.assert_verdict(&key.secret, "VALID");
        drop(app);
        copy(db, &target).assert_success();

        let app = target.first_start();
        for (secret, code) in [(&*key.secret, "VALID"), (&*off.secret, "DISABLED"), (FOREIGN, "VALID")] {
            app.assert_verdict(secret, code);
        }
        assert!(client.at(&app.url).get("/api-keys").assert_ok().body.contains("Project X"), "the session is over");
        let again = Application { client: application.client.at(&app.url) };
        assert_eq!((again.send(PHONE, "Hello").assert_status(202).body, again.credits()), (accepted.body, credits));
        assert_eq!(app.anonymous().post(&link, &[]).assert_ok().page().text("#key-secret"), handed_over.secret);
        log_in(&app, &phone.next_code(&app));
        log_in(&app, recovery.split(' ').next().unwrap());
        target.assert_messages_are_counted();
        let changed = app.another_instance();
        app.gate_switch().set(&key, KeyStatus::Disabled);
        assert!(time_until(&changed.url, &key.secret, "DISABLED") < Duration::from_secs(30));
    }

    fn a_copy_that_is_ended_in_the_middle_leaves_nothing_and_the_next_one_is_complete(db: &Database) {
        let (full, target) = (large(db), opposite(db));

        let stopped = begun(&full, &target);
        stopped.signal("TERM");
        stopped.end().assert_says("stopped before everything was copied, so nothing was");
        assert_nothing_is_in(&target);

        begun(&full, &target).kill();
        if target.is_sqlite() {
            assert!(!target.file().exists());
        } else {
            assert_nothing_is_in(&target);
        }

        copy(&full, &target).assert_success();
        assert_eq!(target.count("audit_events"), 60_002);
    }

    fn only_an_empty_database_is_filled(db: &Database) {
        let full = filled_at(db, MIGRATIONS.iter().count());
        let older = filled_at(db, 20);
        let started = db.empty();
        drop(started.first_start());
        let foreign = db.empty();
        foreign.execute("CREATE TABLE customers (id TEXT)");
        let missing = if db.is_sqlite() { "sqlite:/nowhere/keyfob.db" } else { "postgres://postgres@127.0.0.1:1/keyfob" };
        let unreachable = if db.is_sqlite() { "the folder of /nowhere/keyfob.db does not exist" } else { "mend the address in --to" };
        for (to, words) in [
            (full.url(), "is the database that is to be copied"),
            (started.url(), if db.is_sqlite() { "exists, and a copy overwrites nothing" } else { "it is not empty (there are rows in " }),
            (older.url(), if db.is_sqlite() { "exists, and" } else { "has tables of another version" }),
            (foreign.url(), if db.is_sqlite() { "exists, and" } else { "has tables of another program (customers)" }),
            (missing.to_owned(), unreachable),
            ("mysql://me:hunter2@db/keyfob".to_owned(), "--to: the database URL begins with \"mysql:\""),
            ("postgres://me:hunter2@@db/keyfob".to_owned(), "--to: the database URL has an @ too many"),
            (String::new(), "--to: the database URL begins with no scheme"),
        ] {
            let before = (started.rows(), older.rows(), foreign.rows());

            let ended = run(&["copy", "--to", &to, "--wait-for-database", "0", "--database-url", &full.url()], "");

            let said = &ended.assert_one_sentence().assert_says(words).stderr;
            assert!(!said.contains("hunter2"), "{said}");
            assert_eq!((started.rows(), older.rows(), foreign.rows()), before);
        }
        assert_eq!(run(&["copy", "--database-url", &full.url()], "").status.code(), Some(2));
    }

    fn only_a_keyfob_of_this_version_is_copied(db: &Database) {
        let target = opposite(db);
        let older = filled_at(db, 20);
        let foreign = db.empty();
        foreign.execute("CREATE TABLE customers (id TEXT)");
        for (from, words) in [(&older, "bring them up to date with `keyfob migrate`"), (&foreign, "it has no tables of Keyfob")] {
            copy(from, &target).assert_one_sentence().assert_says(words);
        }
        assert_nothing_is_in(&target);
        assert_eq!(older.count("__diesel_schema_migrations"), 20);
    }

    fn a_row_that_cannot_be_copied_is_named_with_its_table_and_database(db: &Database) {
        let full = filled_at(db, MIGRATIONS.iter().count());
        if db.is_sqlite() {
            full.execute("UPDATE messages SET text = CAST(X'FF' AS TEXT)");

            let target = opposite(db);
            copy(&full, &target).assert_one_sentence().assert_says(&full.url()).assert_says("the rows of messages: ");
            assert_nothing_is_in(&target);
        }
    }

    fn a_database_that_another_tool_filled_with_wrong_digests_is_refused_at_the_start(db: &Database) {
        let full = filled_at(db, MIGRATIONS.iter().count());
        let wrong = if db.is_sqlite() {
            ["lower(hex(digest))", "CAST('\\x' || hex(digest) AS BLOB)", "X'00'"]
        } else {
            ["convert_to(encode(digest, 'hex'), 'UTF8')", "convert_to('\\x' || encode(digest, 'hex'), 'UTF8')", "'\\x00'"]
        };
        for expression in wrong {
            // One is enough, wherever there are others beside it.
            full.execute(&format!("UPDATE key_secrets SET digest = {expression} WHERE id = 'ksec_1'"));

            for command in ["serve", "migrate"] {
                let ended = run(&[command, "--listen", "127.0.0.1:0", "--database-url", &full.url()], "");
                ended.assert_one_sentence().assert_says("with `keyfob copy --to`");
            }
            let target = opposite(db);
            copy(&full, &target).assert_one_sentence().assert_says("are not 32 bytes long");
            assert_nothing_is_in(&target);
        }
    }
}

/// Has a program import one key of another system.
#[track_caller]
fn import(app: &App, manager: &str) {
    let sha256 = Digest::of(FOREIGN.as_bytes()).to_hex();
    let line = json!({"service": "sms", "name": "Customer", "mode": "live", "sha256": sha256}).to_string();
    let client = app.anonymous().with("x-api-key", manager);
    let imported = client.send("POST", "/v1/key-imports", Some(("application/jsonl", line.as_bytes()))).assert_ok();
    assert_eq!(imported.json()["results"][0]["result"], "made", "{}", imported.body);
}

/// Logs in with the password and a code.
#[track_caller]
fn log_in(app: &App, code: &str) {
    let client = app.anonymous();
    client.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).assert_leads_to("/login/second-factor");
    client.post("/login/second-factor", &[("code", code)]).assert_leads_to("/api-keys");
}
