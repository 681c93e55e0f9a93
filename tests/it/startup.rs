//! Starts that fail: each says in one sentence what to change, and harms nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use crate::support::{Database, EMAIL, Ended, PASSWORD, Process, keyfob, on_both_databases, run};

/// Starts with this database; a start that does not give up by itself fails the test.
#[track_caller]
fn start(url: &str) -> Ended {
    run(&["--listen", "127.0.0.1:0", "--database-url", url], "")
}

#[track_caller]
fn assert_refused(url: &str, sentence: &str) {
    let ended = start(url).assert_says(sentence).assert_one_sentence();
    assert_eq!(ended.stdout, "");
}

/// Refused, and every byte is as it was.
#[track_caller]
fn assert_untouched(file: &Path, sentence: &str) {
    let before = fs::read(file).unwrap();
    assert_refused(&format!("sqlite:{}", file.display()), sentence);
    assert!(fs::read(file).unwrap() == before, "the file was changed");
    let beside = fs::read_dir(file.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1, "something was left beside the file");
}

on_both_databases! {
    fn a_port_in_use_is_told_with_its_number(db: &Database) {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap();

        let ended = run(&["--listen", &address.to_string(), "--database-url", &db.url()], "");

        ended.assert_says(&format!("port {} is in use; stop what uses it", address.port())).assert_one_sentence();
    }

    fn a_database_of_a_newer_keyfob_is_refused_and_left_alone(db: &Database) {
        drop(db.app());
        db.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231235959')");
        let before = db.rows();

        let ended = start(&db.url()).assert_says("this database was used by a newer Keyfob");

        ended.assert_one_sentence();
        assert_eq!(db.rows(), before);
    }

    fn only_a_database_that_was_never_used_is_called_new(db: &Database) {
        let is_called_new = |db: &Database| {
            let mut process = Process::serve(db);
            let line = process.wait_for("Keyfob");
            line.ends_with("(new)")
        };

        assert!(is_called_new(&db.empty()));
        drop(db.app());
        assert!(!is_called_new(db));
    }

    fn a_server_that_starts_again_finds_everything_as_it_was(db: &Database) {
        let key = db.app().signed_in().create_key("Project X");

        let app = db.first_start();

        app.assert_verdict(&key.secret, "VALID");
        assert_eq!(app.signed_in().get("/api-keys").page().rows(), ["Project X"]);
    }
}

#[test]
fn a_folder_that_does_not_exist_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("missing/keyfob.db");

    assert_refused(&format!("sqlite:{}", file.display()), "the folder of");
    assert!(!file.parent().unwrap().exists());
}

#[test]
fn a_place_that_can_not_be_written_is_told() {
    // The kernel's own files are nobody's to write, not even root's.
    assert_refused("sqlite:/proc/keyfob.db", "/proc/keyfob.db");
    assert_refused("sqlite:/sys/keyfob.db", "can't be written; give Keyfob's user the right");
}

#[test]
fn a_folder_in_place_of_a_file_is_told() {
    let folder = tempfile::tempdir().unwrap();

    assert_refused(&format!("sqlite:{}", folder.path().display()), "is a folder; name a file in it");
}

#[test]
fn a_text_file_is_not_taken_for_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "Dear diary, today I typed the wrong name.\n").unwrap();

    assert_untouched(&file, "is not a Keyfob database; name another file");
}

#[test]
fn an_empty_file_is_not_filled() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyfob.db");
    fs::write(&file, "").unwrap();

    assert_untouched(&file, "is empty, so it holds no keys; restore it from a backup");
}

#[test]
fn a_database_that_was_cut_off_is_left_alone() {
    let db = Database::sqlite();
    drop(db.app());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyfob.db");
    fs::write(&file, &fs::read(db.file()).unwrap()[..6000]).unwrap();

    assert_untouched(&file, "restore it from a backup");
}

#[test]
fn another_programs_database_is_left_alone() {
    let foreign = Database::sqlite();
    fs::write(foreign.file(), "").unwrap();
    foreign.execute("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('https://example.com')");

    assert_untouched(&foreign.file(), "this database belongs to another program; name another one");
}

