//! How often, when and from where a key was used.

use std::thread;
use std::time::{Duration, Instant};

use keyfob::clock::Clock;
use keyfob::domain::api_key::KeySecretId;
use keyfob::domain::api_key::usage::{self, NewUses, SecretUsage};
use keyfob::store::Conn;
use serde_json::json;

use crate::support::{App, Asker, Database, Key, on_both_databases};

/// How long a test waits for uses to be written down, which is done every second and a half.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a write waits for a lock on PostgreSQL; on SQLite it waits longer.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

fn find(conn: &mut Conn, key: &Key) -> Option<SecretUsage> {
    use diesel::prelude::*;
    use keyfob::store::schema::{key_secret_usages, key_secrets};
    let rows = key_secret_usages::table.inner_join(key_secrets::table).filter(key_secrets::api_key_id.eq(&key.id));
    rows.select(SecretUsage::as_select()).first(conn).optional().unwrap()
}

fn secret_of(conn: &mut Conn, key: &Key) -> KeySecretId {
    use diesel::prelude::*;
    use keyfob::store::schema::key_secrets;
    key_secrets::table.filter(key_secrets::api_key_id.eq(&key.id)).select(key_secrets::id).first(conn).unwrap()
}

/// The key's uses, once there are so many.
#[track_caller]
fn wait_for(db: &Database, key: &Key, uses: i64) -> SecretUsage {
    let (began, conn) = (Instant::now(), &mut db.conn());
    loop {
        let usage = find(conn, key);
        match usage {
            Some(usage) if usage.uses >= uses => return usage,
            usage => assert!(began.elapsed() < PATIENCE, "{usage:?} instead of {uses}"),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn behind_proxies(db: &Database) -> App<'_> {
    let set = |config: &mut keyfob::config::Config| {
        config.trusted_proxies = keyfob::http::client_address::TrustedProxies::parse("127.0.0.1, 10.0.0.0/8").unwrap();
    };
    App::start_set(db, set, Clock::standing_at(keyfob::store::UtcTime::from_micros(1_772_366_400_000_000)))
        .with_operator()
}

on_both_databases! {
    fn every_use_is_counted_with_its_time_address_and_program(db: &Database) {
        let app = db.app();
        let (key, unused) = (app.make_key("Project X"), app.make_key("Project Y"));
        let question = json!({"key": key.secret, "client_ip": "203.0.113.9"}).to_string();

        let client = app.anonymous().with("user-agent", "sms-app/2\u{9b}1");
        (0..3).for_each(|_| { client.post_json("/v1/keys/verify", &question).assert_ok(); });

        let usage = wait_for(db, &key, 3);
        assert_eq!((usage.uses, usage.last_used_at), (3, app.clock.now()));
        assert_eq!((&*usage.address, &*usage.user_agent), ("203.0.113.9", "sms-app/21"), "without its control character");
        assert_eq!(find(&mut db.conn(), &unused), None);
    }

    fn a_refusal_is_no_use(db: &Database) {
        let app = db.app();
        let key = app.make_key_with_rules("messages.read", "203.0.113.9");
        let ask = |address: &str, scope: &str| {
            let question = json!({"key": key.secret, "client_ip": address, "scopes": [scope]}).to_string();
            app.anonymous().post_json("/v1/keys/verify", question).assert_ok().json()["code"].clone()
        };

        assert_eq!(ask("203.0.113.8", "messages.read"), "IP_NOT_ALLOWED");
        assert_eq!(ask("203.0.113.9", "messages.send"), "INSUFFICIENT_SCOPE");
        assert_eq!(ask("203.0.113.9", "messages.read"), "VALID");

        assert_eq!(wait_for(db, &key, 1).uses, 1);
    }

    fn the_last_use_is_told_with_its_own_address_and_program_however_soon_it_followed(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let ask = |agent: &str, address: &str| {
            let question = json!({"key": key.secret, "client_ip": address}).to_string();
            app.anonymous().with("user-agent", agent).post_json("/v1/keys/verify", &question).assert_ok();
        };

        ask("owner/1", "192.0.2.1");
        ask("thief/1", "192.0.2.2");
        let usage = wait_for(db, &key, 2);
        assert_eq!((&*usage.address, &*usage.user_agent), ("192.0.2.2", "thief/1"));

        ask("owner/1", "192.0.2.1");
        let usage = wait_for(db, &key, 3);
        assert_eq!((&*usage.address, &*usage.user_agent), ("192.0.2.1", "owner/1"));
    }

    fn only_a_key_that_opened_the_door_was_used(db: &Database) {
        let app = db.app();
        let (key, off) = (app.make_key("Project X"), app.make_key("Project Y"));
        app.gate_switch().set(&off, keyfob::domain::api_key::KeyStatus::Disabled);

        app.assert_verdict(&off.secret, "DISABLED");
        let elsewhere = json!({"key": key.secret, "service": "mail"}).to_string();
        app.anonymous().post_json("/v1/keys/verify", elsewhere).assert_ok();
        app.assert_verdict(&key.secret, "VALID");

        assert_eq!(wait_for(db, &key, 1).uses, 1);
        assert_eq!(find(&mut db.conn(), &off), None);
    }

    fn the_address_is_the_forwarded_one_where_a_proxy_is_trusted(db: &Database) {
        let app = behind_proxies(db);
        let key = app.make_key("Project X");
        let proxied = app.anonymous().with("x-api-key", &key.secret).with("user-agent", "curl/8");

        proxied.with("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.1.2.3").get("/v1/auth?service=sms").assert_ok();
        let usage = wait_for(db, &key, 1);

        assert_eq!((&*usage.address, &*usage.user_agent), ("203.0.113.9", "curl/8"));
    }

    fn the_forwarded_address_is_nothing_where_no_proxy_is_trusted(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let liar = app.anonymous().with("x-api-key", &key.secret).with("x-forwarded-for", "203.0.113.9");

        liar.with("user-agent", &"u".repeat(5_000)).get("/v1/auth?service=sms").assert_ok();
        let usage = wait_for(db, &key, 1);

        assert_eq!((&*usage.address, usage.user_agent.len()), ("127.0.0.1", 200));
    }

    fn what_comes_late_is_counted_and_turns_no_time_back(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let secret = secret_of(&mut db.conn(), &key);
        let at = |seconds: i64, address: &str| SecretUsage {
            key_secret_id: secret.clone(),
            uses: 2,
            last_used_at: app.clock.now().plus_seconds(seconds),
            address: address.to_owned(),
            user_agent: String::new(),
        };

        for (seconds, address) in [(10, "192.0.2.1"), (5, "192.0.2.2"), (20, "192.0.2.3"), (19, "192.0.2.4")] {
            let news = NewUses { api_key_id: key.id.parse().unwrap(), usage: at(seconds, address) };
            usage::add(&mut db.conn(), vec![news]).unwrap();
        }

        assert_eq!(find(&mut db.conn(), &key), Some(SecretUsage { uses: 8, ..at(20, "192.0.2.3") }));
    }

    fn many_keys_are_written_down_together_whatever_became_of_them(db: &Database) {
        let app = db.app();
        let conn = &mut db.conn();
        let keys: Vec<_> = (0..450).map(|_| app.make_key_with(conn, "Project X")).collect();
        let gone = app.make_key_with(conn, "Project Y");
        let secrets: Vec<_> = keys.iter().chain([&gone]).map(|key| secret_of(conn, key)).collect();
        db.execute(&format!("DELETE FROM api_keys WHERE id = '{}'", gone.id));
        let used = |secret: &KeySecretId, seconds: i64| SecretUsage {
            key_secret_id: secret.clone(),
            uses: 2,
            last_used_at: app.clock.now().plus_seconds(seconds),
            address: seconds.to_string(),
            user_agent: String::new(),
        };

        for round in 0..2 {
            let once = secrets.iter().map(|secret| used(secret, round));
            let again = [7, -5].map(|seconds| used(&secrets[round as usize], seconds));
            let of_key = |usage: SecretUsage| {
                let place = secrets.iter().position(|secret| *secret == usage.key_secret_id).unwrap();
                NewUses { api_key_id: keys.get(place).unwrap_or(&gone).id.parse().unwrap(), usage }
            };
            usage::add(conn, once.chain(again).map(of_key).collect()).unwrap();
        }

        for (number, key) in keys.iter().enumerate() {
            let (uses, seconds) = if number < 2 { (8, 7) } else { (4, 1) };
            let expected = SecretUsage { uses, ..used(&secrets[number], seconds) };
            assert_eq!(find(conn, key), Some(expected), "{number}");
        }
        assert_eq!(find(conn, &gone), None);
    }

    fn two_instances_add_up(db: &Database) {
        let app = db.app();
        let other = app.another_instance();
        let keys: Vec<_> = (0..20).map(|_| app.make_key("Project X")).collect();

        for round in 0..3 {
            for key in &keys {
                app.assert_verdict(&key.secret, "VALID");
                other.assert_verdict(&keys[(round + 7) % 20].secret, "VALID");
            }
        }

        let total = || keys.iter().filter_map(|key| find(&mut db.conn(), key)).map(|usage| usage.uses).sum::<i64>();
        let began = Instant::now();
        while total() < 120 {
            assert!(began.elapsed() < PATIENCE, "{}", total());
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(total(), 120);
    }

    fn verdicts_do_not_wait_while_nothing_can_be_written_and_no_use_is_lost(db: &Database) {
        let app = db.app();
        let (known, unknown) = (app.make_key("Project X"), app.make_key("Project Y"));
        let mut asker = Asker::to(&app.url);
        assert_eq!(asker.verify(&known.secret), "VALID");
        let lock = db.lock();
        let began = Instant::now();

        let mut uses = 1;
        let mut slowest = Duration::ZERO;
        while began.elapsed() < Duration::from_millis(2_500) {
            let asked = Instant::now();
            assert_eq!(asker.verify(&known.secret), "VALID");
            uses += 1;
            slowest = slowest.max(asked.elapsed());
        }
        assert_eq!(asker.verify(&unknown.secret), "VALID");
        drop(lock);

        assert!(slowest < LOCK_TIMEOUT, "a verdict waited with the writes: {slowest:?}");
        let began = Instant::now();
        while find(&mut db.conn(), &known).is_none_or(|usage| usage.uses < uses) {
            assert!(began.elapsed() < PATIENCE, "uses are missing");
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(find(&mut db.conn(), &known).unwrap().uses, uses);
    }
}
