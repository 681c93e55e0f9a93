//! How often a key was used in each hour and on each day, and how its page and the list show it.

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use keyfob::clock::Clock;
use keyfob::domain::account;
use keyfob::domain::api_key::ApiKeyId;
use keyfob::domain::api_key::usage::{self, NewUses, SecretUsage};
use keyfob::domain::api_key::usage_history::{self, uses_by_day, uses_by_hour};
use keyfob::domain::refusal::{self, KeyRefusal, NewRefusals, hour_of};
use keyfob::store::UtcTime;
use keyfob::store::schema::key_secrets;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::support::{App, Database, Key, on_both_databases};

/// How long a test waits for what is written every second and a half.
const PATIENCE: Duration = Duration::from_secs(30);
const ALWAYS: [UtcTime; 2] = [UtcTime::from_micros(i64::MIN), UtcTime::from_micros(i64::MAX)];
const DAY_SECONDS: i64 = 24 * 3_600;

fn id(key: &Key) -> ApiKeyId {
    key.id.parse().unwrap()
}

/// Uses of a key's secret, as an instance adds them.
fn used(db: &Database, key: &Key, uses: i64, at: UtcTime) -> NewUses {
    let secret = key_secrets::table.filter(key_secrets::api_key_id.eq(&key.id)).select(key_secrets::id);
    let usage = SecretUsage {
        key_secret_id: secret.first(&mut db.conn()).unwrap(),
        uses,
        last_used_at: at,
        address: String::new(),
        user_agent: String::new(),
    };
    NewUses { api_key_id: id(key), usage }
}

fn add(db: &Database, news: Vec<NewUses>) {
    usage::add(&mut db.conn(), news).unwrap();
}

fn by_hour(db: &Database, key: &Key) -> Vec<(OffsetDateTime, i64)> {
    let rows = uses_by_hour(&mut db.conn(), &id(key), ALWAYS[0], ALWAYS[1]).unwrap();
    rows.into_iter().map(|(hour, uses)| (hour.to_datetime(), uses)).collect()
}

fn by_day(db: &Database, key: &Key) -> Vec<(OffsetDateTime, i64)> {
    let rows = uses_by_day(&mut db.conn(), &id(key), ALWAYS[0], ALWAYS[1]).unwrap();
    rows.into_iter().map(|(day, uses)| (day.to_datetime(), uses)).collect()
}

fn last_use(db: &Database, key: &Key) -> OffsetDateTime {
    let lines = db
        .ask(&format!("SELECT CAST(last_used_at AS TEXT) AS line FROM key_last_uses WHERE api_key_id = '{}'", key.id));
    UtcTime::from_micros(lines[0].parse().unwrap()).to_datetime()
}

/// Waits until so many uses of the key are written down.
#[track_caller]
fn wait_for(db: &Database, key: &Key, uses: i64) {
    let began = Instant::now();
    while by_day(db, key).iter().map(|(_, uses)| uses).sum::<i64>() < uses {
        assert!(began.elapsed() < PATIENCE, "{:?} instead of {uses}", by_day(db, key));
        thread::sleep(Duration::from_millis(50));
    }
}

fn app_at(db: &Database, time: OffsetDateTime) -> App<'_> {
    App::start_set(db, |_| (), Clock::standing_at(time.into())).with_operator()
}

fn refuse(app: &App, key: &Key, requests: i64, at: UtcTime) {
    let refusal = KeyRefusal {
        account_id: account::first(&mut app.db.conn()).unwrap(),
        api_key_id: id(key),
        hour: hour_of(at),
        code: "IP_NOT_ALLOWED".to_owned(),
        source: "192.0.2.1".to_owned(),
        requests,
        first_at: at,
        last_at: at,
        address: String::new(),
        user_agent: String::new(),
    };
    refusal::add(&mut app.db.conn(), NewRefusals { keys: vec![refusal], ..NewRefusals::default() }).unwrap();
}

