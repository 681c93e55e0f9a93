//! Which passwords are taken: by length, and never by which characters
//! (NIST SP 800-63B-4 §3.1.1.2), however they are set.

use crate::support::{App, Database, EMAIL, Ended, PASSWORD, Wire, form, on_both_databases, run};

/// A thousand characters of four bytes each.
fn longest(step: u32) -> String {
    (0..1000).filter_map(|n| char::from_u32(0x1f300 + n * step % 700)).collect()
}

/// What is taken, shortest first; the last ones are as long as any may be.
fn fine() -> Vec<String> {
    vec![
        "xq7tz9wkjvpm2rc".to_owned(),
        "  quince marmalade  ".to_owned(),
        "žluťoučký kůň pěl".to_owned(),
        "🦀🐎🔋📎🚲🥕🎈🧭🪁🛶🧶🪕🌵🧂🗿".to_owned(),
        "correct horse battery staple of plain words".repeat(2)[..64].to_owned(),
        format!("quince\0marmalade\u{7f}{}", "x".repeat(900)),
        "correct horse battery ".repeat(46)[..1000].to_owned(),
        longest(7919),
        longest(7907),
    ]
}

/// What is refused, with words of the reason.
fn refused() -> Vec<(String, &'static str)> {
    let common = "password is too common";
    vec![
        (String::new(), "this has 0"),
        ("xq7tz9wkjvpm2r".to_owned(), "Use at least 15 characters; this has 14"),
        // Counted in characters: these are 56 bytes.
        ("🪕🌵🗿🛶".repeat(3) + "🪁🧶", "this has 14"),
        ("x".repeat(1001), "Use at most 1000 characters"),
        ("passwordpassword".to_owned(), common),
        ("123456789012345".to_owned(), common),
        ("qwertyuiopasdfghjkl".to_owned(), common),
        (" ".repeat(40), common),
        ("keyfobkeyfobkeyfob".to_owned(), common),
        ("Keyfob API keys 1".to_owned(), common),
        (EMAIL.to_owned(), common),
        ("AdaAdaAdaAdaAdaAda".to_owned(), common),
    ]
}

fn set_up<'db>(db: &'db Database, password: &str) -> (App<'db>, crate::support::Answer) {
    let app = App::start(db);
    let code = app.setup_code.clone().unwrap();
    let fields = [("code", &*code), ("name", "Ada"), ("email", EMAIL), ("password", password)];
    let answer = app.anonymous().post("/setup", &fields);
    (app, answer)
}

#[track_caller]
fn change(db: &Database, password: &str) -> Ended {
    run(&["operator", "password", EMAIL, "--database-url", &db.url()], password)
}

/// It is what logs in, from its first character to its last.
#[track_caller]
fn assert_is_the_password(app: &App, password: &str) {
    let login = |password: &str| app.anonymous().post("/login", &[("email", EMAIL), ("password", password)]);
    app.clock.advance(60 * 60);
    login(password).assert_status(303);
    let (last, _) = password.char_indices().next_back().unwrap();
    login(&password[..last]).assert_status(401);
    login(&format!("{}~", &password[..last])).assert_status(401);
}

on_both_databases! {
    fn a_password_is_the_same_however_a_keyboard_or_an_editor_writes_it(db: &Database) {
        let app = db.app();

        change(db, "\u{feff}gru\u{308}ne Pferde ziehen").assert_success();

        for typed in ["gr\u{fc}ne Pferde ziehen", "gru\u{308}ne Pferde ziehen"] {
            app.anonymous().log_in(EMAIL, typed);
        }
        app.anonymous().post("/login", &[("email", EMAIL), ("password", "grune Pferde ziehen")]).assert_status(401);
    }

    fn any_password_of_15_to_1000_characters_is_taken_whole_in_the_settings(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let mut current = PASSWORD.to_owned();

        for new in fine() {
            app.clock.advance(60 * 60);
            let fields = [("current_password", &*current), ("new_password", &*new)];
            let status = client.post("/settings/password", &fields).status;
            assert_eq!(status, 303, "{new:?} after {current:?}");
            assert_is_the_password(&app, &new);
            current = new;
        }
    }

    fn a_short_long_or_common_password_is_refused_in_the_settings(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let before = db.rows()["operator_passwords"].clone();

        for (password, reason) in refused() {
            app.clock.advance(60);
            let fields = [("current_password", PASSWORD), ("new_password", &*password)];
            let page = client.post("/settings/password", &fields).assert_status(422).page();
            assert!(page.text("#new-password-error").contains(reason), "{password:?}");
        }
        assert_eq!(db.rows()["operator_passwords"], before);
    }
}

#[test]
fn any_password_of_15_to_1000_characters_is_taken_whole_at_the_setup() {
    for password in fine() {
        let db = Database::sqlite();
        let (app, answer) = set_up(&db, &password);
        answer.assert_leads_to("/api-keys");
        assert_is_the_password(&app, &password);
    }
}

#[test]
fn a_short_long_or_common_password_is_refused_at_the_setup() {
    let db = Database::sqlite();
    for (password, reason) in refused() {
        let (_app, answer) = set_up(&db, &password);
        let page = answer.assert_status(422).page();
        assert!(page.text("#password-error").contains(reason), "{password:?}");
    }
    assert_eq!(db.count("operators"), 0);
}

#[test]
fn any_password_of_15_to_1000_characters_is_taken_whole_on_the_command_line() {
    let db = Database::sqlite();
    let app = db.app();
    for password in fine() {
        change(&db, &password).assert_success();
        assert_is_the_password(&app, &password);
    }
}

#[test]
fn a_short_long_or_common_password_is_refused_on_the_command_line() {
    let db = Database::sqlite();
    let app = db.app();
    for (password, reason) in refused() {
        change(&db, &password).assert_says(reason);
    }
    app.signed_in();
}

#[test]
fn a_mebibyte_of_password_is_refused_everywhere_before_it_is_read() {
    let db = Database::sqlite();
    let app = db.first_start();
    let mebibyte = "x".repeat(1 << 20);

    for path in ["/setup", "/login", "/settings/password"] {
        let fields = [("code", "x"), ("name", "Ada"), ("email", EMAIL), ("password", &*mebibyte)];
        let body = form(&[&fields[..], &[("current_password", PASSWORD), ("new_password", &*mebibyte)]].concat());
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let whole = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        let chunked = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\n{kind}\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n{}\r\n",
            &body[..0x10000]
        );
        for start in [whole, chunked] {
            let head = Wire::to(&app.url).send(start.as_bytes()).read_head();
            let is_refused =
                head.starts_with("HTTP/1.1 413") || (path.starts_with("/settings") && head.contains(" 303 "));
            assert!(is_refused, "{path}: {head}");
        }
    }
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], &mebibyte)
        .assert_says("Use at most 1000 characters");

    assert_eq!(db.count("operators"), 0);
}
