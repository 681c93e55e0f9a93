//! "Off" means off: on this instance for every request that begins after the
//! answer, on every other one within a second.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::Connection as _;
use diesel::connection::SimpleConnection;
use keyfob::domain::account;
use keyfob::domain::api_key::{self, KeyStatus};
use keyfob::error::Error;
use keyfob::store::change_log::{self, SecretChange};
use keyfob::store::{Actor, Digest, Tx};

use crate::support::{App, Asker, Client, GateSwitch, Key, Off, on_both_databases, time_until};

const CLIENTS: usize = 32;
/// Keys that are there from the start, and stay.
const OLD: usize = 8;
/// Rounds of four switches each, on either database; every second one ends with a deletion.
const ROUNDS: usize = 250;
/// The one in so many that is made in the dashboard.
const BY_HAND: usize = 20;

/// From when to when something was done, and what came of it.
struct Event<T> {
    key: usize,
    began: Instant,
    ended: Instant,
    what: T,
}

fn event<T>(key: usize, work: impl FnOnce() -> T) -> Event<T> {
    let began = Instant::now();
    let what = work();
    Event { key, began, ended: Instant::now(), what }
}

/// Narrows and deletes keys of which some are remembered and some were never asked about.
struct Switcher<'a> {
    app: &'a App<'a>,
    operator: Client,
    at_gate: GateSwitch,
    keys: &'a RwLock<Vec<Key>>,
    answers: &'a AtomicUsize,
    done: Vec<Event<&'static str>>,
}

/// Each key is off in a way of its own.
const fn way_of(index: usize) -> Off {
    Off::ALL[index % Off::ALL.len()]
}

/// Of the keys that were made, one in the middle that is not deleted.
fn middle(newest: usize) -> usize {
    (OLD + newest.saturating_sub(OLD) / 4 * 2).min(newest)
}

impl Switcher<'_> {
    fn switch(&mut self, index: usize, is_on: bool) {
        self.switch_at_once(index, is_on);
        self.let_them_ask();
    }

    fn switch_at_once(&mut self, index: usize, is_on: bool) {
        let (key, off) = (self.keys.read().unwrap()[index].clone(), way_of(index));
        let by_hand = off == Off::Disabled && self.done.len().is_multiple_of(BY_HAND);
        self.done.push(event(index, || {
            if by_hand {
                self.operator.switch(&key, if is_on { "enabled" } else { "disabled" });
            } else {
                self.at_gate.turn(&key, off, is_on);
            }
            if is_on { "VALID" } else { off.code() }
        }));
    }

    fn delete(&mut self, index: usize) {
        let key = self.keys.read().unwrap()[index].clone();
        let by_hand = self.done.len().is_multiple_of(BY_HAND);
        self.done.push(event(index, || {
            if by_hand {
                self.operator.post(&format!("/api-keys/{}/deletion", key.id), &[]).assert_status(303);
            } else {
                self.at_gate.delete(&key);
            }
            "NOT_FOUND"
        }));
        self.let_them_ask();
    }

    /// Waits for some answers, of which most are to requests that began after the change.
    fn let_them_ask(&self) {
        let enough = self.answers.load(Ordering::SeqCst) + CLIENTS / 2;
        while self.answers.load(Ordering::SeqCst) < enough {
            thread::sleep(Duration::from_micros(200));
        }
    }

    fn all_rounds(mut self) -> Vec<Event<&'static str>> {
        let conn = &mut self.app.db.conn();
        for round in 0..ROUNDS {
            let new = {
                let key = self.app.make_key_with(conn, "new");
                let mut keys = self.keys.write().unwrap();
                keys.push(key);
                keys.len() - 1
            };
            self.switch(new, false);
            self.switch(middle(new), !round.is_multiple_of(2));
            self.switch(round % OLD, !(round / OLD).is_multiple_of(2));
            self.switch_at_once(new, true);
            // Every fourth key is deleted when memory has just forgotten it, and
            // one more when it is remembered again.
            if round % 4 != 1 {
                self.let_them_ask();
            }
            if round % 2 == 1 {
                self.delete(new);
            }
        }
        self.done
    }
}