on_both_databases! {
    fn uses_are_counted_in_their_hour_and_on_their_day_across_midnight_and_back(db: &Database) {
        let app = app_at(db, datetime!(2028-02-28 23:59:59 UTC));
        let key = app.make_test_key("Project X");
        let ask = || {
            let answer = app.anonymous().with("x-api-key", &key.secret).get("/v1/auth?service=sms&mode=any");
            answer.assert_ok();
        };

        (0..2).for_each(|_| ask());
        wait_for(db, &key, 2);
        app.clock.advance(1);
        ask();
        wait_for(db, &key, 3);
        app.clock.advance(DAY_SECONDS);
        ask();
        wait_for(db, &key, 4);
        // Somebody sets the clock back: the record in memory keeps the time of its last use.
        app.clock.advance(-DAY_SECONDS);
        ask();
        wait_for(db, &key, 5);

        let days = [(datetime!(2028-02-28 00:00 UTC), 2), (datetime!(2028-02-29 00:00 UTC), 1), (datetime!(2028-03-01 00:00 UTC), 2)];
        assert_eq!(by_day(db, &key), days);
        let hours = [(datetime!(2028-02-28 23:00 UTC), 2), (datetime!(2028-02-29 00:00 UTC), 1), (datetime!(2028-03-01 00:00 UTC), 2)];
        assert_eq!(by_hour(db, &key), hours);
        assert_eq!(last_use(db, &key), datetime!(2028-03-01 00:00 UTC));
    }

    fn a_batch_is_added_up_by_key_and_the_last_use_moves_on_by_whole_minutes(db: &Database) {
        let app = db.app();
        let (key, other) = (app.make_key("Project X"), app.make_key("Project Y"));
        let at = |time: OffsetDateTime| UtcTime::from(time);
        let first = datetime!(2027-01-01 09:59:30 UTC);

        add(db, vec![
            used(db, &key, 2, at(datetime!(2027-01-01 10:00:59 UTC))),
            used(db, &other, 5, at(first)),
            used(db, &key, 3, at(first)),
        ]);
        assert_eq!(last_use(db, &key), datetime!(2027-01-01 10:00 UTC));
        add(db, vec![used(db, &key, 4, at(first)), used(db, &other, 1, at(datetime!(2027-01-01 09:59:59 UTC)))]);

        assert_eq!(by_hour(db, &key), [(datetime!(2027-01-01 09:00 UTC), 7), (datetime!(2027-01-01 10:00 UTC), 2)]);
        assert_eq!(by_day(db, &key), [(datetime!(2027-01-01 00:00 UTC), 9)]);
        assert_eq!(last_use(db, &key), datetime!(2027-01-01 10:00 UTC), "what comes late turns no time back");
        assert_eq!(by_day(db, &other), [(datetime!(2027-01-01 00:00 UTC), 6)]);
        assert_eq!(last_use(db, &other), datetime!(2027-01-01 09:59 UTC));
    }

    fn instances_that_write_at_once_add_up_and_wait_for_each_other_in_no_circle(db: &Database) {
        let app = db.app();
        let conn = &mut db.conn();
        let keys: Vec<_> = (0..60).map(|_| app.make_key_with(conn, "Project X")).collect();
        let news: Vec<_> = keys.iter().map(|key| used(db, key, 1, app.clock.now())).collect();
        let backwards: Vec<_> = news.iter().rev().cloned().collect();

        thread::scope(|all| {
            for order in [&news, &backwards, &news, &backwards] {
                all.spawn(|| (0..5).for_each(|_| add(db, order.clone())));
            }
        });

        for key in &keys {
            assert_eq!(by_day(db, key).iter().map(|(_, uses)| *uses).collect::<Vec<_>>(), [20]);
            assert_eq!(by_hour(db, key).iter().map(|(_, uses)| *uses).collect::<Vec<_>>(), [20]);
        }
    }

    fn a_key_that_is_gone_takes_its_uses_along_and_holds_up_no_others(db: &Database) {
        let app = db.app();
        let (key, gone) = (app.make_key("Project X"), app.make_key("Project Y"));
        let news = vec![used(db, &gone, 1, app.clock.now()), used(db, &key, 1, app.clock.now())];
        add(db, news.clone());
        assert_eq!(by_day(db, &gone).len(), 1);

        db.execute(&format!("DELETE FROM api_keys WHERE id = '{}'", gone.id));
        add(db, news);

        assert_eq!((by_hour(db, &gone), by_day(db, &gone)), (vec![], vec![]));
        assert_eq!(by_day(db, &key)[0].1, 2);
        assert_eq!(db.count("key_last_uses"), 1);
    }

    fn hours_are_kept_for_two_days_and_days_for_four_hundred(db: &Database) {
        let app = db.app();
        let (key, conn) = (app.make_key("Project X"), &mut db.conn());
        let now = UtcTime::from(datetime!(2027-06-15 12:30 UTC));
        let before = |hours: i64| UtcTime::from(datetime!(2027-06-15 12:30 UTC)).plus_seconds(-3_600 * hours);
        for hours in [0, 48, 400 * 24] {
            add(db, vec![used(db, &key, 1, before(hours))]);
        }
        db.execute(&format!("DELETE FROM key_uses_by_hour WHERE hour < {}", before(49).micros()));
        assert!(!usage_history::needs_pruning(conn, now).unwrap());
        for hours in [49, 50, 51, 401 * 24, 402 * 24] {
            add(db, vec![used(db, &key, 1, before(hours))]);
        }
        assert!(usage_history::needs_pruning(conn, now).unwrap());

        assert!(usage_history::prune(conn, now, 2).unwrap(), "more is left");
        assert!(!usage_history::prune(conn, now, 4).unwrap());

        let hours: Vec<_> = by_hour(db, &key).into_iter().map(|(hour, _)| hour).collect();
        assert_eq!(hours, [datetime!(2027-06-13 12:00 UTC), datetime!(2027-06-15 12:00 UTC)]);
        let first_day = by_day(db, &key)[0].0;
        assert_eq!(first_day, datetime!(2026-05-11 00:00 UTC), "400 days before the 15th of June 2027");
        assert!(!usage_history::needs_pruning(conn, now).unwrap());
    }

    fn the_page_of_a_key_draws_its_uses_and_refusals_apart_and_has_them_in_a_table(db: &Database) {
        let app = app_at(db, datetime!(2027-03-01 10:30 UTC));
        let (key, other) = (app.make_key("Project X"), app.make_key("Project Y"));
        let now = app.clock.now();
        add(db, vec![used(db, &key, 12_300, now.plus_seconds(-9 * DAY_SECONDS)), used(db, &key, 40, now)]);
        add(db, vec![used(db, &key, 1_000, now.plus_seconds(-30 * DAY_SECONDS)), used(db, &other, 77, now)]);
        refuse(&app, &key, 7, now.plus_seconds(-DAY_SECONDS));

        let page = app.signed_in().get(&format!("/api-keys/{}", key.id)).assert_ok().page();

        let summary = "12,340 allowed and 7 refused in the last 30 days, most on 20 Feb";
        assert_eq!(page.text("#uses-by-day-summary"), summary);
        assert_eq!(page.text("#uses-by-hour-summary"), "40 allowed and 0 refused in the last 24 hours, most at 10:00 UTC on 1 Mar");
        let table = "section[aria-labelledby=key-uses] > .uses > .chart .chart__table tbody tr";
        let row = |number: usize| page.texts(&format!("{table}:nth-child({number}) > *"));
        assert_eq!((row(1), row(2)), (vec!["1 Mar".into(), "40".into(), "0".into()], vec!["28 Feb".into(), "0".into(), "7".into()]));
        assert_eq!((page.texts(table).len(), row(10)[1].as_str()), (30, "12,300"));
        let fills = page.attrs("svg[aria-labelledby^=uses-by-day] .chart__column > .chart__bar--striped", "fill");
        assert_eq!(fills, ["url(#uses-by-day-striped)"], "refused is told apart by more than its colour");
        assert!(page.has("pattern#uses-by-day-striped"));
        assert!(!page.has("[style]"), "the policy for content forbids styles in the page");
    }

    fn a_key_without_uses_says_so_and_one_from_before_the_counting_says_since_when_it_is_counted(db: &Database) {
        let app = app_at(db, datetime!(2027-03-01 10:30 UTC));
        let (old, new) = (app.make_key("Project X"), app.make_key("Project Y"));
        let since = UtcTime::from(datetime!(2027-02-28 09:00 UTC)).micros();
        db.execute(&format!("UPDATE key_use_counting SET since = {since}"));
        db.execute(&format!("UPDATE api_keys SET created_at = {} WHERE id = '{}'", since - 1, old.id));
        let uses = |key: &Key| {
            let page = app.signed_in().get(&format!("/api-keys/{}", key.id)).assert_ok().page();
            page.text("section[aria-labelledby=key-uses] .uses")
        };

        assert_eq!(uses(&new), "Not used in the last 30 days.");
        assert_eq!(uses(&old), "Not used in the last 30 days. Uses are counted since 28 Feb 2027, 09:00 UTC.");
        add(db, vec![used(db, &old, 1, app.clock.now())]);
        assert!(uses(&old).contains("Uses are counted since 28 Feb 2027, 09:00 UTC."));
    }

    fn the_list_has_a_small_picture_for_keys_that_were_used_of_late_also_after_a_switch(db: &Database) {
        let app = app_at(db, datetime!(2027-03-01 10:30 UTC));
        let [key, old, unused] = ["Project X", "Project Y", "Project Z"].map(|name| app.make_key(name));
        let now = app.clock.now();
        add(db, vec![used(db, &key, 3, now), used(db, &old, 3, now.plus_seconds(-31 * DAY_SECONDS))]);
        let client = app.signed_in();

        let page = client.get("/api-keys").assert_ok().page();
        let cell = |key: &Key| format!("#{} .api-key__used", key.id);
        assert_eq!(page.attrs(&format!("{} svg.sparkline path", cell(&key)), "d"), ["M87 18v-18h2v18z"]);
        assert_eq!(page.attr(&format!("{} svg.sparkline", cell(&key)), "aria-hidden"), "true");
        assert_eq!(page.text(&cell(&key)), "just now");
        assert!(!page.has(&format!("{} svg", cell(&old))), "used 31 days ago");
        assert_eq!(page.text(&cell(&old)), "1 month ago");
        assert!(!page.has(&format!("{} svg", cell(&unused))));

        let row = client.htmx("form").post(&key.status_path(), &[("status", "disabled")]).assert_ok().page();
        assert!(row.has(&format!("{} svg.sparkline", cell(&key))));
    }
}
