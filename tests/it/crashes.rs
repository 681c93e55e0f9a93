//! A server that is killed at any moment keeps what it acknowledged, and
//! leaves nothing half-made.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyfob::domain::api_key::ApiKeyId;
use keyfob::random;
use serde_json::json;

use crate::support::{Answer, Asker, Client, Database, EMAIL, Key, PASSWORD, Process, form, on_both_databases, run};

/// Browsers that write at the same time.
const WRITERS: usize = 4;
/// A round ends after at most as many acknowledged writes.
const LONGEST_ROUND: usize = 40;
/// Keys of an action that takes many transactions.
const MANY: usize = 5_000;
/// Keys that are used when the server is killed.
const USED: usize = 300;
/// Only uses of the last seconds may be lost, on a machine that has time for the server.
const MAY_BE_LOST: Duration = Duration::from_secs(2);

/// How often the server is killed; `KEYFOB_ROUNDS` asks for more.
fn rounds() -> usize {
    std::env::var("KEYFOB_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(20)
}

/// What a key was last told to be.
#[derive(Clone, Debug)]
struct Acknowledged {
    id: String,
    status: &'static str,
    /// A switch was under way when the server was killed, so that either is right.
    is_open: bool,
}

/// Acknowledged keys, by their secret.
#[derive(Default)]
struct Ledger(Mutex<BTreeMap<String, Acknowledged>>);

impl Ledger {
    fn note(&self, key: &Key, status: &'static str, is_open: bool) {
        self.0.lock().unwrap().insert(key.secret.clone(), Acknowledged { id: key.id.clone(), status, is_open });
    }
}

/// Sends a form to a server that may be gone at any moment; the answer, if it
/// was acknowledged.
fn post(client: &Client, path: &str, fields: &[(&str, &str)]) -> Option<Answer> {
    let body = form(fields);
    let answer = client.try_send("POST", path, Some(("application/x-www-form-urlencoded", body.as_bytes())));
    Some(answer.ok()?.assert_ok())
}

fn create(client: &Client) -> Option<Key> {
    let id = ApiKeyId::mint().to_string();
    let answer = post(client, "/api-keys", &[("key_id", &id), ("service", "sms"), ("name", "Project X")])?;
    Some(Key { id, secret: answer.page().text(".reveal .copyable__text[id^=key-secret]") })
}

/// A number that is another one every time.
fn any(below: usize) -> usize {
    usize::from(random::bytes::<1>().unwrap()[0]) % below
}

/// Makes a key, switches it off and on again, and deletes and restores it, for as long as it goes.
fn write(client: &Client, ledger: &Ledger, acknowledged: &AtomicUsize, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let Some(key) = create(client) else { return };
        acknowledged.fetch_add(1, Ordering::Relaxed);
        let mut before = "enabled";
        ledger.note(&key, before, false);
        for status in ["disabled", "enabled", "disabled"].into_iter().take(any(4)) {
            ledger.note(&key, before, true);
            if post(client, &key.status_path(), &[("status", status)]).is_none() {
                return;
            }
            acknowledged.fetch_add(1, Ordering::Relaxed);
            ledger.note(&key, status, false);
            before = status;
        }
        // Every third key is deleted, and every second one of these restored.
        for (action, status) in [("deletion", "deleted"), ("restoration", before)].into_iter().take(any(3)) {
            ledger.note(&key, before, true);
            let path = format!("/api-keys/{}/{action}", key.id);
            let sent = client.try_send("POST", &path, Some(("application/x-www-form-urlencoded", b"")));
            let Ok(answer) = sent else { return };
            answer.assert_status(303);
            ledger.note(&key, status, false);
        }
    }
}

