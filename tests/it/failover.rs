//! PostgreSQL loses its last changes: in a failover to a standby that had not
//! received them, or in a restore. What was remembered before is forgotten,
//! although later changes get the numbers of those that were lost.

use std::time::{Duration, Instant};

use keyfob::clock::Clock;
use keyfob::domain::account;
use keyfob::domain::api_key::{self, KeyStatus};

use crate::support::{
    App, Asker, Authority, Database, Key, Pooler, PostgresPair, Tunnel, change, on_both_databases, run, time_until,
};

/// How long an instance may take to answer again.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that reaches PostgreSQL at an address which another server may take over.
fn behind<'db>(tunnel: &Tunnel, db: &'db Database) -> App<'db> {
    let url = url_at(&format!("127.0.0.1:{}", tunnel.port));
    App::start_set(db, |config| config.database_url = url.parse().unwrap(), Clock::System).with_operator()
}

fn url_at(address: &str) -> String {
    format!("postgres://postgres@{address}/postgres")
}

/// Switches a key off in `db`, as an instance does.
fn switch_off(app: &App, db: &Database, key: &Key) {
    let (account, id) = (account::first(&mut db.conn()).unwrap(), key.id.parse().unwrap());
    change(&mut db.conn(), app.clock.now(), |tx| api_key::set_status(tx, &account, &id, KeyStatus::Disabled));
}

/// The number of the last change.
fn revision(db: &Database) -> String {
    db.ask("SELECT CAST(latest AS TEXT) AS line FROM revisions WHERE name = 'api_keys'").remove(0)
}

/// Until then the gate may refuse to answer, since it looks for the database.
#[track_caller]
fn assert_comes_to(app: &App, key: &Key, code: &str) {
    time_until(&app.url, &key.secret, code);
    assert_eq!(Asker::to(&app.url).verify(&key.secret), code);
}

/// The verdict once the gate answers. A look-up may still meet a connection to the lost server,
/// which refuses with 503, and no other verdict may come before the right one.
#[track_caller]
fn assert_answers(app: &App, key: &Key, code: &str) {
    let (mut asker, began) = (Asker::to(&app.url), Instant::now());
    let answers = std::iter::repeat_with(|| asker.verify(&key.secret));
    let verdict = answers.take_while(|_| began.elapsed() < PATIENCE).find(|verdict| verdict != "UNAVAILABLE");
    assert_eq!(verdict.as_deref(), Some(code));
}

#[test]
fn after_a_failover_that_lost_changes_an_instance_answers_nothing_from_what_it_remembered() {
    fail_over_beneath(1);
}

#[test]
fn after_a_failover_that_lost_changes_two_instances_answer_nothing_from_what_they_remembered() {
    fail_over_beneath(2);
}

fn fail_over_beneath(instances: usize) {
    let pair = PostgresPair::start();
    let db = Database::Server(url_at(&pair.primary_address()));
    let tunnels: Vec<Tunnel> = (0..instances).map(|_| Tunnel::to(&pair.primary_address())).collect();
    let apps: Vec<App> = tunnels.iter().map(|tunnel| behind(tunnel, &db)).collect();
    let (kept, switched, other) = (apps[0].make_key("kept"), apps[0].make_key("switched"), apps[0].make_key("other"));
    pair.add_standby();
    pair.cut_off_standby();
    // The standby misses this change, and a key.
    switch_off(&apps[0], &db, &other);
    let lost = apps[0].make_key("lost");
    for app in &apps {
        assert_comes_to(app, &other, "DISABLED");
        for key in [&kept, &switched, &lost] {
            app.assert_verdict(&key.secret, "VALID");
        }
    }
    let last_seen = revision(&db);

    pair.kill_primary();
    pair.promote_standby();
    let db = Database::Server(url_at(&pair.standby_address()));
    switch_off(&apps[0], &db, &switched);
    assert_eq!(revision(&db), last_seen, "the number says that nothing has changed");
    tunnels.iter().for_each(|tunnel| tunnel.lead_to(&pair.standby_address()));

    for app in &apps {
        assert_comes_to(app, &kept, "VALID");
        assert_answers(app, &switched, "DISABLED");
        assert_answers(app, &lost, "NOT_FOUND");
        assert_answers(app, &other, "VALID");
    }
}

#[test]
fn behind_a_pooler_too_nothing_is_answered_from_what_was_remembered_before_a_failover() {
    let pair = PostgresPair::start();
    let db = Database::Server(url_at(&pair.primary_address()));
    let tunnel = Tunnel::to(&pair.primary_address());
    let pooler = Pooler::before(&format!("127.0.0.1:{}", tunnel.port));
    let app = App::start_set(
        &db,
        |config| {
            config.database_url = pooler.url(&db.url()).parse().unwrap();
            config.database.is_pooled = true;
        },
        Clock::System,
    )
    .with_operator();
    let kept = app.make_key("kept");
    pair.add_standby();
    pair.cut_off_standby();
    // The making of a key is in no log of changes.
    let lost = app.make_key("lost");
    for key in [&kept, &lost] {
        app.assert_verdict(&key.secret, "VALID");
    }

    pair.kill_primary();
    tunnel.lead_to(&pair.standby_address());
    assert_comes_to(&app, &kept, "UNAVAILABLE");
    pair.promote_standby();

    assert_comes_to(&app, &kept, "VALID");
    assert_answers(&app, &lost, "NOT_FOUND");
}

