//! `keyfob backup`: a copy of the database while it is in use.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::json;

use crate::support::{Application, Database, Ended, PHONE, on_both_databases, run};

/// Copies the database into a file beside it; its name, and how that ended.
fn back_up(db: &Database, to: &std::path::Path) -> Ended {
    run(&["backup", &to.display().to_string(), "--database-url", &db.url()], "")
}

/// Copies the database until something was written meanwhile: on a busy machine
/// a copy may fall between two writes.
fn back_up_while(written: &AtomicUsize, db: &Database, copy: &Database) -> Option<Ended> {
    (0..10).find_map(|_| {
        let before = written.load(Ordering::SeqCst);
        let _ = fs::remove_file(copy.file());
        let ended = back_up(db, &copy.file());
        (written.load(Ordering::SeqCst) > before).then_some(ended)
    })
}

/// So many messages that copying them takes a moment.
fn add_old_messages(db: &Database) {
    db.execute(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 60000) \
         INSERT INTO messages (id, account_id, mode, recipient, text, reference, encoding, segments, credits, status, \
         tries, valid_until, created_at, updated_at) \
         SELECT 'msg_' || printf('%026d', n), (SELECT id FROM accounts), 'live', '+420777000123', 'Hello', '', 'gsm7', \
         1, 0, 'delivered', 1, 1, CAST(strftime('%s', 'now') AS INTEGER) * 1000000, 1 FROM numbers; \
         INSERT INTO message_counts SELECT account_id, created_at / 3600000000 * 3600000000, 'delivered', '', COUNT(*) \
         FROM messages GROUP BY 1, 2; \
         INSERT INTO carrier_counts SELECT carrier, created_at / 86400000000 * 86400000000, 'delivered', COUNT(*) \
         FROM messages GROUP BY 1, 2",
    );
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

on_both_databases! {
    fn a_backup_under_load_is_whole_and_starts(db: &Database) {
        if !db.is_sqlite() {
            let target = tempfile::tempdir().unwrap();
            let _app = db.app();
            let ended = back_up(db, &target.path().join("x.db"));
            ended.assert_one_sentence().assert_says("run: pg_dump --format=custom");
            assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0);
            return;
        }
        let app = db.app();
        app.set_credits(1_000_000);
        let key = app.make_key("Made before");
        add_old_messages(db);
        let (copy, done, accepted) = (Database::sqlite(), AtomicBool::new(false), AtomicUsize::new(0));

        let ended = thread::scope(|all| {
            for _ in 0..4 {
                all.spawn(|| {
                    let application = Application::with(&app, &key);
                    while !done.load(Ordering::SeqCst) {
                        let to: Vec<String> = (0..20).map(|n| format!("+42077700{n:04}")).collect();
                        application.post(&json!({"to": to, "text": "Hello"})).assert_status(202);
                        accepted.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            while accepted.load(Ordering::SeqCst) < 20 {
                thread::sleep(Duration::from_millis(5));
            }
            let ended = back_up_while(&accepted, db, &copy);
            done.store(true, Ordering::SeqCst);
            ended.unwrap_or_else(|| panic!("nothing was ever written meanwhile"))
        });

        let ended = ended.assert_success();
        assert!(ended.stdout.contains("was copied to") && ended.stdout.contains(" MB in "), "{}", ended.stdout);
        assert_eq!(fs::metadata(copy.file()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(copy.file().parent().unwrap()).unwrap().count(), 1);
        assert_eq!(integrity(&copy), "ok");
        let restored = copy.app();
        restored.assert_ledger_adds_up();
        restored.assert_verdict(&key.secret, "VALID");
        let charged = copy.ask("SELECT CAST(COALESCE(SUM(credits), 0) AS TEXT) AS line FROM messages WHERE status <> 'failed'");
        assert_ne!(charged, ["0"]);
        let application = Application::with(&restored, &key);
        application.wait_for_end(&application.sent(PHONE, "From the copy"));
    }

    fn a_backup_overwrites_nothing_and_leaves_no_half_file(db: &Database) {
        let _app = db.app();
        if !db.is_sqlite() {
            return;
        }
        let target = tempfile::tempdir().unwrap();
        let taken = target.path().join("taken.db");
        fs::write(&taken, "mine").unwrap();

        back_up(db, &taken).assert_one_sentence().assert_says("exists, and nothing is overwritten");
        back_up(db, &target.path().join("none/x.db")).assert_one_sentence().assert_says("none/x.db does not exist");
        back_up(db, std::path::Path::new("/dev/full/x.db")).assert_one_sentence().assert_says("can't be written");

        assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
        assert_eq!(fs::read_dir(target.path()).unwrap().count(), 1);
    }

    fn what_is_no_database_is_not_backed_up_and_not_made(db: &Database) {
        if !db.is_sqlite() {
            return;
        }
        let (empty, target) = (db.empty(), tempfile::tempdir().unwrap());
        let to = target.path().join("x.db");

        back_up(&empty, &to).assert_one_sentence().assert_says("does not exist");
        fs::write(empty.file(), "not a database at all").unwrap();
        back_up(&empty, &to).assert_one_sentence().assert_says("is not a Keyfob database");

        assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0);
    }

    fn a_backup_that_fills_the_disk_leaves_no_half_file(db: &Database) {
        if !db.is_sqlite() {
            return;
        }
        let app = db.app();
        app.make_key("Project X");
        let target = tempfile::tempdir().unwrap();
        let to = target.path().join("x.db");
        let limited = format!(
            "ulimit -f 16; trap '' XFSZ; exec '{}' backup '{}' --database-url '{}'",
            env!("CARGO_BIN_EXE_keyfob"),
            to.display(),
            db.url()
        );

        let output = std::process::Command::new("bash").args(["-c", &limited]).output().unwrap();

        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("can't be"), "{output:?}");
        assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0);
    }
}

fn integrity(db: &Database) -> String {
    let mut conn = SqliteConnection::establish(&db.file().display().to_string()).unwrap();
    let lines: Vec<Line> =
        diesel::sql_query("SELECT integrity_check AS line FROM pragma_integrity_check").load(&mut conn).unwrap();
    lines.into_iter().map(|line| line.line).collect::<Vec<_>>().join("\n")
}
