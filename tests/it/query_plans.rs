//! Queries that must not walk through all keys of an account go along their index. Each is taken
//! from the connection as the code sends it.

use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::prelude::*;
use diesel::sql_types::Text;
use keyfob::domain::account;
use keyfob::domain::api_key::{ExternalId, ServiceReach, count_with_external_id};
use keyfob::store::{Conn, Digest};
use serde_json::json;

use crate::support::{Database, Program, on_both_databases};

/// Keeps the statements that a connection sends.
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            // Before what it is bound to.
            let text = query.to_string();
            let statement = text.split(" -- binds").next().unwrap_or_default();
            self.0.lock().unwrap().push(statement.to_owned());
        }
    }
}

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// How the database would run a statement, of which PostgreSQL's has these values.
fn plan(db: &Database, statement: &str, values: &[&str]) -> String {
    if let Conn::Sqlite(mut conn) = db.conn() {
        let steps: Vec<SqliteStep> =
            diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(&mut conn).unwrap();
        return steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("\n");
    }
    let numbered = values.iter().enumerate().map(|(place, value)| (format!("${}", place + 1), format!("'{value}'")));
    let filled = numbered.fold(statement.to_owned(), |text, (number, value)| text.replace(&number, &value));
    db.execute(
        "ANALYZE; CREATE OR REPLACE FUNCTION plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS \
         'DECLARE step text; BEGIN FOR step IN EXECUTE ''EXPLAIN '' || statement LOOP RETURN NEXT step; END LOOP; END'",
    );
    db.ask(&format!("SELECT plan AS line FROM plan($statement${filled}$statement$)")).join("\n")
}

on_both_databases! {
    fn keys_with_an_external_id_are_counted_along_its_index(db: &Database) {
        let app = db.app();
        let program = Program::of(&app);
        let line = |number: usize| {
            let sha256 = Digest::of(number.to_string().as_bytes()).to_hex();
            json!({"service": "sms", "name": "Customer", "mode": "live", "sha256": sha256, "external_id": format!("cust_{number}")}).to_string()
        };
        let lines: Vec<String> = (0..1_000).map(line).collect();
        let body = Some(("application/jsonl", lines.join("\n").into_bytes()));
        let body = body.as_ref().map(|(content_type, text)| (*content_type, &**text));
        program.client.send("POST", "/v1/key-imports", body).assert_ok();
        let mut conn = db.conn();
        let account = account::first(&mut conn).unwrap();
        let sent = Arc::default();
        conn.set_instrumentation(Recorder(Arc::clone(&sent)));

        let id = ExternalId::parse("cust_7").unwrap();
        let count = count_with_external_id(&mut conn, &account, &id, &ServiceReach::all()).unwrap();

        let sent = sent.lock().unwrap();
        assert_eq!((count, sent.len()), (1, 1), "{sent:?}");
        let plan = plan(db, &sent[0], &[account.as_str(), "cust_7"]);
        assert!(plan.contains("api_keys_by_external_id") && plan.matches("external_id").count() > 1, "{plan}\n{}", sent[0]);
    }
}