#[test]
fn a_name_with_what_keyfob_does_not_take_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyfob.db").display().to_string();

    assert_refused(&format!("sqlite:{file}?mode=rwc"), "takes no parameters");
    assert_refused(&format!("sqlite:file:{file}"), "does not belong there");
    assert_refused(&format!("sqlite:{file} "), "begins or ends with a space");

    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let url = format!("sqlite:///{file}");
    run(&["operator", "add", EMAIL, "--create", "--database-url", &url], PASSWORD).assert_success();
    assert!(Path::new(&file).exists());
}

#[test]
fn a_start_says_where_passwords_and_messages_go() {
    let db = Database::sqlite();
    let said = |arguments: &[&str]| {
        let mut process = Process::spawn(keyfob(&["--database-url", &db.url()]).args(arguments));
        process.wait_for("Open");
        process.signal("TERM");
        let log = process.end().assert_success().stderr;
        [log.matches("passwords travel in the clear").count(), log.matches("nothing is really sent").count()]
    };

    assert_eq!(said(&["--listen", "127.0.0.1:0"]), [0, 1]);
    assert_eq!(said(&["--listen", "0.0.0.0:0", "--sms-transport", "smpp://me:pass@127.0.0.1:1"]), [1, 0]);
    assert_eq!(said(&["--listen", "0.0.0.0:0", "--public-url", "https://keys.example.com"]), [0, 1]);
}

#[test]
fn the_address_to_open_is_one_that_a_browser_can_open() {
    let db = Database::sqlite();
    let every = ["--listen", "0.0.0.0:0", "--metrics-listen", "0.0.0.0:0", "--database-url", &db.url()];
    let mut process = Process::spawn(&mut keyfob(&every));

    for label in ["Open", "Metrics"] {
        let url = process.wait_for(label);
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    }
}

#[test]
fn an_unknown_scheme_is_told_without_its_password() {
    let ended = start("mysql://root:hunter2@localhost/keyfob");

    let ended = ended.assert_says("\"mysql:\", which Keyfob does not know").assert_one_sentence();
    assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
}

#[test]
fn all_wrong_settings_are_told_at_once() {
    let ended = run(&["--listen", "8080", "--database-url", "keyfob.db", "--public-url", "keys.example.com/x"], "");

    let ended = ended.assert_says("--listen").assert_says("--public-url").assert_says("database URL");
    assert_eq!(ended.stderr.lines().count(), 3, "{ended:?}");
}

#[test]
fn settings_come_from_the_environment_as_well() {
    let mut command = keyfob(&[]);
    command.env("DATABASE_URL", "mysql://x").env("KEYFOB_LISTEN", "8080").env("KEYFOB_PUBLIC_URL", "x");

    let ended = Process::spawn(&mut command).end().assert_says("mysql:");

    assert_eq!(ended.stderr.lines().count(), 3, "{ended:?}");
}

#[test]
fn an_address_that_this_machine_does_not_have_is_told() {
    let db = Database::sqlite();

    let ended = run(&["--listen", "192.0.2.1:8080", "--database-url", &db.url()], "");

    ended.assert_says("this machine has no address 192.0.2.1").assert_one_sentence();
}

#[test]
fn a_server_that_is_down_is_told_without_its_password() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

    let url = format!("postgres://me:hunter2@{nobody}/keyfob");
    let ended = run(&["--listen", "127.0.0.1:0", "--database-url", &url, "--wait-for-database", "0"], "");

    let ended = ended.assert_says("; start the server, or mend the address");
    assert!(!ended.assert_one_sentence().stderr.contains("hunter2"));
}

#[test]
fn a_database_that_the_server_does_not_have_is_told() {
    let db = Database::postgres();
    let url = format!("{}_missing", db.url());

    assert_refused(&url, "; mend the user, password or database in --database-url");
}

#[test]
fn a_server_that_takes_tls_only_is_told() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut start = [0; 1024];
        let _ = stream.read(&mut start);
        let fields = b"SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host \"127.0.0.1\", no encryption\0\0";
        let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
        let _ = stream.write_all(&[&b"E"[..], &length, fields].concat());
    });

    assert_refused(&format!("postgres://me@{address}/keyfob?sslmode=disable"), "this server takes TLS only");
}
