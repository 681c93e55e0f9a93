//! Settings that come from environment variables.

use std::process::Command;

use crate::support::{Database, Ended, Process, keyfob, run};

const ALL_VARIABLES: [&str; 10] = [
    "DATABASE_URL",
    "KEYFOB_LISTEN",
    "KEYFOB_METRICS_LISTEN",
    "KEYFOB_PUBLIC_URL",
    "KEYFOB_TRUSTED_PROXIES",
    "KEYFOB_SMS_TRANSPORT",
    "KEYFOB_OPENING_CREDITS",
    "KEYFOB_CALLBACK_ALLOW",
    "KEYFOB_LOG",
    "KEYFOB_LOG_FORMAT",
];

/// Serves with these variables, and stops as soon as it is up.
fn serve_with(variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let mut command = keyfob(arguments);
    command.envs(variables.iter().copied());
    serve_briefly(&mut command)
}

fn serve_briefly(command: &mut Command) -> Ended {
    let mut process = Process::spawn(command);
    process.wait_for("Open");
    process.signal("TERM");
    process.end().assert_success()
}

/// A start that these variables end.
#[track_caller]
fn assert_refused(variables: &[(&str, &str)], sentence: &str) {
    let mut command = keyfob(&["--database-url", "sqlite:/nowhere/keyfob.db", "--listen", "127.0.0.1:0"]);
    Process::spawn(command.envs(variables.iter().copied())).end().assert_says(sentence).assert_one_sentence();
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = keyfob(&[]);
    command.envs(ALL_VARIABLES.map(|name| (name, ""))).current_dir(folder.path());
    // The default port may be in use on this machine.
    command.args(["--listen", "127.0.0.1:0"]);

    let ended = serve_briefly(&mut command);

    assert!(ended.stdout.contains("database sqlite:keyfob.db (new)"), "{ended:?}");
    assert!(!ended.stderr.contains("does not know"), "{ended:?}");
}

#[test]
fn a_wrong_variable_is_named_where_the_value_came_from_it() {
    assert_refused(&[("KEYFOB_PUBLIC_URL", "keys.example.com/x")], "KEYFOB_PUBLIC_URL \"keys.example.com/x\" is not");
    assert_refused(&[("KEYFOB_TRUSTED_PROXIES", "proxy.lan")], "KEYFOB_TRUSTED_PROXIES: \"proxy.lan\" is neither");
    assert_refused(&[("KEYFOB_SMS_TRANSPORT", "pigeons")], "KEYFOB_SMS_TRANSPORT names neither");
    assert_refused(&[("KEYFOB_OPENING_CREDITS", "lots")], "invalid value 'lots' for KEYFOB_OPENING_CREDITS");
    let mut command = keyfob(&["--listen", "127.0.0.1:0"]);
    let ended = Process::spawn(command.env("DATABASE_URL", "keyfob.db")).end();
    ended.assert_says("DATABASE_URL: the database URL").assert_one_sentence();

    let ended = run(&["--listen", "127.0.0.1:0", "--public-url", "keys.example.com/x"], "");

    ended.assert_says("--public-url \"keys.example.com/x\" is not").assert_one_sentence();
}

#[test]
fn an_unknown_variable_of_keyfobs_is_warned_about() {
    let db = Database::sqlite();
    let variables = [("KEYFOB_PUBLIC_ULR", "https://keys.example.com"), ("OTHER_SETTING", "1")];

    let ended = serve_with(&variables, &["--listen", "127.0.0.1:0", "--database-url", &db.url()]);

    let warnings: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("does not know")).collect();
    assert_eq!(warnings.len(), 1, "{ended:?}");
    assert!(warnings[0].contains("KEYFOB_PUBLIC_ULR"), "{ended:?}");
}

#[test]
fn a_log_filter_that_would_silence_everything_is_refused() {
    let known = "there are error, warn, info, debug, trace and off";
    assert_refused(&[("KEYFOB_LOG", "verbose")], known);
    assert_refused(&[("KEYFOB_LOG", "keyfob=loud")], known);
    assert_refused(&[("KEYFOB_LOG", "json")], "for JSON write KEYFOB_LOG_FORMAT=json");
    assert_refused(&[("KEYFOB_LOG_FORMAT", "xml")], "KEYFOB_LOG_FORMAT is text or json");
}

#[test]
fn a_log_in_json_has_one_object_on_each_line() {
    let db = Database::sqlite();
    let variables = [("KEYFOB_LOG_FORMAT", "json"), ("KEYFOB_UNKNOWN", "1")];

    let ended = serve_with(&variables, &["--listen", "127.0.0.1:0", "--database-url", &db.url()]);

    let lines: Vec<serde_json::Value> = ended.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let warning = lines.iter().find(|line| line["variable"] == "KEYFOB_UNKNOWN").unwrap();
    assert_eq!((warning["level"].as_str(), warning["target"].as_str()), (Some("WARN"), Some("keyfob")));
    assert!(warning["message"].as_str().unwrap().contains("does not know"), "{warning}");
    assert!(warning["timestamp"].as_str().unwrap().ends_with('Z'), "{warning}");
    assert!(lines.iter().any(|line| line["message"] == "stopping: requests in progress may finish"), "{lines:?}");
}
