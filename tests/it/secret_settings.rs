//! Settings that may hold a password: no part of it is shown, whatever it consists of.

use clap::Parser;
use keyfob::config::{Config, Settings};

use crate::support::{Database, Process, keyfob};

/// What has a meaning in URLs, raw, and what ends a line or a word.
const SPECIAL: [&str; 16] = ["@", ":", "/", "?", "#", "%", "&", "=", "[", "]", "\\", "\"", " ", "+", ";", "@h/?#%"];

/// The two parts of each password, which no message may have.
const PARTS: [&str; 2] = ["zq7", "wk9"];

#[derive(Parser)]
struct OnlySettings {
    #[command(flatten)]
    settings: Settings,
}

/// Each setting as it is written with a password, and its variable.
fn settings(password: &str) -> Vec<(&'static str, &'static str, String)> {
    let databases = [
        format!("postgres://me:{password}@127.0.0.1:1/keyfob"),
        format!("postgres://me@127.0.0.1:1/keyfob?password={password}"),
        format!("postgres://127.0.0.1:1/keyfob?user=me&sslpassword={password}&connect_timeout=1"),
        format!("postgresql:me:{password}@127.0.0.1/keyfob"),
        format!("mysql://me:{password}@127.0.0.1/keyfob"),
        format!("host=127.0.0.1 user=me password={password} dbname=keyfob"),
        format!(" postgres://me:{password}@127.0.0.1/keyfob"),
    ];
    let carriers = [
        format!("smpp://me:{password}@127.0.0.1:1"),
        format!("smpps://me:{password}@127.0.0.1:1?window=0"),
        format!("smtp://me:{password}@127.0.0.1:1"),
        format!("smpp:me:{password}@127.0.0.1"),
        format!("twilio://ACme:{password}@127.0.0.1:1?from=Shop"),
        format!("twilio+http://ACme:{password}@127.0.0.1:1?from=Shop&rate=0"),
        format!("http-preset://telnyx?api_key={password}&from=Shop"),
        format!("http-preset://46elks?username=me&password={password}"),
    ];
    let origins = [format!("https://me:{password}@keys.example.com")];
    let addresses = [format!("me:{password}@127.0.0.1:8080")];
    let all = |flag, variable, texts: Vec<String>| texts.into_iter().map(move |text| (flag, variable, text));
    all("--database-url", "DATABASE_URL", databases.into())
        .chain(all("--sms-transport", "KEYFOB_SMS_TRANSPORT", carriers.into()))
        .chain(all("--public-url", "KEYFOB_PUBLIC_URL", origins.into()))
        .chain(all("--listen", "KEYFOB_LISTEN", addresses.clone().into()))
        .chain(all("--metrics-listen", "KEYFOB_METRICS_LISTEN", addresses.into()))
        .collect()
}

#[track_caller]
fn assert_hidden(shown: &str, setting: &str) {
    for part in PARTS {
        assert!(!shown.contains(part), "{setting} is shown: {shown}");
    }
}

#[test]
fn no_message_about_a_setting_shows_a_part_of_a_password() {
    for special in SPECIAL {
        for (flag, _, setting) in settings(&PARTS.join(special)) {
            let settings = OnlySettings::try_parse_from(["keyfob", flag, &setting]).unwrap().settings;
            let (database, carrier) = (&settings.database_url, &settings.sms_transport);
            assert_hidden(&format!("{database} {database:?} {carrier} {carrier:?}"), flag);
            match Config::parse(&settings) {
                Ok(config) => assert_hidden(&format!("{config:?} {}", config.database_url), flag),
                Err(problems) => assert_hidden(&problems.join(" "), flag),
            }
        }
    }
}

/// One start for each kind of setting and character would take long; what is refused
/// before anything is opened is held against the parser, and one of each is started.
#[test]
fn no_start_shows_a_part_of_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("keyfob.db").display());
    for special in ["@", "/", "?", "%"] {
        for (flag, variable, setting) in settings(&PARTS.join(special)) {
            let mut command = keyfob(&["credits", "--wait-for-database", "0"]);
            command.env("DATABASE_URL", &file).env(variable, &setting).env("KEYFOB_LOG", "trace");
            let ended = Process::spawn(&mut command).end();
            assert_hidden(&format!("{}{}", ended.stdout, ended.stderr), flag);
        }
    }
}

#[test]
fn a_password_of_special_characters_works_when_it_is_written_as_the_message_says() {
    let db = Database::postgres().empty();
    let role = format!("keyfob_{}", db.url().rsplit('/').next().unwrap().replace('-', "_"));
    db.execute(&format!("CREATE ROLE \"{role}\" SUPERUSER LOGIN PASSWORD 'zq7@:/?#%wk9'"));
    let server = db.url().rsplit_once('@').unwrap().1.to_owned();
    let url = format!("postgres://{role}:zq7%40%3A%2F%3F%23%25wk9@{server}");

    let mut process = Process::spawn(&mut keyfob(&["--listen", "127.0.0.1:0", "--database-url", &url]));
    process.wait_for("Open");
    process.signal("TERM");
    let ended = process.end().assert_success();
    db.execute(&format!(
        "REASSIGN OWNED BY \"{role}\" TO CURRENT_USER; DROP OWNED BY \"{role}\"; DROP ROLE \"{role}\""
    ));

    assert!(ended.stdout.contains(&format!("database postgres://{role}@{server} (new)")), "{ended:?}");
    assert_hidden(&format!("{}{}", ended.stdout, ended.stderr), "--database-url");
}
