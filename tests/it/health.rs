//! For whoever watches over the process; what happens without a database is
//! in `outages.rs`.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Database, Process, keyfob, on_both_databases, run};

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

    fn the_command_line_asks_whether_the_server_is_ready(db: &Database) {
        let app = db.app();
        let address = app.anonymous().base().trim_start_matches("http://").to_owned();
        let ask = || run(&["health", "--listen", &address], "");
        let refusal = format!("keyfob: Keyfob at {address} is not ready: ");
        assert_eq!(ask().assert_success().stdout, format!("Keyfob at {address} is ready.\n"));

        db.take_away();
        let began = Instant::now();
        while app.anonymous().get("/readyz").status == 200 {
            assert!(began.elapsed() < Duration::from_secs(60), "still ready");
        }
        let sentence = app.anonymous().get("/readyz").json()["detail"].as_str().unwrap().to_owned();
        ask().assert_says(&format!("{refusal}{sentence}")).assert_one_sentence();

        db.bring_back();
        drop(app);
        ask().assert_says(&refusal).assert_says("refused").assert_one_sentence();
    }
}

#[test]
fn a_server_that_listens_on_every_address_is_asked_on_this_machine() {
    for every in ["0.0.0.0", "[::]"] {
        let db = Database::sqlite();
        let listen = format!("{every}:0");
        let mut process = Process::spawn(&mut keyfob(&["--listen", &listen, "--database-url", &db.url()]));
        let port = process.wait_for("Open").trim_end_matches("/setup").rsplit_once(':').unwrap().1.to_owned();

        let mut command = keyfob(&["health"]);
        command.env("KEYFOB_LISTEN", format!("{every}:{port}"));
        Process::spawn(&mut command).end().assert_success();
    }
}

#[test]
fn what_is_no_keyfob_is_not_called_ready() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = other.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nwelcome");
    });

    run(&["health", "--listen", &address], "").assert_says("no Keyfob").assert_one_sentence();
    run(&["health", "--listen", "127.0.0.1:0"], "").assert_says("name it with --listen").assert_one_sentence();
}
