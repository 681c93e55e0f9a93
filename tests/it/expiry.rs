//! When keys end: chosen in the form and on the key's page, under the rules of the installation.

use std::sync::atomic::Ordering;
use std::thread;

use diesel::connection::SimpleConnection;
use keyfob::clock::Clock;
use keyfob::domain::api_key::days_after;
use keyfob::store::UtcTime;

use crate::support::{Answer, App, Client, Database, Key, Process, keyfob, on_both_databases};

const DAY: i64 = 86_400;

/// The moment in microseconds at which a day such as `2026-03-08` ends in UTC.
fn end_of(day: &str) -> i64 {
    let date = time::Date::parse(day, time::macros::format_description!("[year]-[month]-[day]")).unwrap();
    date.with_hms(23, 59, 59).unwrap().assume_utc().unix_timestamp() * 1_000_000
}

/// Makes a key with this end in the form.
fn create(client: &Client, ends: &str, day: &str) -> Answer {
    let fields =
        [("key_id", &*client.form_id()), ("service", "sms"), ("name", "Project X"), ("ends", ends), ("ends_on", day)];
    client.post("/api-keys", &fields)
}

fn page(key: &Key) -> String {
    format!("/api-keys/{}", key.id)
}

fn change(client: &Client, key: &Key, ends: &str, day: &str) -> Answer {
    client.post(&format!("{}/expiry", page(key)), &[("ends", ends), ("ends_on", day)])
}

fn save_lifetimes(client: &Client, default: &str, max: &str) -> Answer {
    client.post("/settings/instance", &[("default_lifetime_days", default), ("max_lifetime_days", max)])
}

/// The ends of all keys in microseconds, oldest key first.
fn ends(db: &Database) -> Vec<String> {
    db.ask("SELECT coalesce(CAST(expires_at AS TEXT), 'never') AS line FROM api_keys ORDER BY created_at, id")
}

fn stand_at(app: &App, micros: i64) {
    let Clock::Set(now) = &app.clock else { panic!("the clock runs") };
    now.store(micros, Ordering::SeqCst);
}

/// What a change of a key or of other instances' memories would leave.
fn news(db: &Database) -> Vec<Vec<String>> {
    let rows = db.rows();
    ["api_keys", "api_key_changes", "revisions", "audit_events"].map(|table| rows[table].clone()).to_vec()
}

