//! Links that show a key once, to whoever opens them first.

use std::sync::Barrier;
use std::thread;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use keyfob::domain::api_key::ApiKeyId;
use keyfob::domain::handover;

use crate::support::{
    Answer, App, Client, Database, EMAIL, Key, PASSWORD, Process, change, keyfob, on_both_databases, run,
};

const UNKNOWN: &str = "/handover/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const DAY_SECONDS: i64 = 24 * 3_600;

/// What ends a link, by its name.
type Ending<'a> = (&'a str, &'a dyn Fn(&Key));

/// The link shows nothing, and looks like one that nobody ever made.
#[track_caller]
fn assert_ended(client: &Client, link: &str) {
    for method in ["GET", "POST"] {
        let ended = client.send(method, link, None).assert_status(404);
        let unknown = client.send(method, UNKNOWN, None).assert_status(404);
        assert!(ended.page().text("main").contains("Ask whoever sent it for a new one."), "{}", ended.body);
        assert_eq!(ended.body, unknown.body);
        let headers = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            ["x-request-id", "date"].iter().for_each(|name| drop(headers.remove(*name)));
            headers
        };
        assert_eq!(headers(&ended), headers(&unknown));
    }
}

#[track_caller]
fn assert_shows(client: &Client, link: &str, secret: &str) {
    assert_eq!(client.post(link, &[]).assert_ok().page().text("#key-secret"), secret);
}

/// What the key's page says about its hand-over.
#[track_caller]
fn section(client: &Client, key: &Key) -> String {
    client.get(&format!("/api-keys/{}", key.id)).assert_ok().page().texts("[aria-labelledby=key-handover]").concat()
}

fn withdraw(client: &Client, key: &Key) {
    client.post(&format!("{}/withdrawal", key.handover_path()), &[]).assert_status(303);
}

