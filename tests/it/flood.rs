//! A flood of keys that nobody has: it takes no memory, and no more
//! connections than look-ups may have.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyfob::domain::key_secret::{KeySecret, Mode};
use keyfob::store::LOOK_UPS;

use crate::support::{Asker, Database, EMAIL, PASSWORD, Process};

const CLIENTS: usize = 64;

/// What a process has in memory, in kilobytes.
fn resident(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Asks about as many keys, each of them once, which have the right checksum
/// and no owner.
fn flood(url: &str, requests: usize) {
    thread::scope(|all| {
        for _ in 0..CLIENTS {
            all.spawn(|| {
                let mut asker = Asker::to(url);
                for _ in 0..requests / CLIENTS {
                    let key = KeySecret::generate("sms", Mode::Live).unwrap();
                    let code = asker.verify(key.expose());
                    // A look-up that waits for more than a second is not worth an answer.
                    assert!(matches!(&*code, "NOT_FOUND" | "UNAVAILABLE"), "{code}");
                }
            });
        }
    });
}

#[test]
fn a_flood_of_unknown_keys_takes_no_memory_and_leaves_the_dashboard_to_its_operator() {
    let db = Database::sqlite();
    let key = db.app().make_key("Project X");
    let mut server = Process::serve(&db);
    let client = server.client();
    client.log_in(EMAIL, PASSWORD);
    let mut known = Asker::to(client.base());
    assert_eq!(known.verify(&key.secret), "VALID");

    let mut use_it_meanwhile = || {
        let over = AtomicBool::new(false);
        thread::scope(|all| {
            let dashboard = all.spawn(|| {
                let mut slowest = Duration::ZERO;
                while !over.load(Ordering::SeqCst) {
                    let asked = Instant::now();
                    client.get("/api-keys").assert_ok();
                    assert_eq!(known.verify(&key.secret), "VALID");
                    slowest = slowest.max(asked.elapsed());
                }
                slowest
            });
            flood(client.base(), 10_000);
            over.store(true, Ordering::SeqCst);
            dashboard.join().unwrap()
        })
    };
    use_it_meanwhile();
    let before = resident(&server);
    let slowest = use_it_meanwhile();

    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} kB more than {before} kB");
    assert!(slowest < Duration::from_secs(2), "the dashboard took {slowest:?}");
}

#[test]
fn look_ups_never_take_more_connections_than_they_have() {
    let db = Database::postgres();
    let app = db.app();
    let over = AtomicBool::new(false);
    let asking = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%\"digest\" =%'";
    db.execute(&format!("CREATE VIEW look_ups AS {asking} AND query NOT LIKE '%pg_stat_activity%'"));

    let most = thread::scope(|all| {
        let watch = all.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::SeqCst) {
                most = most.max(count_look_ups(&db));
            }
            most
        });
        flood(&app.url, 2_000);
        over.store(true, Ordering::SeqCst);
        watch.join().unwrap()
    });

    assert!((1..=i64::from(LOOK_UPS)).contains(&most), "{most}");
}

fn count_look_ups(db: &Database) -> i64 {
    use diesel::RunQueryDsl;
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    let counted: Count =
        diesel::sql_query("SELECT count(*) AS count FROM look_ups").get_result(&mut db.conn()).unwrap();
    counted.count
}
