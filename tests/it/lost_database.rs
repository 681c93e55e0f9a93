//! When the database is lost, no key is let in after a second; when it is back,
//! all is well again without a restart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyfob::clock::Clock;

use crate::support::{App, Asker, Client, Database, Key, Tunnel, on_both_databases};

/// When the last request was sent that is answered by a verdict; the server's own limit is 750 ms.
const LAST_VERDICT: Duration = Duration::from_secs(1);
/// How long the network is away.
const OUTAGE: Duration = Duration::from_secs(10);
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until `code` comes ten times in a row; how long after the start was
/// asked what had another answer for the last time.
fn last_other(app: &App, key: &Key, code: &str) -> Duration {
    let (began, mut asker) = (Instant::now(), Asker::to(&app.url));
    let (mut in_a_row, mut last) = (0, Duration::ZERO);
    while in_a_row < 10 {
        let asked_at = began.elapsed();
        assert!(asked_at < PATIENCE, "never {code}");
        if asker.verify(&key.secret) == code {
            in_a_row += 1;
            thread::sleep(Duration::from_millis(20));
        } else {
            (in_a_row, last) = (0, asked_at);
        }
    }
    last
}

/// The database is still away when this returns, so no refusal waits until it is back.
#[track_caller]
fn assert_refused_after_a_second(app: &App, key: &Key) {
    let last = last_other(app, key, "UNAVAILABLE");
    assert!(last < LAST_VERDICT, "a verdict after {last:?}");
}

#[track_caller]
fn assert_back(app: &App, key: &Key, operator: &Client) {
    let began = Instant::now();
    last_other(app, key, "VALID");
    while app.anonymous().get("/readyz").status != 200 || operator.get("/api-keys").status != 200 {
        assert!(began.elapsed() < PATIENCE, "not ready");
    }
}

/// Nobody is let in, and everybody is told so while the database is away.
#[track_caller]
fn assert_all_say_so(app: &App, key: &Key, operator: &Client, until: Instant) {
    let done = AtomicBool::new(false);
    thread::scope(|all| {
        all.spawn(|| {
            let mut asker = Asker::to(&app.url);
            while !done.load(Ordering::SeqCst) {
                assert_eq!(asker.verify(&key.secret), "UNAVAILABLE");
                thread::sleep(Duration::from_millis(5));
            }
        });
        app.anonymous().get("/healthz").assert_ok();
        app.anonymous()
            .with("x-api-key", &key.secret)
            .get("/v1/auth?service=sms")
            .assert_problem(503, "UNAVAILABLE")
            .assert_header("x-auth-code", "UNAVAILABLE");
        app.anonymous().get("/readyz").assert_status(503);
        assert_eq!(operator.get("/api-keys").assert_status(503).page().text("h1"), "Not available");
        thread::sleep(until.saturating_duration_since(Instant::now()));
        done.store(true, Ordering::SeqCst);
    });
}

/// A server that reaches PostgreSQL by way of a network that can fail.
fn behind<'db>(tunnel: &Tunnel, db: &'db Database) -> App<'db> {
    let url = db.url();
    let (_, name) = url.rsplit_once('/').unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{}/{name}", tunnel.port);
    App::start_set(db, |config| config.database_url = url.parse().unwrap(), Clock::System).with_operator()
}

fn postgres_address() -> String {
    let url = std::env::var("TEST_POSTGRES_URL").unwrap();
    url.split(['@', '/']).find(|part| part.contains(':') && !part.ends_with(':')).unwrap().to_owned()
}

on_both_databases! {
    fn when_the_database_is_taken_away_no_key_is_let_in_after_a_second(db: &Database) {
        let app = db.app();
        let (operator, key) = (app.signed_in(), app.make_key("Project X"));
        app.assert_verdict(&key.secret, "VALID");

        db.take_away();
        assert_refused_after_a_second(&app, &key);
        assert_all_say_so(&app, &key, &operator, Instant::now());
        db.bring_back();

        assert_back(&app, &key, &operator);
    }
}

#[test]
fn when_the_file_is_replaced_no_key_is_let_in_after_a_second() {
    let db = Database::sqlite();
    let app = db.app();
    let (operator, key) = (app.signed_in(), app.make_key("Project X"));
    app.assert_verdict(&key.secret, "VALID");

    std::fs::copy(db.file(), db.file().with_extension("copy")).unwrap();
    std::fs::rename(db.file().with_extension("copy"), db.file()).unwrap();

    assert_refused_after_a_second(&app, &key);
    assert_all_say_so(&app, &key, &operator, Instant::now());
}

/// Lets the network fail in one way, and a little later in another one.
fn lose_the_network(first: fn(&Tunnel), then: fn(&Tunnel)) {
    let (db, tunnel) = (Database::postgres(), Tunnel::to(&postgres_address()));
    let app = behind(&tunnel, &db);
    let (operator, key) = (app.signed_in(), app.make_key("Project X"));
    app.assert_verdict(&key.secret, "VALID");
    let until = Instant::now() + OUTAGE;

    first(&tunnel);
    assert_refused_after_a_second(&app, &key);
    then(&tunnel);
    assert_all_say_so(&app, &key, &operator, until);
    tunnel.open();

    assert_back(&app, &key, &operator);
}

#[test]
fn when_the_network_is_lost_for_ten_seconds_no_key_is_let_in_after_the_first() {
    thread::scope(|all| {
        for (first, then) in [
            (Tunnel::fall_silent as fn(&Tunnel), Tunnel::fall_silent as fn(&Tunnel)),
            (Tunnel::fall_silent, Tunnel::cut),
            (Tunnel::cut, Tunnel::cut),
        ] {
            all.spawn(move || lose_the_network(first, then));
        }
    });
}
