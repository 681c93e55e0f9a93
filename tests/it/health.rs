//! For whoever watches over the process; what happens without a database is
//! in `outages.rs`.

use serde_json::json;

use crate::support::on_both_databases;

on_both_databases! {
    fn a_server_says_that_it_is_well_and_ready(db: &Database) {
        let app = db.app();

        for path in ["/healthz", "/readyz"] {
            assert_eq!(app.anonymous().get(path).assert_ok().json(), json!({"status": "ok"}), "{path}");
        }
    }

    fn a_server_is_ready_before_there_is_an_operator(db: &Database) {
        db.first_start().anonymous().get("/readyz").assert_ok();
    }
}