/// Lets everybody write, and kills the server in the middle of it.
fn write_until_killed(process: Process, client: &Client, ledger: &Ledger, length: usize) {
    let (acknowledged, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let writer = client.htmx("form#api-key-form");
    thread::scope(|all| {
        for _ in 0..WRITERS {
            all.spawn(|| write(&writer, ledger, &acknowledged, &is_over));
        }
        while acknowledged.load(Ordering::Relaxed) < length {
            thread::yield_now();
        }
        process.kill();
        is_over.store(true, Ordering::Relaxed);
    });
}

/// Every acknowledged key is what it was last told to be.
#[track_caller]
fn assert_kept(client: &Client, ledger: &Ledger) {
    for (secret, key) in ledger.0.lock().unwrap().iter() {
        let verdict = client.post_json("/v1/keys/verify", json!({"key": secret}).to_string()).assert_ok().json();
        let code = match key.status {
            "enabled" => "VALID",
            "deleted" => "NOT_FOUND",
            _ => "DISABLED",
        };
        assert!(verdict["key_id"] == *key.id || verdict["code"] == "NOT_FOUND", "{verdict}");
        let is_right = verdict["code"] == code
            || (key.is_open && ["VALID", "DISABLED", "NOT_FOUND"].iter().any(|code| verdict["code"] == *code));
        assert!(is_right, "{key:?}: {verdict}");
    }
}

/// The file is sound, and no row lacks what belongs to it.
#[track_caller]
fn assert_sound(db: &Database, acknowledged: usize, rounds: usize) {
    if db.is_sqlite() {
        assert_eq!(db.ask("SELECT integrity_check AS line FROM pragma_integrity_check"), ["ok"]);
        assert_eq!(db.ask("SELECT \"table\" AS line FROM pragma_foreign_key_check"), [""; 0]);
    }
    let half_made = "s.id IS NULL OR length(s.digest) <> 32 OR k.name <> 'Project X' OR s.mask NOT LIKE 'sms_live_%' \
        OR k.created_by IS NULL OR NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.target_id = k.id)";
    let keys = "api_keys k LEFT JOIN key_secrets s ON s.api_key_id = k.id";
    assert_eq!(db.ask(&format!("SELECT k.id AS line FROM {keys} WHERE {half_made}")), [""; 0]);
    // Each change has its event, and each event its change.
    let events = |action: &str| {
        format!("(SELECT COUNT(*) FROM audit_events e WHERE e.target_id = k.id AND e.action = '{action}')")
    };
    let [created, enabled, disabled] = ["api_key.created", "api_key.enabled", "api_key.disabled"].map(events);
    let [deleted, restored] = ["api_key.deleted", "api_key.restored"].map(events);
    let is_off = "CASE k.status WHEN 'disabled' THEN 1 ELSE 0 END";
    let is_deleted = "CASE WHEN k.deleted_at IS NULL THEN 0 ELSE 1 END";
    let unlike =
        format!("{created} <> 1 OR {disabled} - {enabled} <> {is_off} OR {deleted} - {restored} <> {is_deleted}");
    assert_eq!(db.ask(&format!("SELECT k.id AS line FROM api_keys k WHERE {unlike}")), [""; 0]);
    let of_nothing = "action LIKE 'api_key.%' AND target_id NOT IN (SELECT id FROM api_keys)";
    assert_eq!(db.ask(&format!("SELECT target_id AS line FROM audit_events WHERE {of_nothing}")), [""; 0]);
    // Some were written down and not acknowledged any more: at most one for each writer and round.
    let made = db.count("api_keys");
    assert!((acknowledged..=acknowledged + WRITERS * rounds).contains(&made), "{made} of {acknowledged}");
}

/// Uses the keys in turn until the server is gone: which, and when it was told.
fn use_until_killed(url: &str, keys: &[Key], uses: &AtomicUsize) -> Vec<(usize, Instant)> {
    let (mut asker, mut told) = (Asker::to(url), Vec::new());
    for index in (0..keys.len()).cycle() {
        let Ok(answer) = asker.ask(&keys[index].secret) else { break };
        assert_eq!(answer.code, "VALID");
        told.push((index, Instant::now()));
        uses.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(1));
    }
    told
}

/// How long a busy machine kept everybody waiting at most: the longest that a user had no answer.
fn longest_gap(told: &[(usize, Instant)]) -> Duration {
    told.windows(2).map(|two| two[1].1 - two[0].1).max().unwrap_or_default()
}

/// How many uses of each key are written down.
fn written(db: &Database) -> BTreeMap<String, usize> {
    let lines = db.ask(
        "SELECT s.api_key_id || ' ' || u.uses AS line FROM key_secret_usages u \
         JOIN key_secrets s ON s.id = u.key_secret_id",
    );
    by_key(lines)
}

/// At one moment: the settled keys of actions, the disabled keys, and the events that say so.
fn disabled_so_far(db: &Database) -> (usize, usize, usize) {
    let line = db.ask(
        "SELECT (SELECT COUNT(*) FROM key_action_items WHERE outcome = 'changed') || ' ' || \
         (SELECT COUNT(*) FROM api_keys WHERE status = 'disabled') || ' ' || \
         (SELECT COUNT(*) FROM audit_events WHERE action = 'api_key.disabled') AS line",
    );
    let counts: Vec<usize> = line[0].split(' ').map(|count| count.parse().unwrap()).collect();
    (counts[0], counts[1], counts[2])
}

fn by_key(lines: Vec<String>) -> BTreeMap<String, usize> {
    let read = |line: String| line.split_once(' ').map(|(id, uses)| (id.to_owned(), uses.parse().unwrap())).unwrap();
    lines.into_iter().map(read).collect()
}

