//! Statements that are kept prepared.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::prelude::*;
use keyfob::store::{Conn, PrepareCached};

use crate::support::on_both_databases;

const CHANGE: &str = "UPDATE operators SET name = name";

/// Counts the statements that a connection keeps from now on.
fn count_kept(conn: &mut Conn) -> Arc<AtomicUsize> {
    struct Counter(Arc<AtomicUsize>);

    impl Instrumentation for Counter {
        fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
            if matches!(event, InstrumentationEvent::CacheQuery { .. }) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    let kept = Arc::default();
    conn.set_instrumentation(Counter(Arc::clone(&kept)));
    kept
}

on_both_databases! {
    fn a_cached_change_is_prepared_once_and_another_one_every_time(db: &Database) {
        let _app = db.app();
        let mut conn = db.conn();
        let kept = count_kept(&mut conn);

        for _ in 0..3 {
            diesel::sql_query(CHANGE).prepare_cached().execute(&mut conn).unwrap();
        }
        assert_eq!(kept.load(Ordering::SeqCst), 1);
        for _ in 0..3 {
            diesel::sql_query(CHANGE).execute(&mut conn).unwrap();
        }
        assert_eq!(kept.load(Ordering::SeqCst), 1);
    }

    fn a_cached_change_reports_the_constraint_that_it_violates(db: &Database) {
        let _app = db.app();
        let mut conn = db.conn();
        let mut rename = |name: &str| {
            diesel::sql_query(format!("UPDATE operators SET name = {name}")).prepare_cached().execute(&mut conn)
        };

        rename("'Grace'").unwrap();
        rename("NULL").unwrap_err();
        assert_eq!(db.ask("SELECT name AS line FROM operators"), ["Grace"]);
    }
}

/// Without it, SQLite would plan a kept statement with a `LIMIT ?` anew for every use.
#[test]
fn sqlite_keeps_the_plan_of_a_kept_statement() {
    let db = crate::support::Database::sqlite();
    let _app = db.first_start();
    let options = db.ask("SELECT compile_options AS line FROM pragma_compile_options");
    assert!(options.contains(&"ENABLE_QPSG".to_owned()), "{options:?}");
}
