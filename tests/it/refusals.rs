//! Why requests were refused: on a key's page, on the page of all keys, and by the last
//! characters of keys that nobody knows.

use std::time::{Duration, Instant};

use keyfob::domain::account;
use keyfob::domain::account::membership::Role;
use keyfob::domain::api_key::secret::{KeySecret, Mode};
use keyfob::domain::refusal::{
    self, KeyRefusal, MAX_ADDRESSES_PER_HOUR, MAX_UNKNOWN_KEYS, NewRefusals, RefusalFilter, UnknownKey, hour_of,
};
use keyfob::store::UtcTime;
use serde_json::json;

use crate::support::{App, Client, Database, Key, Off, Page, Process, on_both_databases};

/// How long a test waits for what is written every second and a half.
const PATIENCE: Duration = Duration::from_secs(30);
const DAY_SECONDS: i64 = 24 * 3600;
const ADDRESS: &str = "203.0.113.9";

/// What a service is told that asks about a key with these further members.
#[track_caller]
fn ask(client: &Client, secret: &str, more: &[(&str, &str)]) -> String {
    let mut question = json!({"key": secret, "client_ip": ADDRESS});
    for (name, value) in more {
        question[*name] = if *name == "scopes" { json!([value]) } else { json!(value) };
    }
    let answer = client.post_json("/v1/keys/verify", question.to_string()).assert_ok().json();
    answer["code"].as_str().unwrap().to_owned()
}

/// What a proxy is told about a live key at a door for test keys.
#[track_caller]
fn ask_at_test_door(client: &Client, secret: &str) {
    let answer = client.with("x-api-key", secret).get("/v1/auth?service=sms&mode=test");
    answer.assert_status(403).assert_header("x-auth-code", "MODE_NOT_ALLOWED");
}

fn page_of(client: &Client, key: &Key) -> Page {
    client.get(&format!("/api-keys/{}", key.id)).assert_ok().page()
}

fn list(client: &Client) -> Page {
    client.get("/refusals").assert_ok().page()
}

/// A key that has the shape of one, and that Keyfob never made.
fn unknown_key() -> KeySecret {
    KeySecret::generate("sms", Mode::Live).unwrap()
}

/// Whether anything of a secret is kept that is longer than its tail.
fn holds_more_than_the_tail(db: &Database, secret: &str) -> bool {
    db.holds(&secret[secret.len() - 9..]) || db.holds(&secret[9..18])
}

/// Reasons, numbers, addresses and programs, as the database has them.
fn kept(db: &Database) -> Vec<String> {
    db.ask("SELECT code || ' ' || CAST(requests AS TEXT) || ' ' || address || ' ' || user_agent AS line FROM key_refusals ORDER BY code")
}

fn refusal_of(app: &App, key: &Key, code: &str, source: &str, at: UtcTime) -> KeyRefusal {
    KeyRefusal {
        account_id: account::first(&mut app.db.conn()).unwrap(),
        api_key_id: key.id.parse().unwrap(),
        hour: hour_of(at),
        code: code.to_owned(),
        source: source.to_owned(),
        requests: 1,
        first_at: at,
        last_at: at,
        address: String::new(),
        user_agent: String::new(),
    }
}

fn add_keys(app: &App, keys: Vec<KeyRefusal>) {
    refusal::add(&mut app.db.conn(), NewRefusals { keys, ..NewRefusals::default() }).unwrap();
}