/// The primary dies beneath an instance that knows both servers, and the standby takes over.
fn take_over(pair: &PostgresPair, user: &str, parameters: &str) {
    let hosts = [pair.standby_address(), pair.primary_address()].join(",").replace("127.0.0.1", "localhost");
    let (primary, standby) = (url_at(&pair.primary_address()), url_at(&pair.standby_address()));
    let db = Database::Server(primary);
    let app = App::start_set(
        &db,
        |config| config.database_url = format!("postgres://{user}@{hosts}/postgres{parameters}").parse().unwrap(),
        Clock::System,
    )
    .with_operator();
    let (kept, off) = (app.make_key("kept"), app.make_key("off"));
    app.assert_verdict(&off.secret, "VALID");
    app.signed_in().switch(&off, "disabled");
    // From here on both hosts answer, and the first one is a standby.
    pair.add_standby();
    let connected = db.ask(&format!(
        "SELECT ssl::text AS line FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE usename = split_part('{user}', ':', 1) AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ));
    let is_encrypted = (!parameters.is_empty()).to_string();
    assert!(!connected.is_empty() && connected.iter().all(|ssl| *ssl == is_encrypted), "{connected:?}");
    assert_comes_to(&app, &kept, "VALID");

    pair.kill_primary();
    assert_comes_to(&app, &kept, "UNAVAILABLE");
    pair.promote_standby();

    assert_comes_to(&app, &kept, "VALID");
    app.assert_verdict(&off.secret, "DISABLED");
    let later = app.signed_in().create_key("after the failover");
    app.assert_verdict(&later.secret, "VALID");
    app.signed_in().switch(&kept, "disabled");
    app.assert_verdict(&kept.secret, "DISABLED");
    let names = Database::Server(standby).ask("SELECT name AS line FROM api_keys WHERE status = 'disabled' ORDER BY 1");
    assert_eq!(names, ["kept", "off"]);
}

#[test]
fn with_several_hosts_an_instance_goes_over_to_the_one_that_becomes_the_primary() {
    take_over(&PostgresPair::start(), "postgres", "");
}

#[test]
fn with_several_hosts_it_goes_over_to_an_encrypted_connection_that_is_checked() {
    let authority = Authority::new();
    let pair = PostgresPair::start_encrypted(&authority.sign("localhost"));
    let parameters = format!("?sslmode=verify-full&sslrootcert={}", authority.path().display());
    take_over(&pair, "keyfob:hunter2", &parameters);
}

#[test]
fn a_standby_is_not_taken_for_the_database() {
    let pair = PostgresPair::start();
    let db = Database::Server(url_at(&pair.primary_address()));
    let tunnel = Tunnel::to(&pair.primary_address());
    let app = behind(&tunnel, &db);
    let key = app.make_key("Project X");
    pair.add_standby();
    app.assert_verdict(&key.secret, "VALID");

    pair.kill_primary();
    tunnel.lead_to(&pair.standby_address());
    assert_comes_to(&app, &key, "UNAVAILABLE");
    let started = run(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url_at(&pair.standby_address())], "");
    started.assert_says("this server is a standby").assert_one_sentence();

    pair.promote_standby();
    assert_comes_to(&app, &key, "VALID");
}

on_both_databases! {
    fn a_restore_beneath_a_running_instance_is_noticed_although_the_number_is_the_same_again(db: &Database) {
        let app = db.app();
        let (kept, first, second) = (app.make_key("kept"), app.make_key("first"), app.make_key("second"));
        // Each is asked about before it is switched, so that its new verdict shows that
        // the change was seen.
        for key in [&kept, &first] {
            app.assert_verdict(&key.secret, "VALID");
            switch_off(&app, db, key);
            assert_comes_to(&app, key, "DISABLED");
        }
        app.assert_verdict(&second.secret, "VALID");
        let last_seen = revision(db);

        // What a restore leaves behind, and a change after it, before the next poll.
        db.execute(&format!(
            "BEGIN; UPDATE api_keys SET status = 'enabled' WHERE id = '{}'; \
             UPDATE api_keys SET status = 'disabled' WHERE id = '{}'; \
             UPDATE api_key_changes SET nonce = nonce + 1 WHERE revision = {last_seen}; \
             UPDATE revisions SET nonce = nonce + 1 WHERE name = 'api_keys'; COMMIT",
            first.id, second.id
        ));

        for (key, code) in [(&second, "DISABLED"), (&first, "VALID"), (&kept, "DISABLED")] {
            let lag = time_until(&app.url, &key.secret, code);
            assert!(lag < Duration::from_secs(1), "{code} after {lag:?}");
        }
    }
}
