//! The tables themselves, on both databases.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::MigrationHarness;
use keyfob::store::{Conn, MIGRATIONS};

use crate::support::{Database, PASSWORD, on_both_databases};

/// A table's columns: their names, and their types in Diesel's words.
type Tables = BTreeMap<String, Vec<(String, String)>>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// What the program believes.
fn believed() -> Tables {
    let (mut tables, mut current) = (Tables::new(), String::new());
    let files = std::fs::read_dir("src/store/schema").unwrap().map(|file| file.unwrap().path());
    let text: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for line in text.lines().map(str::trim) {
        if let Some((name, _)) = line.strip_suffix(") {").and_then(|line| line.split_once(" (")) {
            current = name.to_owned();
        } else if let Some((name, kind)) = line.strip_suffix(',').and_then(|line| line.split_once(" -> ")) {
            tables.entry(current.clone()).or_default().push((name.to_owned(), kind.to_owned()));
        }
    }
    tables
}

/// What there is.
fn real(conn: &mut Conn) -> Tables {
    let columns: Vec<Column> = match conn {
        Conn::Sqlite(conn) => diesel::sql_query(
            "SELECT m.name AS table_name, c.name AS name, \
                    lower(c.type) || CASE WHEN c.\"notnull\" THEN '' ELSE ' null' END AS kind \
             FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' ORDER BY m.name, c.cid",
        )
        .load(conn),
        Conn::Postgres(conn) => diesel::sql_query(
            "SELECT table_name::text, column_name::text AS name, \
                    data_type || CASE is_nullable WHEN 'NO' THEN '' ELSE ' null' END AS kind \
             FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
        )
        .load(conn),
    }
    .unwrap();
    let mut tables = Tables::new();
    for column in columns.into_iter().filter(|column| !column.table_name.starts_with("__diesel")) {
        tables.entry(column.table_name).or_default().push((column.name, in_diesels_words(&column.kind)));
    }
    tables
}

fn in_diesels_words(kind: &str) -> String {
    let word = match kind.trim_end_matches(" null") {
        "text" => "Text",
        "bigint" => "BigInt",
        "bytea" | "blob" => "Binary",
        "boolean" => "Bool",
        other => other,
    };
    if kind.ends_with(" null") { format!("Nullable<{word}>") } else { word.to_owned() }
}

on_both_databases! {
    fn the_tables_are_what_the_program_believes(db: &Database) {
        let _app = db.first_start();

        assert_eq!(real(&mut db.conn()), believed());
    }

    fn the_migrations_run_up_and_down_and_up_again(db: &Database) {
        let empty = db.empty();
        if empty.is_sqlite() {
            std::fs::write(empty.file(), "").unwrap();
        }
        let mut conn = empty.conn();

        conn.run_pending_migrations(MIGRATIONS).unwrap();
        assert_eq!(real(&mut conn), believed());
        conn.revert_all_migrations(MIGRATIONS).unwrap();
        assert_eq!(real(&mut conn), Tables::new());
        conn.run_pending_migrations(MIGRATIONS).unwrap();

        assert_eq!(real(&mut conn), believed());
    }

    fn an_account_takes_everything_of_its_own_along_and_nothing_else(db: &Database) {
        let app = db.app();
        let eve = app.another_account();
        eve.create_key("Theirs");
        let mine = app.signed_in().create_key("Mine");

        db.execute("DELETE FROM accounts WHERE name = 'Another account'");

        assert_eq!((db.count("memberships"), db.count("api_keys"), db.count("key_secrets")), (1, 1, 1));
        eve.get("/api-keys").assert_leads_to("/login");
        eve.post("/login", &[("email", "eve@example.com"), ("password", PASSWORD)]).assert_status(401);
        app.assert_verdict(&mine.secret, "VALID");
    }
}

#[test]
fn an_sqlite_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let db = Database::sqlite();
    let app = db.app();
    app.signed_in().create_key("Project X");

    for file in std::fs::read_dir(db.file().parent().unwrap()).unwrap().map(Result::unwrap) {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.file_name());
    }
}
