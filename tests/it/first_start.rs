//! Who makes a database and who does not, what it is made of, and what is waited for.

use std::fs;
use std::time::Duration;

use keyfob::clock::Clock;
use keyfob::store::{MIGRATIONS, Store};

use crate::support::{App, Database, EMAIL, PASSWORD, Process, Tunnel, keyfob, on_both_databases, run};

const COMMANDS: [&[&str]; 5] = [
    &["credits"],
    &["credits", "add", "500", "--note", "Invoice 7"],
    &["operator", "add", EMAIL],
    &["operator", "password", EMAIL],
    &["backup", "copy.db"],
];

fn serve(url: &str) -> Process {
    Process::spawn(&mut keyfob(&["serve", "--listen", "127.0.0.1:0", "--database-url", url]))
}

on_both_databases! {
    fn only_serve_and_who_says_so_make_a_database(db: &Database) {
        let empty = db.empty();
        let url = empty.url();
        let with_url = |arguments: &[&str]| run(&[arguments, &["--database-url", &url]].concat(), PASSWORD);

        for command in COMMANDS.iter().filter(|command| empty.is_sqlite() || command[0] != "backup") {
            let ended = with_url(command).assert_one_sentence().assert_says("name ");
            assert!(ended.stderr.contains(&url["sqlite:".len()..]), "{command:?}: {ended:?}");
        }
        if empty.is_sqlite() {
            with_url(&["migrate"]).assert_one_sentence().assert_says("does not exist");
            assert_eq!(fs::read_dir(empty.file().parent().unwrap()).unwrap().count(), 0);
        } else {
            assert!(empty.rows().is_empty());
        }

        with_url(&["operator", "add", EMAIL, "--create"]).assert_success();
        with_url(&["credits"]).assert_success();
        with_url(&["migrate"]).assert_success();
        assert_eq!(empty.count("operators"), 1);
    }
}

#[test]
fn migrate_makes_the_tables_in_an_empty_database_of_a_server() {
    let empty = Database::postgres().empty();

    let ended = run(&["migrate", "--database-url", &empty.url()], "").assert_success();

    assert_eq!(ended.stdout, format!("The tables are up to date. ({})\n", empty.url()));
    assert_eq!(empty.count("__diesel_schema_migrations"), MIGRATIONS.iter().count());
}

#[test]
fn a_role_that_may_not_create_tables_can_serve_and_is_told_when_they_have_to_be_migrated() {
    let db = Database::postgres();
    let (server, name) = (db.url(), db.url().rsplit_once('/').unwrap().1.to_owned());
    let role = format!("limited_{name}");
    db.execute(&format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; \
         REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    ));
    let url = server.replacen("postgres@", &format!("{role}@"), 1);

    let app = App::start_set(&db, |config| config.database_url = url.parse().unwrap(), Clock::System).with_operator();
    let key = app.signed_in().create_key("Project X");
    app.assert_verdict(&key.secret, "VALID");
    drop(app);

    db.execute(
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
    );
    let ended = run(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url], "");
    ended.assert_one_sentence().assert_says("permission denied").assert_says("`keyfob migrate`");
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn tables_are_found_in_any_schema_of_the_search_path() {
    let db = Database::postgres();
    // It comes first in the search path of the role of this name, and is empty.
    db.execute("CREATE SCHEMA postgres");

    run(&["key", "list", "--database-url", &db.url()], "").assert_success();

    let made = db.ask("SELECT CAST(tablename AS TEXT) AS line FROM pg_tables WHERE schemaname = 'postgres'");
    assert_eq!(made, [""; 0]);
}

#[test]
fn a_database_in_another_encoding_is_refused_before_anything_is_made_in_it() {
    let db = Database::postgres();
    let latin = format!("{}_latin", db.url());
    let name = latin.rsplit_once('/').unwrap().1;
    db.execute(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"));
    let latin = Database::Postgres(name.to_owned());

    let ended = run(&["serve", "--listen", "127.0.0.1:0", "--database-url", &latin.url()], "");

    ended.assert_one_sentence().assert_says("its encoding is LATIN1").assert_says("ENCODING 'UTF8'");
    assert!(latin.rows().is_empty());
}

#[test]
fn a_server_that_is_not_up_yet_is_waited_for_and_that_is_said_once() {
    let db = Database::postgres();
    let (server, name) = (db.url(), db.url().rsplit_once('/').unwrap().1.to_owned());
    let address = server.split(['@', '/']).find(|part| part.starts_with("127.")).unwrap().to_owned();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let tunnel = Tunnel::to(&nobody);
    let mut process = serve(&format!("postgres://postgres@127.0.0.1:{}/{name}", tunnel.port));

    tunnel.wait_for_refused(3);
    tunnel.lead_to(&address);

    process.client().get("/healthz").assert_ok();
    process.signal("TERM");
    let ended = process.end().assert_success();
    assert_eq!(ended.stderr.matches("does not answer yet").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("answers now"), "{}", ended.stderr);
}

#[test]
fn a_first_start_that_is_killed_at_any_moment_does_not_stand_in_the_way_of_the_next() {
    for after in (0..30).map(|step| Duration::from_millis(step * 2)) {
        let db = Database::sqlite();
        let process = serve(&db.url());
        std::thread::sleep(after);
        process.kill();

        let ended = run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD);

        assert!(ended.status.success(), "killed after {after:?}: {ended:?}");
    }
}

#[test]
fn first_starts_at_the_same_time_make_one_database() {
    let db = Database::sqlite();
    let url = db.url().parse().unwrap();

    let is_new = std::thread::scope(|all| {
        let starts: Vec<_> = (0..8).map(|_| all.spawn(|| Store::open(&url).unwrap().is_new())).collect();
        starts.into_iter().filter_map(|start| start.join().unwrap().then_some(())).count()
    });

    assert_eq!(is_new, 1);
    let left: Vec<_> =
        fs::read_dir(db.file().parent().unwrap()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("unfinished")), "{left:?}");
}
