//! Keys and settings from a shell, beside a server that runs.

use std::time::Duration;

use keyfob::clock::Clock;
use serde_json::{Value, json};

use crate::support::{App, Database, Ended, Key, Process, keyfob, on_both_databases, run, time_until};

/// More than two pages of a list, and more than a pipe holds.
const MANY: usize = 450;

/// A server with an operator, at the same time of day as the commands.
fn server(db: &Database) -> App<'_> {
    App::start_set(db, |_| {}, Clock::System).with_operator()
}

#[track_caller]
fn command(db: &Database, arguments: &[&str]) -> Ended {
    run(&[arguments, &["--database-url", &db.url()]].concat(), "")
}

/// What a shell makes of a line in which `keyfob` and `$DATABASE_URL` stand.
#[track_caller]
fn shell(db: &Database, line: &str) -> Ended {
    let program = keyfob(&[]);
    let mut shell = std::process::Command::new("sh");
    let line = format!("keyfob() {{ \"$0\" \"$@\"; }}; {line}");
    shell.args(["-c", &line]).arg(program.get_program()).env("DATABASE_URL", db.url());
    Process::spawn(&mut shell).end()
}

/// Creates a key of SMS.
#[track_caller]
fn create(db: &Database, arguments: &[&str]) -> Ended {
    command(db, &[&["key", "create", "--service", "sms", "--name", "CI"], arguments].concat())
}

