//! Databases of earlier versions: what is in them stays, whichever version they
//! come from, and the way back is kept.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::connection::SimpleConnection;
use keyfob::store::{MIGRATIONS, Store};
use serde_json::{Map, Value};

use crate::support::{Database, filled_at, on_both_databases, run};

/// A migration that moves what is in a column: its number, the `table.column`
/// before, and the one in the newest state. One that copies a column beside
/// keeping it is here too; a column that goes for good has no second name.
const MOVED: &[(usize, &str, Option<&str>)] = &[
    (8, "revisions.value", Some("revisions.latest")),
    (9, "api_keys.id", Some("key_secrets.api_key_id")),
    (9, "api_keys.digest", Some("key_secrets.digest")),
    (9, "api_keys.mask", Some("key_secrets.mask")),
    (9, "api_keys.created_at", Some("key_secrets.created_at")),
    // The id of a key's first secret is made of the key's own.
    (9, "api_key_usages.api_key_id", None),
    (9, "api_key_usages.uses", Some("key_secret_usages.uses")),
    (9, "api_key_usages.last_used_at", Some("key_secret_usages.last_used_at")),
    (9, "api_key_usages.address", Some("key_secret_usages.address")),
    (9, "api_key_usages.user_agent", Some("key_secret_usages.user_agent")),
    (10, "operators.id", Some("memberships.operator_id")),
    (10, "operators.account_id", Some("memberships.account_id")),
    (10, "operators.created_at", Some("memberships.created_at")),
    (10, "operators.id", Some("operator_passwords.operator_id")),
    (10, "operators.password_hash", Some("operator_passwords.hash")),
];

/// The last state whose tables SQLite rebuilds on the way to the newest.
const BEFORE_REBUILDS: usize = 7;

/// Every row of every table by its columns' names.
type Contents = BTreeMap<String, Vec<Map<String, Value>>>;

fn contents(db: &Database) -> Contents {
    db.tables().into_iter().map(|table| (table.clone(), rows(db, &table))).collect()
}

