//! The outlines of `docs/importing-keys.md`, run as they stand there.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use keyfob::clock::Clock;
use serde_json::json;

use crate::support::{App, Database, on_both_databases, run};

const KEY: &str = "pk-0123456789abcdefghijklmn";

/// The block in a language that holds these words.
fn outline(language: &str, words: &str) -> &'static str {
    let blocks = include_str!("../../docs/importing-keys.md").split("```").skip(1).step_by(2);
    let mut found = blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'));
    found.find(|block| block.contains(words)).unwrap()
}

#[track_caller]
fn printed(program: &mut Command) -> String {
    let output = program.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Imports what an outline printed, and tells what each key has then.
#[track_caller]
fn imported(db: &Database, folder: &Path, lines: &str, count: usize) -> Vec<String> {
    let file = folder.join("keys.jsonl");
    fs::write(&file, lines).unwrap();
    let ended = run(&["key", "import", &file.display().to_string(), "--database-url", &db.url()], "").assert_success();
    assert!(ended.stdout.starts_with(&format!("{count} lines: {count} made, 0 existed, 0 refused")), "{ended:?}");
    db.ask("SELECT name || '|' || external_id || '|' || status AS line FROM api_keys ORDER BY external_id")
}

fn server(db: &Database) -> App<'_> {
    App::start_set(db, |_| {}, Clock::System).with_operator()
}

on_both_databases! {
    fn keys_in_plain_text_are_digested_by_the_program_and_open_afterwards(db: &Database) {
        let (app, folder) = (server(db), tempfile::tempdir().unwrap());
        let rows = format!("token,name,customer\r\n{KEY},\"Shop, \"\"Prague\"\"\",c1\r\n short-one ,Žižkov,c2\r\n");
        fs::write(folder.path().join("tokens.csv"), rows).unwrap();

        let lines = printed(Command::new("python3").args(["-c", outline("python", "tokens.csv")]).current_dir(folder.path()));

        assert!(!lines.contains(KEY) && !lines.contains("short-one"), "{lines}");
        assert_eq!(imported(db, folder.path(), &lines, 2), ["Shop, \"Prague\"|c1|enabled", "Žižkov|c2|enabled"]);
        for secret in [KEY, "short-one"] {
            let question = json!({"key": secret, "service": "sms"}).to_string();
            let ask = || app.anonymous().post_json("/v1/keys/verify", question.clone()).assert_ok().json();
            // A running server learns within a second what a command has imported.
            let began = Instant::now();
            while ask()["code"] != "VALID" {
                assert!(began.elapsed() < Duration::from_secs(30), "{secret}: {}", ask());
                thread::yield_now();
            }
        }
    }
}

#[test]
fn a_table_of_digests_is_written_by_the_query_wherever_its_server_is() {
    let db = Database::postgres();
    let (_app, folder) = (server(&db), tempfile::tempdir().unwrap());
    db.execute(
        "CREATE TABLE api_tokens (id bigint, name text, token_sha256 bytea, customer_id bigint, revoked_at timestamptz, \
         expires_at timestamptz, created_at timestamptz); \
         INSERT INTO api_tokens VALUES \
         (1, 'Shop \"Žižkov\"', sha256('first'), 1, NULL, NULL, '2024-02-29 12:00:00.5Z'), \
         (2, 'Off', sha256('second'), 2, '2025-01-01Z', '2090-12-31 20:00:00Z', '2024-03-01Z')",
    );

    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--no-align", "--tuples-only", "--command", outline("sql", "api_tokens"), &db.url()]);
    psql.env("PGTZ", "Asia/Tokyo");
    let lines = printed(&mut psql);

    assert_eq!(imported(&db, folder.path(), &lines, 2), ["Shop \"Žižkov\"|1|enabled", "Off|2|disabled"]);
    let times = "SELECT created_at::text || '|' || COALESCE(expires_at::text, 'never') AS line FROM api_keys ORDER BY external_id";
    assert_eq!(db.ask(times), ["1709208000000000|never", "1709251200000000|3818433600000000"]);
}