on_both_databases! {
    fn a_link_is_looked_at_as_often_as_somebody_likes_and_shows_its_key_once(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let link = client.hand_over(&key);
        let somebody = app.anonymous();
        let before = db.rows();

        for method in ["GET", "HEAD", "GET"] {
            let answer = somebody.send(method, &link, None).assert_ok();
            assert_eq!(answer.header("set-cookie"), "");
            assert!(!answer.body.contains(&key.secret), "{}", answer.body);
        }
        let page = somebody.get(&link).assert_ok().page().text("main");
        assert!(["Project X", "SMS", "2 Mar 2026, 12:00 UTC"].iter().all(|part| page.contains(part)), "{page}");
        assert_eq!(db.rows(), before);

        assert_shows(&somebody, &link, &key.secret);
        assert_eq!(db.count("sessions"), 1, "a session was started for a stranger");
        assert_ended(&somebody, &link);
        app.assert_verdict(&key.secret, "VALID");
    }

    fn of_many_who_open_a_link_at_the_same_moment_one_sees_the_key(db: &Database) {
        let (app, client) = (db.app(), db.app().signed_in());
        let other = app.another_instance();
        for round in 0..5 {
            let key = client.at(&app.url).create_key(&format!("Project {round}"));
            let link = client.at(&app.url).hand_over(&key);
            let start = Barrier::new(8);

            let shown: Vec<bool> = thread::scope(|scope| {
                let open = |url: &str| {
                    let (client, link, start) = (Client::new(url), &link, &start);
                    scope.spawn(move || {
                        start.wait();
                        client.post(link, &[])
                    })
                };
                let opening: Vec<_> = (0..8).map(|n| open(if n % 2 == 0 { &app.url } else { &other.url })).collect();
                let answers: Vec<Answer> = opening.into_iter().map(|thread| thread.join().unwrap()).collect();
                assert!(answers.iter().all(|answer| [200, 404].contains(&answer.status)));
                answers.iter().map(|answer| answer.body.contains(&key.secret)).collect()
            });

            assert_eq!(shown.iter().filter(|shown| **shown).count(), 1, "{shown:?}");
        }
        assert_eq!(db.ask("SELECT action AS line FROM audit_events WHERE action = 'api_key.handover_opened'").len(), 5);
    }

    fn the_operator_sees_whether_when_and_by_whom_a_link_was_opened(db: &Database) {
        let app = App::start_trusting(db);
        let client = app.signed_in();
        let key = client.create_key("Project X");
        assert_eq!(section(&client, &key), "");
        let link = client.hand_over(&key);
        app.clock.advance(300);

        let unopened = section(&client, &key);
        let somebody = app.anonymous().with("x-forwarded-for", "203.0.113.9").with("user-agent", "Firefox 150");
        assert_shows(&somebody, &link, &key.secret);
        app.clock.advance(180);

        assert!(unopened.contains("Made 5 minutes ago, not opened yet. It ends 2 Mar 2026, 12:00 UTC."), "{unopened}");
        let opened = section(&client, &key);
        assert!(opened.contains("Opened 3 minutes ago from 203.0.113.9 with Firefox 150."), "{opened}");
        let page = client.get(&format!("/api-keys/{}", key.id)).page();
        assert_eq!(page.attr("[aria-labelledby=key-handover] a", "href"), format!("/api-keys/{}/rotation", key.id));
        let event = db.ask(
            "SELECT actor_kind || '|' || actor_name || '|' || address || '|' || user_agent || '|' || target_id AS line \
             FROM audit_events WHERE action = 'api_key.handover_opened' AND actor_id IS NULL AND request_id IS NOT NULL",
        );
        assert_eq!(event, [format!("system|Whoever had the link|203.0.113.9|Firefox 150|{}", key.id)]);
        // A switch ends what is open; what happened stays known.
        client.switch(&key, "disabled");
        assert_eq!(section(&client, &key), opened);
    }

    fn neither_the_key_nor_the_token_of_its_link_is_kept_anywhere(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let link = client.hand_over(&key);
        let token = link.strip_prefix("/handover/").unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let assert_not_kept = || {
            assert!(db.holds(&key.id), "the search itself does not work");
            for secret in [&key.secret, &key.secret[9..], token, &hex] {
                assert!(!db.holds(secret), "{secret} is kept");
            }
        };

        assert_eq!(bytes.len(), 32);
        assert_not_kept();
        app.anonymous().get(&link).assert_ok();
        assert_not_kept();
        assert_shows(&app.anonymous(), &link, &key.secret);
        assert_not_kept();
        assert_eq!(db.ask("SELECT api_key_id AS line FROM key_handovers WHERE sealed IS NULL"), [key.id]);
    }

    fn a_link_ends_when_its_key_is_switched_off_deleted_ended_or_changed_and_when_it_is_withdrawn(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let delete = |key: &Key| drop(client.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303));
        let rotate = |key: &Key| {
            let id: ApiKeyId = key.id.parse().unwrap();
            change(&mut db.conn(), app.clock.now(), |tx| handover::end(tx, &id));
        };
        let by_sql = |sql: &str, key: &Key| db.execute(&format!("{sql} = '{}'", key.id));
        let endings: [Ending<'_>; 7] = [
            ("switched off", &|key| client.switch(key, "disabled")),
            ("off and on", &|key| ["disabled", "enabled"].iter().for_each(|status| client.switch(key, status))),
            ("deleted", &delete),
            ("rotated", &rotate),
            ("another secret", &|key| {
                let other = "SELECT token_digest FROM key_handovers AS h WHERE h.api_key_id = key_secrets.api_key_id";
                by_sql(&format!("UPDATE key_secrets SET digest = ({other}) WHERE api_key_id"), key);
            }),
            ("ended", &|key| by_sql("UPDATE api_keys SET expires_at = 1 WHERE id", key)),
            ("withdrawn", &|key| withdraw(&client, key)),
        ];
        for (what, end) in endings {
            let key = client.create_key(what);
            let link = client.hand_over(&key);
            app.anonymous().get(&link).assert_ok();

            end(&key);

            assert_ended(&app.anonymous(), &link);
        }
    }

    fn every_link_ends_when_all_keys_are_disabled(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let link = client.hand_over(&key);

        change(&mut db.conn(), app.clock.now(), keyfob::domain::api_key::disable_all);

        client.switch(&key, "enabled");
        assert_ended(&app.anonymous(), &link);
    }

    fn a_link_ends_after_a_day_or_with_its_key_and_by_the_clock_alone(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, short) = (client.create_key("Project X"), client.create_key("Short"));
        let end = app.clock.now().plus_seconds(3_600).micros();
        db.execute(&format!("UPDATE api_keys SET expires_at = {end} WHERE id = '{}'", short.id));
        let (link, short_link) = (client.hand_over(&key), client.hand_over(&short));
        let before = db.rows();

        app.clock.advance(3_599);
        app.anonymous().get(&short_link).assert_ok();
        app.clock.advance(1);
        assert_ended(&app.anonymous(), &short_link);
        app.clock.advance(DAY_SECONDS - 3_601);
        app.anonymous().get(&link).assert_ok();
        app.clock.advance(1);
        assert_ended(&app.anonymous(), &link);

        assert_eq!(db.rows()["key_handovers"], before["key_handovers"]);
        // What ended is removed when another link is made, whichever key that is of.
        let client = app.signed_in();
        client.hand_over(&client.create_key("Another"));
        assert_eq!(db.count("key_handovers"), 1);
    }

    fn a_new_link_takes_the_place_of_the_one_before(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let (first, second) = (client.hand_over(&key), client.hand_over(&key));

        assert_ended(&app.anonymous(), &first);
        assert_shows(&app.anonymous(), &second, &key.secret);
        assert_eq!(db.count("key_handovers"), 1);
        let third = client.hand_over(&key);
        assert!(section(&client, &key).contains("not opened yet"));
        assert_shows(&app.anonymous(), &third, &key.secret);
    }

    fn only_the_current_secret_of_an_accepted_key_of_ones_own_is_handed_over(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other, off, ended) =
            (client.create_key("X"), client.create_key("Other"), client.create_key("Off"), client.create_key("Ended"));
        let theirs = app.another_account().create_key("Theirs");
        client.switch(&off, "disabled");
        client.get("/api-keys");
        db.execute(&format!("UPDATE api_keys SET expires_at = 1 WHERE id = '{}'", ended.id));
        let before = db.rows();

        for (key, secret) in [(&key, &*other.secret), (&key, "nonsense"), (&key, ""), (&off, &off.secret), (&ended, &ended.secret)] {
            let fields = [("key", secret)];
            let answer = client.post(&key.handover_path(), &fields).assert_status(422);
            assert!(answer.page().toasts()[0].contains("No link was made."), "{}", answer.body);
            let answer = client.htmx("form").post(&key.handover_path(), &fields).assert_status(422);
            assert_eq!((answer.header("hx-retarget"), answer.header("hx-reswap")), ("#toasts", "innerHTML"));
        }
        client.post(&key.handover_path(), &[]).assert_status(400);
        client.post(&theirs.handover_path(), &[("key", &theirs.secret)]).assert_status(404);
        client.post(&format!("{}/withdrawal", theirs.handover_path()), &[]).assert_status(404);

        assert_eq!(db.rows(), before);
        client.hand_over(&key);
    }

    fn htmx_gets_the_link_in_place_of_the_key(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");

        let answer = client.htmx("form").post(&key.handover_path(), &[("key", &key.secret)]).assert_ok();

        let page = answer.page();
        assert_eq!(page.toasts(), ["Success. Link for “Project X” made."]);
        assert!(page.text(".reveal__panel code").starts_with(&format!("{}/handover/", app.url)), "{}", answer.body);
        assert!(!answer.body.contains(&key.secret), "{}", answer.body);
        assert_shows(&app.anonymous(), page.text(".reveal__panel code").strip_prefix(&app.url).unwrap(), &key.secret);
    }

    fn after_the_session_ended_nothing_is_handed_over_and_the_key_is_not_kept(db: &Database) {
        let app = db.app();
        let key = app.signed_in().create_key("Project X");
        let stranger = app.anonymous();

        let part = stranger.htmx("form").post(&key.handover_path(), &[("key", &key.secret)]).assert_status(401);
        let page = stranger.post(&key.handover_path(), &[("key", &key.secret)]);

        assert!(part.page().toasts()[0].starts_with("Your session has ended."), "{}", part.body);
        assert_eq!(part.header("hx-redirect"), "", "the key would be gone from the screen");
        page.assert_leads_to(&format!("/login?next=/api-keys/{}", key.id));
        assert_eq!(db.count("key_handovers"), 0);
        assert!(!db.holds(&key.secret));
    }

    fn no_page_of_a_link_is_stored_indexed_or_named_to_others(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let link = client.hand_over(&client.create_key("Project X"));
        let somebody = app.anonymous();

        for (what, answer) in [
            ("refused", somebody.with("sec-fetch-site", "cross-site").post(&link, &[]).assert_status(403)),
            ("wrong method", somebody.send("DELETE", &link, None).assert_status(405)),
            ("page", somebody.get(&link).assert_ok()),
            ("head", somebody.send("HEAD", &link, None).assert_ok()),
            ("key", somebody.post(&link, &[]).assert_ok()),
            ("ended", somebody.get(&link).assert_status(404)),
            ("mistyped", somebody.get(&format!("{link}/")).assert_status(404)),
        ] {
            for (name, value) in
                [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-robots-tag", "noindex, nofollow"), ("set-cookie", "")]
            {
                assert_eq!(answer.header(name), value, "{name} of {what}");
            }
        }
    }

    fn the_pages_own_form_opens_a_link_and_another_sites_does_not(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, somebody) = (client.create_key("Project X"), app.anonymous());
        let link = client.hand_over(&key);
        let older = somebody.without("sec-fetch-site");
        let before = db.rows();

        for falsified in [
            somebody.with("sec-fetch-site", "cross-site").with("origin", "https://evil.example"),
            somebody.with("sec-fetch-site", "cross-site").with("origin", "null"),
            somebody.with("sec-fetch-site", "same-site"),
            older.with("origin", "https://evil.example"),
        ] {
            falsified.post(&link, &[]).assert_status(403);
        }
        assert_eq!(db.rows(), before);

        // What browsers send from a page without referrers, on plain http under a LAN name too.
        for own in [somebody.with("origin", "null"), older.with("origin", "null")] {
            assert_shows(&own, &client.hand_over(&key), &key.secret);
        }
    }
}

