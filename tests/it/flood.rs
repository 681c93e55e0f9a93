//! A flood of keys that nobody has: it takes no memory, and no more
//! connections than look-ups may have.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use keyfob::domain::api_key::secret::{KeySecret, Mode};
use keyfob::store::MAX_LOOK_UPS;

use crate::support::{Asker, Client, Database, EMAIL, Key, PASSWORD, Process, on_both_databases};

const CLIENTS: usize = 64;

/// What a flood may add to the most that was ever in memory, in KiB.
const MOST_GROWTH_KIB: usize = 8 * 1024;
/// How many questions of the flood may be answered for each page that the
/// operator gets meanwhile. A count, since a busy machine slows down both.
const MAX_QUESTIONS_PER_PAGE: usize = 1_000;

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

/// How many pages the operator got while the flood went on.
fn visit_during_a_flood(client: &Client, known: &mut Asker, key: &Key, requests: usize) -> usize {
    let over = AtomicBool::new(false);
    thread::scope(|all| {
        let visits = all.spawn(|| {
            let mut pages = 0;
            while !over.load(Ordering::SeqCst) {
                client.get("/api-keys").assert_ok();
                assert_eq!(known.verify(&key.secret), "VALID");
                pages += 1;
            }
            pages
        });
        flood(client.base(), requests);
        over.store(true, Ordering::SeqCst);
        visits.join().unwrap()
    })
}

on_both_databases! {
    fn a_flood_of_unknown_keys_takes_no_memory_and_leaves_the_dashboard_to_its_operator(db: &Database) {
        let key = db.app().make_key("Project X");
        let mut server = Process::serve(db);
        let client = server.client();
        client.log_in(EMAIL, PASSWORD);
        let mut known = Asker::to(client.base());
        assert_eq!(known.verify(&key.secret), "VALID");

        // What any flood needs, such as 64 connections, is in memory from then on.
        visit_during_a_flood(&client, &mut known, &key, 1_000);
        let before = server.peak_memory();
        let pages = visit_during_a_flood(&client, &mut known, &key, 10_000);

        let grown = server.peak_memory() - before;
        assert!(grown < MOST_GROWTH_KIB, "{grown} KiB more than {before} KiB");
        assert!(pages * MAX_QUESTIONS_PER_PAGE >= 10_000, "the operator got {pages} pages");
    }
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

    assert!((1..=i64::from(MAX_LOOK_UPS)).contains(&most), "{most}");
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