on_both_databases! {
    fn a_kill_loses_no_use_that_is_older_than_two_seconds_and_counts_none_twice(db: &Database) {
        let app = db.app();
        let conn = &mut db.conn();
        let keys: Vec<_> = (0..USED).map(|_| app.make_key_with(conn, "Project X")).collect();
        drop(app);
        let mut process = Process::serve(db);
        let (url, uses) = (process.client().base().to_owned(), AtomicUsize::new(0));

        let (killed, users) = thread::scope(|all| {
            let users = [(); 2].map(|()| all.spawn(|| use_until_killed(&url, &keys, &uses)));
            while uses.load(Ordering::SeqCst) < 3 * USED && !users.iter().any(|user| user.is_finished()) {
                thread::sleep(Duration::from_millis(5));
            }
            thread::sleep(MAY_BE_LOST + Duration::from_millis(6) * u32::try_from(any(256)).unwrap());
            let killed = Instant::now();
            process.kill();
            (killed, users.map(|user| user.join().unwrap()))
        });
        let may_be_lost = MAY_BE_LOST + users.iter().map(|told| longest_gap(told)).max().unwrap();
        let told = users.concat();

        let written = written(db);
        let mut old = 0;
        for (index, key) in keys.iter().enumerate() {
            let all = told.iter().filter(|(used, _)| *used == index).count();
            let safe = told.iter().filter(|(used, at)| *used == index && *at + may_be_lost < killed).count();
            let uses = written.get(&key.id).copied().unwrap_or_default();
            // The last one of either user may have been counted and not answered.
            assert!((safe..=all + 2).contains(&uses), "{uses} of {all}, of which {safe} are older");
            old += safe;
        }
        assert!(old > USED, "{old} uses only");
        for table in ["key_uses_by_hour", "key_uses_by_day"] {
            let lines = db.ask(&format!("SELECT api_key_id || ' ' || SUM(uses) AS line FROM {table} GROUP BY api_key_id"));
            assert_eq!(by_key(lines), written, "{table}");
        }
    }

    fn an_action_on_many_keys_goes_on_exactly_where_a_kill_stopped_it(db: &Database) {
        let app = db.app();
        let key = app.make_key("Project X");
        app.copy_key(&key, MANY - 1);
        drop(app);
        let mut process = Process::serve(db);
        let client = process.client();
        client.log_in(EMAIL, PASSWORD);
        let all = [("do", "disable"), ("scope", "matching"), ("filter", "")];
        let question = client.post("/api-keys/bulk", &all).assert_ok().page();
        let (count, newest) = (question.field("count"), question.field("newest"));
        let fields = [&all[..], &[("count", &*count), ("newest", &*newest)]].concat();

        let path = client.post("/api-keys/bulk/confirmation", &fields).assert_status(303).location().to_owned();
        process.kill();

        let (settled, disabled, events) = disabled_so_far(db);
        assert!((1..MANY).contains(&settled), "it was not in the middle: {settled}");
        assert_eq!((disabled, events), (settled, settled));
        let mut process = Process::serve(db);
        let client = client.at(process.client().base());
        db.execute("UPDATE key_actions SET updated_at = updated_at - 60000000");
        assert_eq!(client.get(&path).assert_ok().page().text("h1"), "Switch off 5,000 keys: stopped");
        client.post(&path, &[]).assert_leads_to(&path);
        while client.get(&path).assert_ok().page().has("progress") {
            thread::yield_now();
        }

        assert_eq!(client.get(&path).page().texts(".bulk-progress__result li"), ["5,000 keys switched off."]);
        assert_eq!(disabled_so_far(db), (MANY, MANY, MANY));
        let verdict = client.post_json("/v1/keys/verify", json!({"key": key.secret}).to_string()).assert_ok().json();
        assert_eq!(verdict["code"], "DISABLED");
    }

    fn what_was_acknowledged_survives_a_kill_at_any_moment(db: &Database) {
        run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
        let rounds = if db.is_sqlite() { rounds() } else { rounds().div_ceil(4) };
        let mut client = Client::new("");
        let (all, mut latest) = (Ledger::default(), Ledger::default());

        for _ in 0..rounds {
            let mut process = Process::serve(db);
            client = client.at(process.client().base());
            if client.cookies().is_empty() {
                client.log_in(EMAIL, PASSWORD);
            }
            assert_kept(&client, &latest);
            all.0.lock().unwrap().append(&mut latest.0.lock().unwrap());
            latest = Ledger::default();
            write_until_killed(process, &client, &latest, 1 + any(LONGEST_ROUND));
        }

        let mut process = Process::serve(db);
        all.0.lock().unwrap().append(&mut latest.0.lock().unwrap());
        assert_kept(&process.client(), &all);
        let acknowledged = all.0.lock().unwrap().len();
        assert!(acknowledged >= rounds, "{acknowledged} keys in {rounds} rounds");
        assert_sound(db, acknowledged, rounds);
    }
}