#[test]
fn the_token_of_a_link_is_never_logged_not_even_in_part() {
    let db = Database::sqlite();
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
    let mut command = keyfob(&["--listen", "127.0.0.1:0", "--database-url", &db.url()]);
    let mut process = Process::spawn(command.env("KEYFOB_LOG", "trace"));
    let client = process.client();
    client.log_in(EMAIL, PASSWORD);
    let key = client.create_key("Project X");
    let link = client.hand_over(&key);
    let token = link.strip_prefix("/handover/").unwrap();
    let somebody = client.stranger();

    for path in [
        link.clone(),
        format!("{link}/"),
        format!("/{link}"),
        format!("/%68andover/{token}"),
        format!("/Handover/{token}"),
    ] {
        somebody.get(&path);
        somebody.send("HEAD", &path, None);
        somebody.send("DELETE", &path, None);
        somebody.with("sec-fetch-site", "cross-site").post(&path, &[]);
    }
    somebody.with("referer", &format!("{}{link}", client.base())).get("/login");
    assert_shows(&somebody, &link, &key.secret);
    somebody.post(&link, &[]);
    process.signal("TERM");
    let log = process.end().stderr;

    assert!(log.contains("/handover/{token}"), "requests are not logged: {log}");
    for part in token.as_bytes().windows(8).chain(key.secret.as_bytes()["sms_live_".len()..].windows(8)) {
        let part = std::str::from_utf8(part).unwrap();
        assert_eq!(log.lines().find(|line| line.contains(part)), None, "{part} was logged");
    }
}