/// The objects that a command prints, one on each line.
fn objects(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn list(db: &Database, arguments: &[&str]) -> Vec<Value> {
    let ended = command(db, &[&["key", "list", "--json"], arguments].concat()).assert_success();
    objects(&ended)
}

#[track_caller]
fn names(db: &Database, arguments: &[&str]) -> Vec<String> {
    list(db, arguments).iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn show(db: &Database, id: &str) -> Value {
    let ended = command(db, &["key", "show", id, "--json"]).assert_success();
    objects(&ended).remove(0)
}

/// The key that a command printed, which is the only one there is.
#[track_caller]
fn only_key(db: &Database, ended: &Ended) -> Key {
    let keys = list(db, &[]);
    assert_eq!(keys.len(), 1, "{keys:?}");
    Key { id: keys[0]["id"].as_str().unwrap().to_owned(), secret: ended.stdout.trim_end().to_owned() }
}

/// The code with which a program ends that is called wrongly.
#[track_caller]
fn assert_usage(ended: &Ended) {
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert_eq!(ended.stdout, "");
}

on_both_databases! {
    fn a_key_that_a_shell_line_makes_is_valid_at_once_on_a_running_server(db: &Database) {
        let app = server(db);

        let ended = shell(db, "KEY=$(keyfob key create --service sms --name CI --expires-in 30d) && printf %s \"$KEY\"");

        let ended = ended.assert_success();
        let secret = ended.stdout.trim_end();
        assert!(secret.starts_with("sms_live_") && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{secret}");
        app.assert_verdict(secret, "VALID");
        let key = only_key(db, &ended);
        assert!(ended.stderr.contains(&key.id) && ended.stderr.contains(&format!("({})", db.url())), "{ended:?}");
        assert!(!ended.stderr.contains(&secret[9..]), "{ended:?}");
        let page = app.signed_in().get(&format!("/api-keys/{}", key.id)).assert_ok();
        assert!(!page.body.contains(&secret[9..]));
    }

    fn a_running_server_refuses_what_a_command_ended_within_a_second(db: &Database) {
        let app = server(db);
        let steps: [(&[&str], &str); 3] =
            [(&["disable"], "DISABLED"), (&["rotate", "--grace", "0s"], "EXPIRED"), (&["delete"], "NOT_FOUND")];

        for (arguments, code) in steps {
            let key = app.make_key("Project X");
            app.assert_verdict(&key.secret, "VALID");

            command(db, &[&["key"], arguments, &[&key.id]].concat()).assert_success();

            let lag = time_until(&app.url, &key.secret, code);
            assert!(lag < Duration::from_secs(1), "{code}: the server let the key in after {lag:?}");
        }
    }

    fn a_program_gets_a_new_key_and_a_new_secret_as_one_line_of_json(db: &Database) {
        let app = server(db);

        let created = objects(&create(db, &["--json"]).assert_success());
        let id = created[0]["id"].as_str().unwrap();
        let rotated = objects(&command(db, &["key", "rotate", id, "--json"]).assert_success());

        for made in [&created, &rotated] {
            assert_eq!((made.len(), &made[0]["key_id"], &made[0]["name"]), (1, &json!(id), &json!("CI")));
            app.assert_verdict(made[0]["key"].as_str().unwrap(), "VALID");
        }
        let known = show(db, id);
        assert_ne!(created[0]["key"], rotated[0]["key"]);
        assert_eq!(rotated[0]["secrets"], known["secrets"]);
        assert!(known.get("key").is_none() && known.get("key_id").is_none(), "{known}");
    }

    fn everything_that_is_asked_for_is_in_the_new_key(db: &Database) {
        let _app = server(db);

        let ended = create(db, &[
            "--mode", "test", "--description", "For the nightly run", "--scope", "messages.send", "--scope", "balance.read",
            "--allow-ip", "10.0.0.0/8", "--allow-ip", "::ffff:192.0.2.1", "--expires-at", "2099-02-28T12:00:00+02:00",
        ]).assert_success();

        let key = only_key(db, &ended);
        assert!(key.secret.starts_with("sms_test_"), "{ended:?}");
        let shown = show(db, &key.id);
        let secret = &shown["secrets"][0];
        let expected = json!({
            "id": key.id, "account_id": shown["account_id"], "service": "sms", "name": "CI",
            "description": "For the nightly run", "mode": "test", "status": "enabled", "status_reason": null,
            "mask": format!("sms_test_••••••{}", &key.secret[key.secret.len() - 4..]),
            "scopes": ["balance.read", "messages.send"], "allowed_ips": ["10.0.0.0/8", "192.0.2.1"],
            "expires_at": "2099-02-28T10:00:00.000000Z", "created_at": shown["created_at"], "created_by": null,
            "last_used_at": null, "version": 1, "external_id": null, "metadata": {},
            "secrets": [{"id": secret["id"], "tail": secret["tail"], "current": true, "ends_at": null,
                "last_used_at": null, "uses": 0}],
        });
        assert_eq!(shown, expected);
        assert_eq!(list(db, &[]), [expected]);
    }

    fn what_is_left_out_of_a_new_key_is_its_default(db: &Database) {
        let _app = server(db);
        let first = |arguments: &[&str]| {
            create(db, arguments).assert_success();
            list(db, &[]).remove(0)
        };

        let plain = first(&[]);
        assert_eq!((&plain["scopes"], &plain["allowed_ips"], &plain["expires_at"]), (&json!(["*"]), &json!([]), &json!(null)));
        assert_eq!(first(&["--no-scopes"])["scopes"], json!([]));
        assert_eq!(first(&["--expires-at", "2099-02-28"])["expires_at"], "2099-02-28T23:59:59.000000Z");
        command(db, &["setting", "set", "default_lifetime_days", "30"]).assert_success();
        assert_ne!(first(&[])["expires_at"], json!(null));
        assert_eq!(first(&["--expires-in", "never"])["expires_at"], json!(null));
    }

    fn a_key_that_is_refused_is_told_why_and_not_made(db: &Database) {
        let _app = server(db);
        let many: Vec<String> = (0..51).map(|n| format!("10.0.0.{n}")).collect();
        let allow = |count: usize| many[..count].iter().flat_map(|ip| ["--allow-ip", ip]).collect::<Vec<_>>();

        create(db, &allow(50)).assert_success();
        for (arguments, sentence) in [
            (&*allow(51), "50 is the most"),
            (&["--allow-ip", "10.0.0.5/8"], "Did you mean 10.0.0.0/8?"),
            (&["--allow-ip", ""], "--allow-ip is empty"),
            (&["--allow-ip", "10.0.0.1", "--allow-ip", " "], "--allow-ip is empty"),
            (&["--scope", "messages.delete"], "It has balance.read, messages.read, messages.send."),
            (&["--scope", ""], "is no scope"),
            (&["--expires-at", "2020-01-01T00:00:00Z"], "This moment has passed."),
            (&["--expires-at", "9999-12-31T23:59:59Z"], "more than 100 years away"),
            (&["--expires-in", "0s"], "This moment has passed."),
            (&["--expires-in", "101y"], "more than 100 years away"),
            (&["--description", &"x".repeat(501)], "500 is the most"),
        ] {
            assert_eq!(create(db, arguments).assert_says(sentence).assert_one_sentence().stdout, "");
        }
        let unknown = ["key", "create", "--service", "mail", "--name", "CI"];
        command(db, &unknown).assert_says("There is no service \"mail\"; those that there are: sms.").assert_one_sentence();
        for wrong in [
            &["--expires-in", "30"][..], &["--expires-in", "1.5h"], &["--expires-at", "2099-01-01T00:00:00"],
            &["--expires-at", "soon"], &["--expires-in", "1d", "--expires-at", "2099-01-01"], &["--mode", "both"],
            &["--scope", "messages.send", "--no-scopes"], &["--name"],
        ] {
            assert_usage(&create(db, wrong));
        }

        assert_eq!(db.count("api_keys"), 1);
    }

    fn the_maximum_lifetime_holds_for_keys_from_a_shell(db: &Database) {
        let _app = server(db);
        command(db, &["setting", "set", "max_lifetime_days", "30"]).assert_success();

        create(db, &["--expires-in", "30d"]).assert_success();
        create(db, &["--expires-in", "31d"]).assert_says("Keys last at most 30 days here.");
        create(db, &["--expires-in", "never"]).assert_says("Every key has to end after at most 30 days.");

        assert_eq!(db.count("api_keys"), 1);
    }

    fn a_new_key_that_can_not_be_printed_is_said_to_be_lost(db: &Database) {
        let app = server(db);

        let ended = shell(db, "keyfob key create --service sms --name CI > /dev/full");

        let ended = ended.assert_says("could not be printed and is lost").assert_one_sentence();
        assert!(ended.stderr.contains(list(db, &[])[0]["id"].as_str().unwrap()), "{ended:?}");
        drop(app);
    }

    fn a_list_is_filtered_and_shows_no_secret(db: &Database) {
        let app = db.app();
        app.add_service("mail", "Mail");
        let (off, on) = (app.make_key("Off"), app.make_key("On"));
        app.signed_in().switch(&off, "disabled");
        command(db, &["key", "create", "--service", "mail", "--name", "Post"]).assert_success();
        db.execute(&format!("UPDATE api_keys SET expires_at = 1 WHERE id = '{}'", on.id));

        assert_eq!(names(db, &[]), ["Post", "On", "Off"]);
        assert_eq!(names(db, &["--service", "sms"]), ["On", "Off"]);
        assert_eq!(names(db, &["--status", "disabled"]), ["Off"]);
        assert_eq!(names(db, &["--service", "sms", "--status", "enabled"]), ["On"]);
        assert_eq!(names(db, &["--expired"]), ["On"]);
        assert_eq!(names(db, &["--expired", "--status", "disabled"]), [""; 0]);
        let table = command(db, &["key", "list"]).assert_success().stdout;
        let place = |line: &str, word: &str| line.split(word).next().unwrap().chars().count();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4, "{table}");
        assert_eq!(place(lines[0], "STATUS"), place(lines[2], "enabled"), "{table}");
        assert_eq!(place(lines[0], "NAME"), place(lines[3], "Off"), "{table}");
        assert!(lines[2].contains("1970-01-01 00:00 expired"), "{table}");
        let shown = command(db, &["key", "show", &on.id]).assert_success();
        let json = command(db, &["key", "list", "--json"]);
        for output in [&table, &shown.stdout, &shown.stderr, &json.stdout, &json.stderr] {
            assert!(![&off, &on].iter().any(|key| output.contains(&key.secret[9..41])), "{output}");
        }
        command(db, &["key", "list", "--service", "post"]).assert_says("those that there are: sms, mail.");
        assert_usage(&command(db, &["key", "list", "--status", "off"]));
    }

    fn an_empty_list_is_empty_also_before_the_first_start(db: &Database) {
        let check = || {
            let ended = command(db, &["key", "list"]).assert_success();
            assert_eq!(ended.stdout, "");
            assert!(ended.stderr.contains("No keys."), "{ended:?}");
        };

        if !db.is_sqlite() {
            check();
        }
        drop(db.first_start());
        check();
    }

    fn a_list_of_many_pages_has_every_key_once_and_may_be_cut_short(db: &Database) {
        let app = server(db);
        let mut conn = db.conn();
        let mut made: Vec<String> = (0..MANY).map(|n| app.make_key_with(&mut conn, &format!("Key {n}")).id).collect();
        made.reverse();

        let listed: Vec<String> = list(db, &[]).iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect();
        let cut = shell(db, "{ keyfob key list --json; echo $? >&2; } | head -n 1").assert_success();

        assert_eq!(listed, made);
        assert_eq!(objects(&cut)[0]["id"], made[0]);
        assert_eq!(cut.stderr, "0\n");
    }

    fn a_key_is_switched_off_for_a_reason_and_on_again(db: &Database) {
        let app = server(db);
        let key = app.make_key("Project X");
        let disable = |arguments: &[&str]| command(db, &[&["key", "disable", &key.id], arguments].concat());
        let last_event = || db.ask("SELECT COALESCE(reason, '') || '|' || changes AS line FROM audit_events ORDER BY id").pop().unwrap();

        disable(&[]).assert_success();
        assert_eq!(show(db, &key.id)["status_reason"], json!(null));
        let said = disable(&["--reason", "unused", "--note", "Nobody asked for a year"]).assert_success().stdout;
        assert_eq!(said, format!("“Project X”, {}, is disabled. ({})\n", key.id, db.url()));
        assert_eq!(last_event(), r#"Nobody asked for a year|{"status_reason":[null,"unused"]}"#);
        disable(&["--reason", "compromised"]).assert_success();
        let shown = show(db, &key.id);
        assert_eq!((&shown["status"], &shown["status_reason"]), (&json!("disabled"), &json!("compromised")));
        disable(&[]).assert_success();
        assert_eq!(show(db, &key.id)["status_reason"], "compromised", "no reason is no other reason");
        disable(&["--note", "Found in a build log"]).assert_success();
        assert_eq!(last_event(), "Found in a build log|{}");
        assert_eq!(show(db, &key.id)["status_reason"], "compromised");

        for reason in ["holder", "leak_report", "because", ""] {
            assert_usage(&disable(&["--reason", reason]));
        }
        disable(&["--reason", "policy", "--note", &"x".repeat(201)]).assert_says("200 is the most");
        assert_eq!(show(db, &key.id)["status_reason"], "compromised");

        let said = command(db, &["key", "enable", &key.id]).assert_success().stdout;
        assert!(said.contains("is enabled. ("), "{said}");
        assert_eq!(show(db, &key.id)["status_reason"], json!(null));
        app.assert_verdict(&key.secret, "VALID");
    }

    fn who_switches_an_expired_key_on_is_told_that_it_stays_refused(db: &Database) {
        let app = server(db);
        let key = app.make_key("Project X");
        db.execute("UPDATE api_keys SET expires_at = 1, status = 'disabled'");

        let said = command(db, &["key", "enable", &key.id]).assert_success().stdout;

        assert!(said.contains("is enabled, but stays refused: it expired 1970-01-01 00:00 UTC."), "{said}");
        app.assert_verdict(&key.secret, "EXPIRED");
    }

    fn a_rotated_key_has_two_secrets_until_the_grace_is_over(db: &Database) {
        let app = server(db);
        let key = app.make_key("Project X");
        let rotate = |arguments: &[&str]| command(db, &[&["key", "rotate", &key.id], arguments].concat());

        let rotated = rotate(&[]).assert_success();

        let second = rotated.stdout.trim_end();
        assert!(rotated.stderr.contains("works until") && !rotated.stderr.contains(&second[9..]), "{rotated:?}");
        app.assert_verdict(&key.secret, "VALID");
        app.assert_verdict(second, "VALID");
        let secrets = show(db, &key.id)["secrets"].clone();
        let current: Vec<_> = secrets.as_array().unwrap().iter().map(|secret| secret["current"].as_bool()).collect();
        assert_eq!(current, [Some(true), Some(false)]);
        assert_eq!(secrets[0]["tail"], second[second.len() - 4..]);
        assert_eq!(rotate(&[]).assert_says("end it now with --end-previous").assert_one_sentence().stdout, "");
        assert_eq!(rotate(&["--grace", "31d"]).assert_says("at most 30 more days").stdout, "");
        assert_usage(&rotate(&["--grace", "24"]));

        command(db, &["key", "disable", &key.id]).assert_success();
        let of_disabled = rotate(&["--end-previous"]).assert_success();
        assert!(of_disabled.stderr.contains("The key is disabled, so that both are refused."), "{of_disabled:?}");
        command(db, &["key", "enable", &key.id]).assert_success();
        let second = of_disabled.stdout.trim_end();

        let third = rotate(&["--grace", "1h", "--end-previous"]).assert_success();
        app.assert_verdict(third.stdout.trim_end(), "VALID");
        app.assert_verdict(second, "VALID");
        let lag = time_until(&app.url, &key.secret, "EXPIRED");
        assert!(lag < Duration::from_secs(1), "the server let the old secret in after {lag:?}");
    }

    fn whoever_has_the_machine_may_change_the_keys_of_all_accounts(db: &Database) {
        let app = db.app();
        let theirs = app.another_account().create_key("Theirs");

        assert_eq!(names(db, &[]), [""; 0], "the list is of the first account");
        assert_eq!(show(db, &theirs.id)["name"], "Theirs");
        for arguments in [&["disable"][..], &["enable"], &["rotate", "--grace", "1h"], &["delete"]] {
            command(db, &[&["key"], arguments, &[&theirs.id]].concat()).assert_success();
        }
        assert_eq!(app.verify(&theirs.secret)["code"], "NOT_FOUND");
        command(db, &["key", "restore", &theirs.id]).assert_success();
        assert_eq!(show(db, &theirs.id)["name"], "Theirs");
    }

    fn a_key_that_there_is_not_is_told_and_nothing_is_changed(db: &Database) {
        let _app = server(db);
        let before = db.rows();

        let (unknown, secret) = ("key_01234567890123456789012345", "sms_live_LHkSaYUJRfLzGPCKDZqHuv8zJVFvpb5BTUuVbE");
        for id in [unknown, secret, "nonsense", ""] {
            for arguments in [&["show"][..], &["show", "--json"], &["disable"], &["enable"], &["rotate"], &["delete"]] {
                let ended = command(db, &[&["key"], arguments, &[id]].concat());
                let sentence = if id == unknown { "There is no key \"key_0" } else { "This is no key's id" };
                let ended = ended.assert_says(sentence).assert_one_sentence();
                assert_eq!(ended.stdout, "");
                assert!(!ended.stderr.contains(secret), "a key that is given for an id is not repeated");
            }
        }
        assert_eq!(db.rows(), before);
    }

    fn settings_are_listed_without_secrets_and_changed_by_name(db: &Database) {
        let _app = server(db);
        let values = || {
            let ended = command(db, &["setting", "list"]).assert_success();
            ended.stdout.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join("=")).collect::<Vec<_>>()
        };

        let defaults = [
            "default_lifetime_days=0",
            "max_lifetime_days=0",
            "instance_name=Keyfob",
            "second_factor_rule=nobody",
            "leak_reports=mark",
        ];
        assert_eq!(values(), defaults);
        let said = command(db, &["setting", "set", "max_lifetime_days", "90"]).assert_success().stdout;
        assert_eq!(said, format!("max_lifetime_days is 90 now. ({})\n", db.url()));
        command(db, &["setting", "set", "default_lifetime_days", "30"]).assert_success();
        command(db, &["setting", "set", "instance_name", "Acme"]).assert_success();
        let refused = [
            (["default_lifetime_days", "91"], "default_lifetime_days: No key may last longer than 90 days."),
            (["max_lifetime_days", "29"], "default_lifetime_days: No key may last longer than 29 days."),
            (["max_lifetime_days", "1y"], "max_lifetime_days: Use a whole number of days"),
            (["max_lifetime_days", " "], "max_lifetime_days: Write a number of days"),
            (["instance_name", ""], "instance_name: Write a name"),
            (["instance_name", "a\nb"], "instance_name: Name can't have line breaks"),
        ];
        for ([name, value], sentence) in refused {
            command(db, &["setting", "set", name, value]).assert_says(sentence).assert_one_sentence();
        }
        for secret in ["cookie_key", "setup_code", "nonsense"] {
            assert_usage(&command(db, &["setting", "set", secret, "1"]));
        }
        let changed = [
            "default_lifetime_days=30",
            "max_lifetime_days=90",
            "instance_name=Acme",
            "second_factor_rule=nobody",
            "leak_reports=mark",
        ];
        assert_eq!(values(), changed);
    }

    fn a_command_takes_the_servers_flags_and_does_not_mind_them(db: &Database) {
        let app = server(db);
        app.make_key("Project X");

        for line in [
            "keyfob --listen 127.0.0.1:0 key list --json",
            "keyfob key list --json --listen 127.0.0.1:0 --opening-credits 5",
            "KEYFOB_LISTEN=127.0.0.1:0 KEYFOB_METRICS_LISTEN= keyfob key --public-url https://keys.example.com list --json",
        ] {
            let ended = shell(db, line).assert_success();
            assert_eq!((objects(&ended).len(), &*ended.stderr), (1, ""), "{line}");
        }
    }
}

#[test]
fn help_shows_the_servers_flags_where_they_belong() {
    let help = |arguments: &[&str]| {
        let ended = Process::spawn(&mut keyfob(&[arguments, &["--help"]].concat())).end().assert_success();
        [ended.stdout.contains("--database-url"), ended.stdout.contains("--listen")]
    };

    for server in [&[][..], &["serve"]] {
        assert_eq!(help(server), [true, true], "{server:?}");
    }
    for other in
        [&["key", "create"][..], &["key"], &["setting", "set"], &["operator", "add"], &["backup"], &["credits", "add"]]
    {
        assert_eq!(help(other), [true, false], "{other:?}");
    }
}
