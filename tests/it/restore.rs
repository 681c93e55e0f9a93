//! `keyfob restore`: a backup in the place of the database, and the keys that come
//! back with it.

use std::time::Duration;

use keyfob::domain::api_key::KeyStatus;

use crate::support::{on_both_databases, run, time_until};

on_both_databases! {
    fn a_restore_says_that_old_keys_are_back_and_switches_them_off_where_asked_to(db: &Database) {
        let (app, target) = (db.app(), tempfile::tempdir().unwrap());
        let (kept, revoked) = (app.make_key("kept"), app.make_key("revoked"));
        let (backup, url) = (target.path().join("backup.db"), db.url());
        let restore = |arguments: &[&str]| run(&[&["restore"], arguments, &["--database-url", &url]].concat(), "");
        let file = backup.display().to_string();
        if db.is_sqlite() {
            run(&["backup", &file, "--database-url", &url], "").assert_success();
            app.gate_switch().set(&revoked, KeyStatus::Disabled);
            app.make_key("made since");
            restore(&[&file]).assert_one_sentence().assert_says("is in use; stop Keyfob");
            app.assert_verdict(&revoked.secret, "DISABLED");
            drop(app);

            let said = restore(&[&file]).assert_success().stdout;

            assert!(said.contains("2 keys are on, also those that were switched off or deleted"), "{said}");
            assert!(db.file().with_extension("db.before-restore-1").exists(), "{said}");
            restore(&[&db.file().display().to_string()]).assert_one_sentence().assert_says("is the database itself");
        } else {
            restore(&[&file]).assert_one_sentence().assert_says("pg_restore --clean");
            drop(app);
        }
        let app = db.app();
        app.assert_verdict(&revoked.secret, "VALID");

        let said = restore(&["--keys-off"]).assert_success().stdout;

        assert!(said.contains("2 keys are switched off; switch on each"), "{said}");
        for key in [&kept, &revoked] {
            assert!(time_until(&app.url, &key.secret, "DISABLED") < Duration::from_secs(30));
        }
        let events = db.ask("SELECT actor_kind || ' ' || action AS line FROM audit_events WHERE action = 'api_key.disabled'");
        assert_eq!(events, ["command_line api_key.disabled"; 2]);
    }
}