fn rows(db: &Database, table: &str) -> Vec<Map<String, Value>> {
    let row = if db.is_sqlite() {
        let column = "'''' || name || ''', quote(' || name || ')'";
        let columns = db.ask(&format!("SELECT {column} AS line FROM pragma_table_info('{table}')"));
        format!("json_object({})", columns.join(", "))
    } else {
        "row_to_json(t)::text".to_owned()
    };
    let rows = db.ask(&format!("SELECT {row} AS line FROM {table} t"));
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// Where the column of a database at `state` is in the newest one.
fn destinations(state: usize, table: &str, column: &str, newest: &Contents) -> Vec<(String, String)> {
    let name = format!("{table}.{column}");
    let moves: Vec<_> = MOVED.iter().filter(|(since, from, _)| *since > state && *from == name).collect();
    let moved = moves.iter().filter_map(|(_, _, to)| to.and_then(|to| to.split_once('.')));
    let mut found: Vec<(String, String)> = moved.map(|(table, column)| (table.into(), column.into())).collect();
    if newest.get(table).is_some_and(|rows| rows.iter().any(|row| row.contains_key(column))) {
        found.push((table.into(), column.into()));
    }
    assert!(
        !(found.is_empty() && moves.is_empty()),
        "{name} of state {state} is gone, or lost all rows; if it is elsewhere now, say so in MOVED"
    );
    found
}

/// Every row of `old` is in `new`, once for each time it was there before, and
/// a table that both have holds no other rows.
fn assert_kept(state: usize, old: &Contents, new: &Contents) {
    for (table, rows) in old {
        let mut columns: BTreeMap<String, Vec<(&str, String)>> = BTreeMap::new();
        for column in rows[0].keys() {
            for (to, name) in destinations(state, table, column, new) {
                columns.entry(to).or_default().push((column, name));
            }
        }
        for (to, columns) in columns {
            let project = |row: &Map<String, Value>, name: &dyn Fn(&(&str, String)) -> String| {
                columns.iter().map(|column| row[&name(column)].clone()).collect::<Vec<_>>()
            };
            let mut left: Vec<_> = new[&to].iter().map(|row| project(row, &|(_, to)| to.clone())).collect();
            for row in rows {
                let row = project(row, &|(from, _)| (*from).to_owned());
                let place = left.iter().position(|other| *other == row);
                left.remove(place.unwrap_or_else(|| panic!("{table} of state {state} lost {row:?}: {columns:?}")));
            }
            assert!(to != *table || left.is_empty(), "{table} of state {state} got {left:?}");
        }
    }
}

fn upgrade(db: &Database) -> Result<(), String> {
    Store::open(&db.url().parse().unwrap()).map(drop)
}

/// The copies beside the database.
fn copies(db: &Database) -> Vec<PathBuf> {
    let files = fs::read_dir(db.file().parent().unwrap()).unwrap().map(|file| file.unwrap().path());
    let mut copies: Vec<_> = files.filter(|file| file.display().to_string().contains(".before-")).collect();
    copies.sort();
    copies
}

/// A copy as the database of an older program.
fn restored(copy: &Path) -> Database {
    let db = Database::sqlite();
    fs::copy(copy, db.file()).unwrap();
    db
}

on_both_databases! {
    fn a_database_of_every_state_keeps_all_that_is_in_it(db: &Database) {
        for state in 1..=MIGRATIONS.iter().count() {
            let old = filled_at(db, state);
            let before = contents(&old);
            for (table, rows) in &before {
                assert!(!rows.is_empty(), "{table} has no sample rows at state {state}; add some in support/sample_rows.rs");
            }

            upgrade(&old).unwrap();

            assert_kept(state, &before, &contents(&old));
        }
    }

    fn texts_are_compared_by_their_bytes_in_new_databases_and_old_ones(db: &Database) {
        for state in [0, 7, 12] {
            let old = filled_at(db, state);
            upgrade(&old).unwrap();

            old.execute(
                "INSERT INTO services (slug, name, key_prefix, created_at) \
                 VALUES ('a', 'x', 'a', 1), ('B', 'x', 'b', 1), ('ch', 'x', 'ch', 1), ('h', 'x', 'h', 1)",
            );
            assert_eq!(old.ask("SELECT slug AS line FROM services WHERE name = 'x' ORDER BY slug"), ["B", "a", "ch", "h"]);
            if !old.is_sqlite() {
                let others = "SELECT table_name || '.' || column_name AS line FROM information_schema.columns \
                    WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'";
                assert_eq!(old.ask(others), [""; 0]);
            }
        }
    }

    fn keys_of_older_versions_are_searched_and_sorted_without_case_and_accents(db: &Database) {
        let old = filled_at(db, 27);
        old.execute("UPDATE api_keys SET name = 'Žluť', description = 'Die STRASSE' WHERE id = 'key_1'");

        upgrade(&old).unwrap();

        let columns = "SELECT sort_name || '|' || search AS line FROM api_keys ORDER BY id";
        assert_eq!(old.ask(columns), ["zlut|zlut\ndie strasse", "two|two\nit's"]);
    }

    fn messages_of_before_are_counted_and_what_was_refunded_is_taken_off(db: &Database) {
        let before_counts = MIGRATIONS.iter().position(|one| one.folder().ends_with("create_message_counts")).unwrap();
        let old = filled_at(db, before_counts);
        let (hour, columns) = (3_600_000_000_i64, "account_id, api_key_id, mode, recipient, sender, text, reference, encoding, \
            segments, 5, 'failed', 'rejected', tries, due_at, valid_until");
        for (id, created) in [("msg_3", hour), ("msg_4", 2 * hour - 1), ("msg_5", 30 * hour)] {
            old.execute(&format!(
                "INSERT INTO messages SELECT '{id}', {columns}, {created}, updated_at, carrier_code, rehearsed \
                 FROM messages WHERE id = 'msg_1'; \
                 INSERT INTO ledger_entries VALUES ('{id}', 'acc_1', -5, 'message', '{id}', '', NULL, 1)"
            ));
        }
        old.execute("INSERT INTO ledger_entries VALUES ('refund', 'acc_1', 5, 'refund', 'msg_4', '', NULL, 1)");

        upgrade(&old).unwrap();

        old.assert_messages_are_counted();
        let counts = "SELECT hour || ' ' || status_group || ' ' || error || ' ' || messages AS line FROM message_counts \
            WHERE account_id = 'acc_1' ORDER BY 1";
        let spent = "SELECT day || ' ' || api_key_id || ' ' || credits AS line FROM credit_spending ORDER BY day";
        assert_eq!(old.ask(counts), [
            "0 delivered  1", "108000000000 not_delivered rejected 1", "3600000000 not_delivered rejected 2",
        ]);
        assert_eq!(old.ask(spent), ["0 key_1 6", "86400000000 key_1 5"]);
    }

    fn words_may_be_new_and_numbers_may_not_be_wrong(db: &Database) {
        let old = filled_at(db, BEFORE_REBUILDS);
        upgrade(&old).unwrap();

        for column in [
            "api_keys SET mode", "api_keys SET status", "ledger_entries SET reason", "messages SET mode",
            "messages SET encoding", "messages SET status", "message_segments SET status", "callback_deliveries SET status",
        ] {
            old.execute(&format!("UPDATE {column} = 'a new word'"));
        }
        for wrong in
            ["credit_balances SET credits = -1", "messages SET segments = 0", "messages SET credits = -1", "ledger_entries SET amount = 0"]
        {
            assert!(old.conn().batch_execute(&format!("UPDATE {wrong}")).is_err(), "{wrong}");
        }
    }
}

#[test]
fn rebuilt_tables_keep_the_rows_that_refer_to_them_and_go_on_to_take_them_along() {
    let old = filled_at(&Database::sqlite(), BEFORE_REBUILDS);
    let count = |table: &str| old.count(table);
    let before =
        ["api_key_usages", "api_key_callbacks", "message_segments", "message_events", "callback_deliveries"].map(count);

    upgrade(&old).unwrap();

    let children =
        ["key_secret_usages", "api_key_callbacks", "message_segments", "message_events", "callback_deliveries"];
    assert_eq!(children.map(count), before);
    old.execute("DELETE FROM api_keys; DELETE FROM messages");
    assert_eq!(children.map(count), [0; 5]);
}

#[test]
fn columns_of_bytes_are_blobs() {
    let db = Database::sqlite();
    upgrade(&db).unwrap();

    let kinds = db.ask(
        "SELECT DISTINCT c.type AS line FROM sqlite_master m, pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' ORDER BY 1",
    );

    assert_eq!(kinds, ["BIGINT", "BLOB", "BOOLEAN", "TEXT"]);
}

#[test]
fn a_reference_that_leads_nowhere_stops_the_upgrade_and_nothing_is_changed() {
    let old = filled_at(&Database::sqlite(), BEFORE_REBUILDS);
    old.execute("PRAGMA foreign_keys=OFF; UPDATE api_key_usages SET api_key_id = 'key_9' WHERE api_key_id = 'key_1'");
    let before = old.rows();

    let error = upgrade(&old).unwrap_err();

    assert!(
        error.contains("rows of key_secret_usages would refer to rows of key_secrets that do not exist"),
        "{error}"
    );
    assert_eq!(old.rows(), before);
    assert_eq!(copies(&old), [] as [PathBuf; 0], "a copy of what was not changed is in the way");
}

#[test]
fn a_file_is_copied_before_it_is_upgraded_and_the_log_says_where() {
    let old = filled_at(&Database::sqlite(), BEFORE_REBUILDS);
    let before = old.rows();

    let ended = run(&["credits", "--database-url", &old.url()], "");

    let copy = old.file().with_extension("db.before-20261128000008");
    assert!(ended.stderr.contains(&format!("copy={}", copy.display())), "{}", ended.stderr);
    assert_eq!(copies(&old), std::slice::from_ref(&copy));
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(restored(&copy).rows(), before);
}

#[test]
fn a_new_database_and_one_that_is_up_to_date_are_not_copied() {
    let db = Database::sqlite();
    upgrade(&db).unwrap();
    upgrade(&db).unwrap();

    assert_eq!(copies(&db), [] as [PathBuf; 0]);
}

#[test]
fn an_upgrade_overwrites_no_earlier_copy() {
    let old = filled_at(&Database::sqlite(), BEFORE_REBUILDS);
    let earlier = old.file().with_extension("db.before-20261128000008");
    fs::write(&earlier, "mine").unwrap();

    upgrade(&old).unwrap();

    assert_eq!(fs::read_to_string(&earlier).unwrap(), "mine");
    assert_eq!(copies(&old), [earlier, old.file().with_extension("db.before-20261128000008-2")]);
}

#[test]
fn a_disk_without_space_for_the_copy_stops_the_upgrade_with_a_sentence() {
    let old = filled_at(&Database::sqlite(), BEFORE_REBUILDS);
    let before = old.rows();
    let limited = format!(
        "ulimit -f 16; trap '' XFSZ; exec '{}' credits --database-url '{}'",
        env!("CARGO_BIN_EXE_keyfob"),
        old.url()
    );

    let output = Command::new("bash").args(["-c", &limited]).output().unwrap();

    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("keyfob: ") && error.contains("can't be") && error.lines().count() == 1, "{error}");
    assert_eq!(old.rows(), before);
    assert_eq!(fs::read_dir(old.file().parent().unwrap()).unwrap().count(), 1);
}