on_both_databases! {
    fn a_keys_page_says_in_plain_words_why_it_was_refused_and_what_to_do(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let program = app.anonymous().with("user-agent", "shop/1.2");
        let key = client.create_key("Project X");
        assert_eq!(page_of(&client, &key).text("#refusals .refused__none"), "No request with this key was refused in the last 30 days.");

        let gate = app.gate_switch();
        for (off, more, reason, advice) in [
            (None, ("service", "mail"), "Used for another service", "This key works for SMS only."),
            (Some(Off::Disabled), ("service", "sms"), "Switched off", "Switch the key on to accept it again."),
            (Some(Off::NoScope), ("scopes", "messages.send"), "Scope missing", "Give the key the scope that the service asks for."),
            (Some(Off::Elsewhere), ("service", "sms"), "Address not allowed", "Add the address to the key's list, if it is yours."),
            (Some(Off::Ended), ("service", "sms"), "Ended on 1 Mar 2026, 12:00 UTC", "Give the key a later end."),
        ] {
            app.clock.advance(60);
            off.inspect(|off| gate.turn(&key, *off, false));
            let code = ask(&program, &key.secret, &[more]);
            assert_eq!(code, off.map_or("NOT_FOUND", Off::code));

            let latest = page_of(&client, &key).texts(".refused__item").swap_remove(0);
            for part in [reason, advice, "1 request", "just now", "From 203.0.113.9", "shop/1.2"] {
                assert!(latest.contains(part), "{code}: {part} in {latest}");
            }
            off.inspect(|off| gate.turn(&key, *off, true));
        }
        app.clock.advance(60);
        ask_at_test_door(&program, &key.secret);
        let told = page_of(&client, &key).texts(".refused__item");
        assert!(told[0].contains("Live key where a test key is needed"), "{told:?}");
        assert_eq!(told.len(), Off::ALL.len() + 2);
    }

    fn only_the_last_20_refusals_are_on_a_keys_page_and_most_of_them_folded_away(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        let hours = |count: i64| (1..=count).map(|hour| refusal_of(&app, &key, "DISABLED", "*", app.clock.now().plus_seconds(-3_600 * hour)));
        add_keys(&app, hours(20).collect());
        let page = page_of(&client, &key);
        assert_eq!(page.texts(".refused__item").len(), 20);
        assert_eq!(page.texts("#refusals details .refused__item").len(), 17);
        assert!(!page.has("#refusals a[href*='/refusals']"), "these are all");

        add_keys(&app, hours(25).collect());

        let page = page_of(&client, &key);
        assert_eq!(page.texts(".refused__item").len(), 20);
        let all = client.get(&page.attr("#refusals a[href*='/refusals']", "href")).assert_ok().page();
        assert_eq!(all.texts(".refused__row").len(), 25);
        let latest = all.texts(".refused__row").swap_remove(0);
        assert!(latest.contains("2 requests"), "{latest}");
    }

    fn refusals_are_counted_exactly_over_two_instances_and_accepted_requests_leave_nothing(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let (key, valid) = (app.make_key("Project X"), app.make_key("Valid"));
        app.gate_switch().turn(&key, Off::Disabled, false);
        let (here, there) = (app.signed_in(), other.signed_in());
        for app in [&app, &other] {
            ask(&app.anonymous(), &valid.secret, &[]);
            list(&app.signed_in());
        }
        for table in ["key_refusals", "unknown_keys", "refusal_counts"] {
            assert_eq!(db.count(table), 0, "{table}");
        }

        let asker = |app: &App, agent: &str| app.anonymous().with("user-agent", agent);
        (0..7).for_each(|_| assert_eq!(ask(&asker(&app, "one/1"), &key.secret, &[]), "DISABLED"));
        page_of(&here, &key);
        app.clock.advance(1);
        (0..5).for_each(|_| assert_eq!(ask(&asker(&other, "two/2"), &key.secret, &[]), "DISABLED"));
        page_of(&there, &key);

        assert_eq!(kept(db), ["DISABLED 12 203.0.113.9 two/2"]);
        for client in [&here, &there] {
            assert!(page_of(client, &key).text(".refused__item").contains("12 requests"));
        }
        app.clock.advance(3_600);
        ask(&asker(&app, "one/1"), &key.secret, &[]);
        page_of(&here, &key);
        assert_eq!(kept(db).len(), 2, "an hour later it is another row");
    }

    fn what_is_counted_is_written_without_anybody_asking_for_it(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        app.gate_switch().turn(&key, Off::Disabled, false);
        let lock = db.lock();
        (0..3).for_each(|_| assert_eq!(ask(&app.anonymous(), &key.secret, &[]), "DISABLED"));
        assert_eq!(kept(db), [""; 0]);

        drop(lock);

        let began = Instant::now();
        // Two of the three may have waited for the lock already, and the third for its turn after them.
        while !kept(db).iter().any(|line| line.starts_with("DISABLED 3 ")) {
            assert!(began.elapsed() < PATIENCE, "{:?}", kept(db));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn the_page_of_all_keys_lists_them_by_time_and_is_filtered_by_reason_and_key(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        assert_eq!(list(&client).text(".empty h2"), "No request was refused");
        let (one, two) = (client.create_key("One"), client.create_key("Two"));
        let before = |seconds: i64| app.clock.now().plus_seconds(-seconds);
        let mut refusals: Vec<_> =
            (0..55).map(|hour| refusal_of(&app, &one, "DISABLED", "*", before(3_600 * hour + 60))).collect();
        refusals.push(refusal_of(&app, &two, "EXPIRED", "*", before(90)));
        add_keys(&app, refusals);

        let first = list(&client);
        assert_eq!(first.texts(".refused__row").len(), 50);
        assert_eq!(first.texts(".refused__key")[..3], ["One SMS", "Two SMS", "One SMS"]);
        let older = client.get(&first.attr("[rel=next]", "href")).assert_ok().page();
        assert_eq!((older.texts(".refused__row").len(), older.has("[rel=next]")), (6, false));
        let ended = client.get("/refusals?code=EXPIRED").assert_ok().page();
        assert_eq!(ended.texts(".refused__key"), ["Two SMS"]);
        let of_two = client.get(&format!("/refusals?key={}", two.id)).assert_ok().page();
        assert_eq!(of_two.texts(".refused__key"), ["Two SMS"]);
        let neither = client.get(&format!("/refusals?key={}&code=DISABLED", two.id)).assert_ok().page();
        assert_eq!(neither.text(".empty h2"), "No request found");
        for wrong in ["key=x", "code=VALID", "code=x", "after=x", "unknown=x", "key=key_00000000000000000000000000"] {
            client.get(&format!("/refusals?{wrong}")).assert_status(404);
        }
        assert!(client.get("/audit").page().has(".page-header a[href='/refusals']"));
        assert!(client.get("/api-keys").page().has("main a[href='/refusals']"));
    }

    fn of_an_unknown_key_only_its_last_four_characters_are_kept(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let secret = unknown_key();
        let asker = app.anonymous().with("user-agent", "old-shop/0.9");
        (0..3).for_each(|_| assert_eq!(ask(&asker, secret.expose(), &[]), "NOT_FOUND"));

        let page = list(&client);

        let row = page.text("#unknown-keys .refused__row");
        for part in [&format!("••••{}", secret.tail()), "203.0.113.9", "old-shop/0.9", "3 requests"] {
            assert!(row.contains(part), "{part} in {row}");
        }
        assert_eq!(db.count("unknown_keys"), 1);
        assert_eq!((db.count("key_refusals"), db.count("refusal_counts")), (0, 0));
        assert!(!holds_more_than_the_tail(db, secret.expose()));
    }

    fn a_deleted_key_is_an_unknown_one_and_its_refusals_are_not_listed(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (key, other) = (client.create_key("Project X"), client.create_key("Other"));
        let gate = app.gate_switch();
        for key in [&key, &other] {
            gate.turn(key, Off::Disabled, false);
            ask(&app.anonymous(), &key.secret, &[]);
        }
        list(&client);
        assert_eq!(db.count("key_refusals"), 2);
        ask(&app.anonymous(), &other.secret, &[]);
        ask(&app.anonymous(), &key.secret, &[]);

        gate.delete(&key);

        assert_eq!(ask(&app.anonymous(), &key.secret, &[]), "NOT_FOUND");
        let page = list(&client);
        assert_eq!(page.texts(".card[aria-label] .refused__key"), ["Other SMS"]);
        assert_eq!(kept(db).len(), 2, "a restored key has them again");
        let tail = &key.secret[key.secret.len() - 4..];
        assert_eq!(page.text("#unknown-keys .refused__key"), format!("••••{tail}"));
    }

    fn of_what_is_no_key_only_the_number_is_kept(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let password = "hunter2-correct-horse";
        let broken = format!("{}0", &unknown_key().expose()[..46]);
        assert_eq!(ask(&app.anonymous(), password, &[]), "NOT_FOUND");
        assert_eq!(ask(&app.anonymous(), &broken, &[]), "NOT_FOUND");
        app.anonymous().with("x-api-key", "a b").with("user-agent", "malformed-agent").get("/v1/auth?service=sms").assert_status(401);
        app.anonymous().get("/v1/auth?service=sms").assert_status(401).assert_header("x-auth-code", "KEY_MISSING");

        let page = list(&client);

        assert_eq!(page.texts(".refused__number"), ["3 requests with something that is no key. It is not kept: it may be a password."]);
        assert_eq!((db.count("refusal_counts"), db.count("unknown_keys"), db.count("key_refusals")), (1, 0, 0));
        for text in [password, &broken[9..], &broken[40..], "malformed-agent", ADDRESS] {
            assert!(!db.holds(text), "{text}");
        }
    }

    fn a_flood_of_unknown_keys_leaves_no_more_rows_than_there_is_room_for_and_the_oldest_leave(db: &Database) {
        let app = db.app();
        let unknown = |number: i64| UnknownKey {
            tail: format!("{:04}", number % 10_000),
            address: format!("2001:db8::{number}"),
            requests: 1,
            first_at: app.clock.now().plus_seconds(number),
            last_at: app.clock.now().plus_seconds(number),
            user_agent: String::new(),
        };
        for part in 0..5 {
            let keys = (part * 600..(part + 1) * 600).map(unknown).collect();
            refusal::add(&mut db.conn(), NewRefusals { unknown: keys, ..NewRefusals::default() }).unwrap();
            assert!(db.count("unknown_keys") as i64 <= MAX_UNKNOWN_KEYS);
        }

        assert_eq!(db.ask("SELECT CAST(COUNT(*) AS TEXT) || ' ' || MIN(tail) || ' ' || MAX(tail) AS line FROM unknown_keys"), ["1000 2000 2999"]);
        let client = app.signed_in();
        let page = list(&client);
        assert_eq!(page.texts("#unknown-keys .refused__row").len(), 20);
        let all = page.attr("#unknown-keys > p a", "href");
        assert_eq!(client.get(all.split('#').next().unwrap()).page().texts("#unknown-keys .refused__row").len(), 1_000);
    }

    fn more_addresses_than_an_hour_has_rows_for_are_counted_together_whichever_instance_writes_them(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let from = |addresses: std::ops::Range<i32>| {
            addresses.map(|last| refusal_of(&app, &key, "IP_NOT_ALLOWED", &format!("192.0.2.{last}"), app.clock.now())).collect()
        };

        add_keys(&app, from(0..15));
        add_keys(&app, from(10..30));
        add_keys(&app, from(0..30));

        let by_source = "SELECT source || ' ' || CAST(requests AS TEXT) AS line FROM key_refusals ORDER BY source";
        let rows = db.ask(by_source);
        assert_eq!(rows.len(), MAX_ADDRESSES_PER_HOUR + 1);
        assert_eq!(rows[0], "* 20");
        assert_eq!(db.ask("SELECT CAST(SUM(requests) AS TEXT) AS line FROM key_refusals"), ["65"]);
    }

    fn refusals_are_kept_for_30_days(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        app.gate_switch().turn(&key, Off::Disabled, false);
        ask(&app.anonymous(), &key.secret, &[]);
        ask(&app.anonymous(), unknown_key().expose(), &[]);
        ask(&app.anonymous(), "no key", &[]);
        list(&client);
        let (conn, account) = (&mut db.conn(), account::first(&mut db.conn()).unwrap());
        let mut listed = |days: i64| {
            let now = app.clock.now().plus_seconds(days * DAY_SECONDS);
            let keys = refusal::list(conn, &account, &RefusalFilter::default(), None, now, 10).unwrap().rows.len();
            let unknown = refusal::unknown_keys(conn, now, 10).unwrap().len();
            (keys, unknown, refusal::counts(conn, now).unwrap().len(), refusal::needs_pruning(conn, now).unwrap())
        };

        assert_eq!(listed(30), (1, 1, 1, false));
        assert_eq!(listed(31), (0, 0, 0, true));
        app.clock.advance(31 * DAY_SECONDS);

        let began = Instant::now();
        while ["key_refusals", "unknown_keys", "refusal_counts"].iter().any(|table| db.count(table) > 0) {
            assert!(began.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(50));
        }
        let client = app.signed_in();
        assert!(page_of(&client, &key).has("#refusals .refused__none"));
        assert_eq!(list(&client).text(".empty h2"), "No request was refused");
    }

    fn old_refusals_are_removed_in_steps_and_the_others_stay(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let days_ago = |days: i64| refusal_of(&app, &key, "DISABLED", "*", app.clock.now().plus_seconds(-days * DAY_SECONDS));
        add_keys(&app, [28, 30].map(days_ago).to_vec());
        let later = app.clock.now().plus_seconds(DAY_SECONDS);
        let step = || refusal::prune(&mut db.conn(), later, 1).unwrap();

        assert_eq!((step(), db.count("key_refusals")), (true, 1));
        assert_eq!((step(), db.count("key_refusals")), (false, 1));
    }

    fn another_account_sees_none_of_it_and_a_viewer_only_what_is_of_their_keys(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let key = client.create_key("Project X");
        app.gate_switch().turn(&key, Off::Disabled, false);
        ask(&app.anonymous(), &key.secret, &[]);
        ask(&app.anonymous(), unknown_key().expose(), &[]);
        assert!(list(&client).has("#unknown-keys .refused__row"));

        let viewer = app.colleague(Role::Viewer, "vera@example.com");
        assert_eq!(list(&viewer).texts(".refused__key"), ["Project X SMS"]);
        assert!(!list(&viewer).has("#unknown-keys"));
        assert!(page_of(&viewer, &key).has(".refused__item"));
        let admin = app.colleague(Role::Admin, "grace@example.com");
        assert!(list(&admin).has("#unknown-keys .refused__row"));
        let eve = app.another_account();
        let theirs = eve.create_key("Theirs");
        app.gate_switch().turn(&key, Off::Disabled, true);
        ask_at_test_door(&app.anonymous(), &theirs.secret);
        let page = list(&eve);
        assert_eq!(page.texts(".refused__key"), ["Theirs SMS"]);
        assert!(!page.has("#unknown-keys"));
        eve.get(&format!("/refusals?key={}", key.id)).assert_status(404);
        assert!(!list(&client).texts(".refused__key").contains(&"Theirs SMS".to_owned()));
        app.anonymous().get("/refusals").assert_status(303);
    }

    fn names_and_programs_with_markup_are_text(db: &Database) {
        let app = db.app();
        let client = app.signed_in();
        let (name, agent) = ("<b>x</b><script>alert(1)</script>", "<img src=x onerror=alert(2)>");
        let key = client.create_key(name);
        app.gate_switch().turn(&key, Off::Disabled, false);
        ask(&app.anonymous().with("user-agent", agent), &key.secret, &[]);
        ask(&app.anonymous().with("user-agent", agent), unknown_key().expose(), &[]);

        for path in ["/refusals".to_owned(), format!("/refusals?key={}", key.id), format!("/api-keys/{}", key.id)] {
            let page = client.get(&path).assert_ok().page();
            assert!(page.raw_text("main").contains(name) && page.raw_text("main").contains(agent), "{path}");
            assert!(!page.has("main script, main img, main b"), "{path}");
        }
    }

    fn a_server_that_stops_writes_what_it_counted_and_its_log_holds_no_key(db: &Database) {
        let key = db.app().make_key("Project X");
        db.execute("UPDATE api_keys SET status = 'disabled'");
        let mut server = Process::serve(db);
        let client = server.client();
        let secret = unknown_key();
        assert_eq!(ask(&client, &key.secret, &[]), "DISABLED");
        assert_eq!(ask(&client, secret.expose(), &[]), "NOT_FOUND");
        assert_eq!(ask(&client, "hunter2-correct-horse", &[]), "NOT_FOUND");

        server.signal("TERM");
        let ended = server.end().assert_success();

        assert!(kept(db)[0].starts_with("DISABLED 1 "), "{:?}", kept(db));
        assert_eq!((db.count("unknown_keys"), db.count("refusal_counts")), (1, 1));
        let log = format!("{}{}", ended.stdout, ended.stderr);
        for text in [secret.expose(), &key.secret] {
            assert!(!log.contains(&text[text.len() - 6..]) && !log.contains(&text[9..17]), "{log}");
            assert!(!holds_more_than_the_tail(db, text));
        }
        assert!(!log.contains("hunter2") && !db.holds("hunter2"));
    }
}
