//! Secrets that come from files, as container engines and systemd hand them over.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Database, Ended, Process, keyfob};

/// Tops up credits with these variables and arguments: the shortest command that needs a database.
fn top_up(variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let mut command = keyfob(&["credits", "add", "1", "--note", "Test"]);
    Process::spawn(command.args(arguments).envs(variables.iter().copied())).end()
}

fn secret(folder: &TempDir, content: &[u8]) -> String {
    let path: PathBuf = folder.path().join("secret");
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[test]
fn a_secret_is_read_from_the_file_that_its_variable_names() {
    let (db, folder) = (Database::sqlite(), TempDir::new().unwrap());
    drop(db.app());
    for content in [format!("{}\n", db.url()), format!("{}\r\n", db.url()), format!("\u{feff}{}", db.url())] {
        let path = secret(&folder, content.as_bytes());

        top_up(&[("DATABASE_URL_FILE", &path)], &[]).assert_success();
        // An image has a default of its own for the variable.
        let ended =
            top_up(&[("DATABASE_URL_FILE", &path), ("DATABASE_URL", "sqlite:/data/keyfob.db")], &[]).assert_success();

        assert!(!ended.stderr.contains("does not know"), "{ended:?}");
    }
    assert_eq!(db.ask("SELECT CAST(count(*) AS TEXT) AS line FROM ledger_entries WHERE note = 'Test'"), ["6"]);
}

#[test]
fn a_flag_counts_more_than_a_file_and_an_empty_variable_names_none() {
    let db = Database::sqlite();
    drop(db.app());

    top_up(&[("DATABASE_URL_FILE", ""), ("DATABASE_URL", &db.url())], &[]).assert_success();
    let folder = TempDir::new().unwrap();
    let path = secret(&folder, b"sqlite:/nowhere/keyfob.db");
    top_up(&[("DATABASE_URL_FILE", &path)], &["--database-url", &db.url()]).assert_success();
}

#[test]
fn a_command_that_needs_no_secret_does_without_its_file() {
    let db = Database::sqlite();
    let app = db.app();
    let listen = app.url.trim_start_matches("http://");
    let without = |arguments: &[&str]| {
        let variables = [("DATABASE_URL_FILE", "/nowhere"), ("KEYFOB_OPENING_CREDITS", "lots")];
        Process::spawn(keyfob(arguments).envs(variables)).end()
    };

    for needless in [&["--help"][..], &["--version"], &["licenses"], &["health", "--listen", listen]] {
        without(needless).assert_success();
    }

    for needing in [&["serve"][..], &["key", "list"], &["doctor"]] {
        let ended = without(needing);
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!ended.status.success(), "{ended:?}");
        assert!(told.contains("DATABASE_URL_FILE: /nowhere can't be read"), "{ended:?}");
        assert!(told.contains("invalid value 'lots' for KEYFOB_OPENING_CREDITS"), "{ended:?}");
    }
}

#[test]
fn a_pipe_is_read_to_its_end_and_a_device_without_one_is_refused() {
    let db = Database::sqlite();
    drop(db.app());
    let command = keyfob(&[]);
    let through_a_pipe = |secret: &str| {
        let script = "printf %s \"$1\" | DATABASE_URL_FILE=/dev/stdin \"$0\" credits";
        let program = command.get_program().to_str().unwrap();
        Process::spawn(Command::new("sh").args(["-c", script, program, secret])).end()
    };

    through_a_pipe(&db.url()).assert_success();
    through_a_pipe("mysql://me:zq7@127.0.0.1/keyfob").assert_says("mysql").assert_one_sentence();
    top_up(&[("DATABASE_URL_FILE", "/dev/zero")], &[]).assert_says("/dev/zero is too long for a setting");
}

#[test]
fn a_file_without_one_line_is_refused_and_nothing_of_it_is_shown() {
    let folder = TempDir::new().unwrap();
    let long = "zq7".repeat(40_000);
    for (content, sentence) in [
        (&b""[..], "is empty; it must hold the value"),
        (b"\n", "is empty; it must hold the value"),
        (b"zq7\nwk9\n", "has more than one line; it must hold the value alone"),
        (b"zq7\n\n", "has more than one line"),
        (b"zq7\xff", "is not UTF-8 text"),
        (b"zq7\0wk9", "has a control character such as NUL; it must hold the value alone"),
        (b"zq7\twk9\n", "has a control character"),
        (long.as_bytes(), "is too long for a setting"),
    ] {
        let path = secret(&folder, content);
        for variable in ["DATABASE_URL_FILE", "KEYFOB_SMS_TRANSPORT_FILE"] {
            let ended = top_up(&[(variable, &path)], &[]).assert_says(sentence).assert_one_sentence();
            assert!(ended.stderr.contains(&format!("{variable}: {path} ")), "{ended:?}");
            assert!(!ended.stderr.contains("zq7"), "{ended:?}");
        }
    }
    let folder = folder.path().display().to_string();
    top_up(&[("DATABASE_URL_FILE", &folder)], &[]).assert_says("can't be read").assert_one_sentence();
}

#[test]
fn a_wrong_value_is_blamed_on_the_file_that_it_came_from_and_help_shows_no_secret() {
    let folder = TempDir::new().unwrap();
    let path = secret(&folder, b"smtp://me:zq7@127.0.0.1\n");
    let variables = [("KEYFOB_SMS_TRANSPORT_FILE", &*path), ("DATABASE_URL", "sqlite:/nowhere/keyfob.db")];

    let ended = top_up(&variables, &[]).assert_says("KEYFOB_SMS_TRANSPORT_FILE").assert_one_sentence();
    assert!(!ended.stderr.contains("zq7"), "{ended:?}");

    let mut help = keyfob(&["serve", "--help"]);
    let ended = Process::spawn(help.envs(variables)).end().assert_success();
    assert!(ended.stdout.contains("--sms-transport") && !ended.stdout.contains("zq7"), "{ended:?}");
}