/// Asks about the newest key, the one in the middle and an old one in turn,
/// until it is enough.
fn ask_on(
    url: &str,
    keys: &RwLock<Vec<Key>>,
    enough: &AtomicBool,
    answers: &AtomicUsize,
    seed: usize,
) -> Vec<Event<String>> {
    let (mut asker, mut asked) = (Asker::to(url), Vec::new());
    while !enough.load(Ordering::SeqCst) {
        let (index, secret) = {
            let keys = keys.read().unwrap();
            let index = [keys.len() - 1, middle(keys.len() - 1), (seed + asked.len()) % OLD][asked.len() % 3];
            (index, keys[index].secret.clone())
        };
        asked.push(event(index, || asker.verify_sender(&secret)));
        answers.fetch_add(1, Ordering::SeqCst);
    }
    asked
}

/// Every verdict that was possible for a request of this time, given the
/// changes of its key: what the last one before it left, and what every one
/// beside it wanted.
fn possible(changes: &[&Event<&'static str>], asked: &Event<String>) -> Vec<&'static str> {
    let before = changes.iter().rfind(|change| change.ended <= asked.began);
    let beside = changes.iter().filter(|change| change.ended > asked.began && change.began <= asked.ended);
    let mut codes: Vec<_> = beside.map(|change| change.what).collect();
    codes.push(before.map_or("VALID", |change| change.what));
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Changes a key as the command line does: beside the server, and noted.
fn change_beside(app: &App, key: &Key, sql: &str) {
    app.db
        .conn()
        .transaction(|conn| {
            conn.batch_execute(&format!("{sql} WHERE id = '{}'", key.id))?;
            let change = SecretChange { digest: Digest::of(key.secret.as_bytes()), is_imported: false };
            change_log::append(conn, &[change])
        })
        .unwrap();
}

on_both_databases! {
    fn no_request_that_begins_after_a_change_or_deletion_was_answered_knows_the_key_as_it_was(db: &Database) {
        let app = db.app();
        let keys = RwLock::new((0..OLD).map(|_| app.make_key("old")).collect::<Vec<_>>());
        let (enough, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
        let switcher = Switcher { app: &app, operator: app.signed_in(), at_gate: app.gate_switch(), keys: &keys, answers: &answers, done: Vec::new() };

        let (changes, asked) = thread::scope(|all| {
            let askers: Vec<_> =
                (0..CLIENTS).map(|seed| all.spawn({
                    let (url, keys, enough, answers) = (&app.url, &keys, &enough, &answers);
                    move || ask_on(url, keys, enough, answers, seed)
                })).collect();
            let changes = all.spawn(|| switcher.all_rounds()).join();
            enough.store(true, Ordering::SeqCst);
            let asked: Vec<_> = askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect();
            (changes.unwrap(), asked)
        });

        let (mut decided, mut known) = ([0; 2 + Off::ALL.len()], 0);
        let mut of_key: Vec<Vec<&Event<&'static str>>> = keys.read().unwrap().iter().map(|_| Vec::new()).collect();
        changes.iter().for_each(|change| of_key[change.key].push(change));
        for event in &asked {
            let possible = possible(&of_key[event.key], event);
            if event.what == "UNAVAILABLE" {
                continue; // a machine with too much to do, which lets nobody in
            }
            known += 1;
            assert!(possible.contains(&&*event.what), "{} where {possible:?} was possible", event.what);
            match *possible {
                ["VALID"] => decided[0] += 1,
                ["NOT_FOUND"] => decided[1] += 1,
                [code] => decided[2 + Off::ALL.iter().position(|off| off.code() == code).unwrap()] += 1,
                _ => {}
            }
        }
        assert_eq!(changes.len(), 4 * ROUNDS + ROUNDS / 2);
        assert!(decided[0] > known / 10 && decided[2..].iter().sum::<usize>() > known / 10, "{decided:?} of {known}");
        assert!(decided[1..].iter().all(|count| *count > ROUNDS), "{decided:?} of {known}");
    }

    fn every_other_instance_refuses_a_key_within_a_second_and_lets_it_in_again(db: &Database) {
        let app = db.app();
        let others = [app.another_instance(), app.another_instance()];
        let (operator, key) = (app.signed_in(), app.make_key("Project X"));
        others.iter().for_each(|other| other.assert_verdict(&key.secret, "VALID"));

        for (status, code) in [("disabled", "DISABLED"), ("enabled", "VALID"), ("disabled", "DISABLED")] {
            operator.switch(&key, status);
            app.assert_verdict(&key.secret, code);
            let lags = thread::scope(|all| {
                let key = &key;
                let waits = others.each_ref().map(|other| all.spawn(|| time_until(&other.url, &key.secret, code)));
                waits.map(|wait| wait.join().unwrap())
            });
            assert!(lags.iter().all(|lag| *lag < Duration::from_secs(1)), "{code} after {lags:?}");
        }
    }

    fn a_change_beside_the_server_is_known_within_a_second(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        app.assert_verdict(&key.secret, "VALID");

        for (change, code) in [
            ("UPDATE api_keys SET status = 'disabled'", "DISABLED"),
            ("UPDATE api_keys SET status = 'enabled'", "VALID"),
            ("UPDATE api_keys SET expires_at = 1", "EXPIRED"),
            ("UPDATE api_keys SET expires_at = NULL", "VALID"),
            ("DELETE FROM api_keys", "NOT_FOUND"),
        ] {
            change_beside(&app, &key, change);
            let lag = time_until(&app.url, &key.secret, code);
            assert!(lag < Duration::from_secs(1), "{code} after {lag:?}");
        }
    }

    fn a_change_beside_the_server_is_logged_with_its_transaction(db: &Database) {
        let app = db.app();
        let (key, kept) = (app.make_key("Project X"), app.make_key("Project Y"));
        let account = account::first(&mut db.conn()).unwrap();
        app.assert_verdict(&key.secret, "VALID");

        db.conn()
            .transaction::<_, Error, _>(|conn| {
                let id = key.id.parse().unwrap();
                Tx::run(conn, Actor::system(), app.clock.now(), |tx| {
                    api_key::set_status(tx, &account, &id, KeyStatus::Disabled)
                })
            })
            .unwrap();

        assert!(time_until(&app.url, &key.secret, "DISABLED") < Duration::from_secs(1));
        app.assert_verdict(&kept.secret, "VALID");
    }

    fn an_instance_that_missed_more_changes_than_are_kept_forgets_everything(db: &Database) {
        let app = db.app();
        let (key, kept) = (app.make_key("Project X"), app.make_key("Project Y"));
        app.assert_verdict(&key.secret, "VALID");
        app.assert_verdict(&kept.secret, "VALID");

        // As if others had made so many changes that the log no longer has this one.
        db.execute(&format!(
            "BEGIN; UPDATE api_keys SET status = 'disabled' WHERE id = '{}'; \
             UPDATE revisions SET latest = latest + 20000; COMMIT",
            key.id
        ));

        assert!(time_until(&app.url, &key.secret, "DISABLED") < Duration::from_secs(1));
        app.assert_verdict(&kept.secret, "VALID");
    }

    fn a_key_expires_at_its_moment_though_it_is_remembered(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        let end = app.clock.now().plus_seconds(60).micros();
        change_beside(&app, &key, &format!("UPDATE api_keys SET expires_at = {end}"));
        app.assert_verdict(&key.secret, "VALID");

        app.clock.advance(59);
        app.assert_verdict(&key.secret, "VALID");
        app.clock.advance(1);

        app.assert_verdict(&key.secret, "EXPIRED");
    }
}