on_both_databases! {
    fn a_key_never_ends_unless_an_end_is_chosen(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        let form = client.get("/api-keys/new").page();
        client.create_key("Project X");

        assert_eq!(form.texts("select[name=ends] option"), [
            "Never",
            "7 days (until 8 Mar 2026)",
            "30 days (until 31 Mar 2026)",
            "90 days (until 30 May 2026)",
            "180 days (until 28 Aug 2026)",
            "1 year (until 1 Mar 2027)",
            "On a date",
        ]);
        assert_eq!(form.text("select[name=ends] option[selected]"), "Never");
        assert_eq!(form.text("summary"), "More options");
        assert_eq!(ends(db), ["never"]);
        let page = client.get("/api-keys").page();
        assert!(!page.has(".key-ends") && !page.has(".tag--end"));
    }

    fn a_day_means_its_end_in_utc(db: &Database) {
        let app = db.app();
        let client = app.signed_in();

        create(&client, "7", "").assert_ok();
        app.clock.advance(1);
        create(&client, "date", "2028-02-29").assert_ok();

        assert_eq!(ends(db), [end_of("2026-03-08").to_string(), end_of("2028-02-29").to_string()]);
    }

    fn a_form_that_is_sent_after_midnight_keeps_the_day_that_it_showed(db: &Database) {
        let app = db.app();
        app.clock.advance(12 * 3_600 - 60);
        let client = app.signed_in();
        let form = client.get("/api-keys/new").page();
        let month = form.attr("select[name=ends] option:nth-of-type(3)", "value");

        app.clock.advance(120);
        create(&client, &month, "").assert_ok();

        assert_eq!(form.text("select[name=ends] option:nth-of-type(3)"), "30 days (until 31 Mar 2026)");
        assert_eq!(ends(db), [end_of("2026-03-31").to_string()]);
        let nameless = [("key_id", &*client.form_id()), ("service", "sms"), ("name", ""), ("ends", &month)];
        let again = client.post("/api-keys", &nameless).assert_status(422).page();
        assert_eq!(again.text("select[name=ends] option[selected]"), "On a date");
        assert_eq!(again.field("ends_on"), "2026-03-31");
    }

    fn an_end_that_can_not_be_is_told_at_its_field_and_nothing_is_saved(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = app.make_key("Project X");
        let before = news(db);
        let wrong = [("date", ""), ("date", "2026-02-28"), ("date", "2027-02-29"), ("date", "9999-12-31"), ("0", ""), ("soon", "")];

        for (ends, day) in wrong {
            let form = create(&client, ends, day).assert_status(422).page();
            assert!(!form.text("#api-key-ends-error").is_empty(), "{ends} {day}");
            assert_eq!(form.attr("#api-key-ends", "aria-invalid"), "true");
            assert_eq!((form.field("name"), form.field("ends_on")), ("Project X".to_owned(), day.to_owned()));
            assert!(form.has("details[open] select[autofocus]"), "the fold hides the message");
            let page = change(&client, &key, ends, day).assert_status(422).page();
            assert_eq!(page.text("#key-ends-error"), form.text("#api-key-ends-error"));
            assert_eq!(page.field("ends_on"), day);
        }
        assert!(!change(&client, &key, "", "").assert_status(422).page().text("#key-ends-error").is_empty());
        assert_eq!(news(db), before);
    }

    fn a_default_is_preselected_and_said_and_another_end_may_be_chosen(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        save_lifetimes(&client, "90", "").assert_leads_to("/settings/instance");

        let form = client.get("/api-keys/new").page();
        client.create_key("By default");
        app.clock.advance(1);
        create(&client, "never", "").assert_ok();

        assert_eq!(form.text("summary"), "More options · ends 30 May 2026");
        assert_eq!(form.text("select[name=ends] option[selected]"), "90 days (until 30 May 2026)");
        assert!(!form.has("details[open]"), "nobody has chosen anything yet");
        assert_eq!(ends(db), [end_of("2026-05-30").to_string(), "never".to_owned()]);
    }

    fn under_a_maximum_no_later_end_and_no_never_can_be_chosen(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = app.make_key("Older");
        save_lifetimes(&client, "", "45").assert_status(303);

        let form = client.get("/api-keys/new").page();
        let of_the_key = client.get(&page(&key)).page();

        let offered = ["2026-03-08", "2026-03-31", "2026-04-15", "date"];
        assert_eq!(form.attrs("select[name=ends] option", "value"), offered);
        assert_eq!(form.text("select[name=ends] option[selected]"), "45 days (until 15 Apr 2026)");
        assert_eq!(form.attr("input[name=ends_on]", "max"), "2026-04-15");
        assert_eq!(of_the_key.attrs("select[name=ends] option", "value"), [&["keep"][..], &offered].concat());
        assert_eq!(of_the_key.text("select[name=ends] option[selected]"), "As it is: never");
        change(&client, &key, "keep", "").assert_leads_to(&page(&key));
        assert_eq!(ends(db), ["never"]);
        change(&client, &key, "date", "2026-04-15").assert_leads_to(&page(&key));
        for (ends, day) in [("never", ""), ("90", ""), ("46", ""), ("date", "2026-04-16")] {
            create(&client, ends, day).assert_status(422);
            change(&client, &key, ends, day).assert_status(422);
        }
        app.clock.advance(1);
        create(&client, "45", "").assert_ok();
        app.clock.advance(1);
        client.create_key("Nobody chose");
        assert_eq!(ends(db), [end_of("2026-04-15").to_string(), end_of("2026-04-15").to_string(), end_of("2026-04-15").to_string()]);
    }

    fn a_key_ends_at_the_moment_itself_on_every_instance_without_a_write(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        change(&client, &key, "7", "").assert_status(303);
        let end = end_of("2026-03-08");
        stand_at(&app, end - 1);
        for instance in [&app, &other] {
            instance.assert_verdict(&key.secret, "VALID");
        }
        let before = news(db);

        stand_at(&app, end);

        let cold = app.another_instance();
        for instance in [&app, &other, &cold] {
            instance.assert_verdict(&key.secret, "EXPIRED");
        }
        assert_eq!(news(db), before);
    }

    fn a_later_end_opens_an_expired_key_on_the_next_request_and_the_log_says_who_did_it(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        change(&app.signed_in(), &key, "7", "").assert_status(303);
        app.clock.advance(10 * DAY);
        app.assert_verdict(&key.secret, "EXPIRED");
        let client = app.signed_in();
        let expired = client.get(&page(&key)).page();
        assert_eq!(expired.text("option[value=keep]"), "As it is: ended 8 Mar 2026, 23:59 UTC");

        change(&client, &key, "30", "").assert_leads_to(&page(&key));

        app.assert_verdict(&key.secret, "VALID");
        let shown = client.get(&page(&key)).page();
        assert_eq!(shown.toasts(), ["Success. “Project X” ends 10 Apr 2026, 23:59 UTC."]);
        assert!(shown.texts(".facts dd").contains(&"10 Apr 2026, 23:59 UTC, in 30 days".to_owned()));
        let last = "SELECT actor_name || ' ' || action || ' ' || changes AS line FROM audit_events ORDER BY id";
        let changes = r#"{"expires_at":["2026-03-08T23:59:59.000000Z","2026-04-10T23:59:59.000000Z"]}"#;
        assert_eq!(db.ask(last).pop().unwrap(), format!("Ada api_key.expiry_changed {changes}"));
        change(&client, &key, "never", "").assert_status(303);
        assert_eq!(client.get(&page(&key)).page().toasts(), ["Success. “Project X” never ends."]);
    }

    fn an_expired_key_that_is_switched_on_stays_expired_and_that_is_said(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        change(&app.signed_in(), &key, "7", "").assert_status(303);
        app.clock.advance(11 * DAY);
        let client = app.signed_in();

        client.switch(&key, "disabled");
        assert_eq!(client.get("/api-keys").page().toasts(), ["“Project X” is disabled."]);
        client.switch(&key, "enabled");

        assert_eq!(client.get("/api-keys").page().toasts(), ["“Project X” is enabled, but it ended 3 days ago."]);
        app.assert_verdict(&key.secret, "EXPIRED");
    }

    fn the_list_says_which_keys_end_soon_and_which_have_ended(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        for (name, ends) in [("Week", "7"), ("Month", "30"), ("Quarter", "90"), ("Off", "7")] {
            let key = app.make_key(name);
            change(&client, &key, ends, "").assert_status(303);
            if name == "Off" {
                client.switch(&key, "disabled");
            }
        }
        let theirs = app.another_account();
        create(&theirs, "7", "").assert_ok();
        let seen_after = |days: i64| {
            app.clock.advance(days * DAY);
            app.signed_in().get("/api-keys").page()
        };

        let now = seen_after(0);
        assert!(!now.has(".key-ends"), "7 days and some hours are more than 7 days");
        let mut badges = now.texts(".tag--end");
        badges.sort();
        assert_eq!(badges, ["Expires in 7 days", "Expires in 7 days"], "30 days and some hours are more than 30 days");

        let later = seen_after(1);
        assert_eq!(later.texts(".key-ends p"), ["1 key ends within 7 days: Week"]);
        assert_eq!(later.texts(".tag--end").iter().filter(|badge| *badge == "Expires in 29 days").count(), 1);

        let ended = seen_after(9);
        assert_eq!(ended.texts(".key-ends p"), ["1 key ended in the last 7 days: Week"]);
        assert_eq!(ended.texts(".tag--ended"), ["Expired 2 days ago", "Expired 2 days ago"]);

        let both_over = seen_after(14);
        assert_eq!(both_over.texts(".key-ends p"), ["1 key ends within 7 days: Month"]);
        assert!(both_over.attr(".key-ends a", "href").starts_with("/api-keys/key_"));
    }

    fn of_many_keys_that_end_soon_the_first_are_named_and_all_are_counted(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        for number in 0..7 {
            change(&client, &app.make_key(&format!("Key {number}")), "7", "").assert_status(303);
        }
        app.clock.advance(DAY);

        let banner = app.signed_in().get("/api-keys").page();

        assert!(banner.text(".key-ends p").starts_with("7 keys end within 7 days: Key"));
        assert!(banner.text(".key-ends p").ends_with("and 2 more"));
        assert_eq!(banner.texts(".key-ends a").len(), 5);
    }

    fn a_lower_maximum_ends_nothing_and_the_keys_beyond_it_are_shortened_when_asked(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let [never, late, early] = ["Never", "Late", "Early"].map(|name| app.make_key(name));
        change(&client, &late, "90", "").assert_status(303);
        change(&client, &early, "7", "").assert_status(303);
        app.another_account().create_key("Theirs");
        assert!(!client.get("/settings/instance").page().has("#shortening"));
        client.get("/settings/instance/shortening").assert_status(404);

        save_lifetimes(&client, "", "30").assert_status(303);

        app.assert_verdict(&never.secret, "VALID");
        let settings = client.get("/settings/instance").page();
        assert_eq!(settings.text("#shortening .form > p:first-child"), "3 keys end later than the maximum allows, or never.");
        let question = client.get("/settings/instance/shortening").page();
        assert_eq!(question.text("h1"), "Shorten 3 keys?");
        assert!(question.text("main").contains("They will end on 31 Mar 2026, 23:59 UTC."));
        assert!(!client.htmx("a").get("/settings/instance/shortening").assert_ok().body.contains("<html"));
        let (before, fields) = (db.count("audit_events"), [("total", &*question.field("total")), ("end", &*question.field("end"))]);
        client.post("/settings/instance/shortening", &fields).assert_leads_to("/settings/instance");

        let shown = client.get("/settings/instance").page();
        assert_eq!((shown.toasts(), shown.has("#shortening")), (vec!["Success. 3 keys shortened.".to_owned()], false));
        let of = |key: &Key| db.ask(&format!("SELECT CAST(expires_at AS TEXT) AS line FROM api_keys WHERE id = '{}'", key.id));
        for (key, day) in [(&never, "2026-03-31"), (&late, "2026-03-31"), (&early, "2026-03-08")] {
            assert_eq!(of(key), [end_of(day).to_string()]);
        }
        assert_eq!(db.count("audit_events") - before, 3);
        app.clock.advance(31 * DAY);
        app.assert_verdict(&never.secret, "EXPIRED");
    }

    fn a_key_that_gets_an_earlier_end_while_keys_are_shortened_keeps_it(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let [early, late] = ["Early", "Late"].map(|name| app.make_key(name));
        save_lifetimes(&client, "", "30").assert_status(303);
        let question = client.get("/settings/instance/shortening").page();
        let fields = ["total", "end"].map(|name| (name, question.field(name)));
        let earlier = end_of("2026-03-08");
        let mut conn = db.conn();
        conn.batch_execute(&format!("BEGIN; UPDATE api_keys SET expires_at = {earlier} WHERE id = '{}'", early.id)).unwrap();

        thread::scope(|all| {
            let shorten = all.spawn(|| {
                client.post("/settings/instance/shortening", &fields.each_ref().map(|(name, value)| (*name, &**value)))
            });
            db.wait_for_a_lock(&shorten);
            conn.batch_execute("COMMIT").unwrap();
            shorten.join().unwrap();
        });

        let of = |key: &Key| db.ask(&format!("SELECT COALESCE(CAST(expires_at AS TEXT), '') AS line FROM api_keys WHERE id = '{}'", key.id));
        assert_eq!(of(&early), [earlier.to_string()]);
        // On SQLite the change comes first, and the question is asked again.
        let shortened = end_of("2026-03-31").to_string();
        assert_eq!(of(&late), [if db.is_sqlite() { String::new() } else { shortened }]);
    }

    fn of_very_many_keys_a_thousand_are_shortened_at_once(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.make_key("First");
        let columns = "account_id, service, mode, name, description, status, created_by, created_at, version, scopes, allowed_ips";
        db.execute(&format!(
            "INSERT INTO api_keys (id, {columns}) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) \
             SELECT substr(id, 1, 25) || CAST(10000 + i AS TEXT), {columns} FROM api_keys, n"
        ));
        save_lifetimes(&client, "", "30").assert_status(303);
        let before = db.count("audit_events");
        let question = client.get("/settings/instance/shortening").page();
        assert_eq!(question.text("h1"), "Shorten 1,000 of 1,101 keys?");
        let fields = [("total", &*question.field("total")), ("end", &*question.field("end"))];

        client.post("/settings/instance/shortening", &fields).assert_status(303);

        let shown = client.get("/settings/instance").page();
        assert_eq!(shown.toasts(), ["Success. 1,000 keys shortened."]);
        assert_eq!(shown.text("#shortening a"), "Shorten 101 keys…");
        assert_eq!(db.count("audit_events") - before, 1_000);
    }

    fn keys_that_changed_since_they_were_counted_are_asked_about_again(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        app.make_key("A");
        let other = app.make_key("B");
        save_lifetimes(&client, "", "30").assert_status(303);
        let question = client.get("/settings/instance/shortening").page();
        let fields = [("total", &*question.field("total")), ("end", &*question.field("end"))];
        change(&client, &other, "7", "").assert_status(303);
        let before = news(db);

        let again = client.post("/settings/instance/shortening", &fields).assert_status(409).page();

        assert_eq!(again.text("h1"), "Shorten 1 key?");
        assert!(again.text("[role=alert]").contains("Nothing was shortened."));
        assert_eq!(news(db), before);
    }

    fn lifetimes_that_can_not_be_are_told_at_their_fields_and_nothing_is_saved(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        save_lifetimes(&client, "30", "90").assert_status(303);
        let before = db.rows();

        for (default, max, field) in [
            ("91", "90", "default-lifetime"),
            ("-1", "", "default-lifetime"),
            ("1.5", "", "default-lifetime"),
            ("", "36501", "max-lifetime"),
            ("", "a year", "max-lifetime"),
        ] {
            let page = save_lifetimes(&client, default, max).assert_status(422).page();
            assert!(!page.text(&format!("#{field}-error")).is_empty(), "{default} {max}");
            assert_eq!((page.field("default_lifetime_days"), page.field("max_lifetime_days")), (default.to_owned(), max.to_owned()));
        }
        let changed: Vec<_> = db.rows().into_iter().filter(|(table, rows)| table != "sessions" && before[table] != *rows).collect();
        assert!(changed.is_empty(), "{changed:?}");
        let settings = client.get("/settings").page();
        assert_eq!(
            settings.attrs("nav.tabs a", "href"),
            ["/settings", "/settings/second-factor", "/settings/sessions", "/settings/limits", "/settings/instance"]
        );
    }

    fn what_was_chosen_outlives_a_session_that_ended_meanwhile(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = app.make_key("Project X");

        for (path, form, fields) in [
            (format!("{}/expiry", page(&key)), format!("{}?form=expiry", page(&key)), [("ends", "date"), ("ends_on", "2027-01-01")]),
            ("/settings/instance".to_owned(), "/settings/instance".to_owned(), [("default_lifetime_days", "12"), ("max_lifetime_days", "34")]),
        ] {
            let stranger = client.stranger();
            let login = stranger.post(&path, &fields).assert_status(401).page();
            assert_eq!(login.field("next"), form);
            let credentials = [("email", crate::support::EMAIL), ("password", crate::support::PASSWORD)];
            let kept = [("next", form.clone()), ("draft", login.field("draft"))];
            let sent: Vec<(&str, &str)> = credentials.into_iter().chain(kept.iter().map(|(name, value)| (*name, value.as_str()))).collect();
            stranger.post("/login", &sent).assert_leads_to(&form);
            let shown = stranger.get(&form).page();
            assert_eq!(shown.field(fields[1].0), fields[1].1);
        }
        assert_eq!(ends(db), ["never"]);
    }

    fn the_time_zone_of_the_server_changes_nothing(db: &Database) {
        drop(db.app());
        let mut tokyo = keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url()]);
        let mut process = Process::spawn(tokyo.env("TZ", "Asia/Tokyo"));
        let client = process.client();
        client.log_in(crate::support::EMAIL, crate::support::PASSWORD);
        let in_a_week = || days_after(Clock::System.now(), 7).micros();

        let before = in_a_week();
        create(&client, "7", "").assert_ok();

        let possible = [before, in_a_week()].map(|end| end.to_string());
        assert!(possible.contains(&ends(db)[0]), "{:?}", ends(db));
        let end = UtcTime::from_micros(before).to_datetime();
        assert_eq!((end.hour(), end.minute(), end.second()), (23, 59, 59));
        let shown = client.get("/api-keys").page();
        assert_eq!(shown.texts(".tag--end"), ["Expires in 7 days"]);
    }
}
