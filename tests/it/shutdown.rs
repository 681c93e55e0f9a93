//! Stopping fails no request: not beside a single server, and not in a rolling
//! restart behind a proxy.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyfob::clock::Clock;
use keyfob::domain::account;
use keyfob::domain::api_key::secret::Mode;
use keyfob::domain::carrier::Assignment;
use keyfob::domain::message::{self, MessageDraft, MessageOrigin};
use keyfob::store::UtcTime;
use tempfile::TempDir;

use crate::support::{Asker, Client, Database, EMAIL, Key, PASSWORD, PHONE, Process, Wire, keyfob, on_both_databases};

/// What has not happened by then never happens.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The port of a server that is stopped and started again.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn serve_on(db: &Database, port: u16) -> (Process, Client) {
    let listen = format!("127.0.0.1:{port}");
    let mut server = Process::spawn(&mut keyfob(&["--listen", &listen, "--database-url", &db.url()]));
    let client = server.client();
    (server, client)
}

/// A server with an operator and a key.
fn serve_with_key(db: &Database) -> (Process, Client, Key) {
    let key = db.app().make_key("Project X");
    let (server, client) = serve_on(db, 0);
    (server, client, key)
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < GIVE_UP_AFTER, "{what}");
        thread::sleep(POLL_INTERVAL);
    }
}

/// Puts a message in the queue whose turn comes after `wait`.
fn accept_for(db: &Database, wait: Duration) {
    let conn = &mut db.conn();
    let due = UtcTime::from_micros(Clock::System.now().micros() + i64::try_from(wait.as_micros()).unwrap());
    let draft = MessageDraft::with_text(&[PHONE.to_owned()], "Hello").unwrap();
    let origin = MessageOrigin { account_id: account::first(conn).unwrap(), api_key_id: None, mode: Mode::Live };
    message::accept(conn, &origin, &draft, &[Assignment::rehearsed()], due).unwrap();
}

/// How often the key was used, as it is written down.
fn uses(db: &Database) -> usize {
    let rows = db.rows().remove("key_secret_usages").unwrap();
    let counted = rows.first().map(|row| row.split(['|', ',']).nth(1).unwrap().parse().unwrap());
    counted.unwrap_or_default()
}

/// nginx from the system's package, with its files in a folder of its own.
struct Nginx {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Nginx {
    fn before(ports: [u16; 2]) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        fs::write(folder.path().join("nginx.conf"), nginx_settings(folder.path(), port, ports)).unwrap();
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let child = Command::new("nginx")
            .env("PATH", path)
            .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("these tests need nginx (Debian: apt-get install nginx): {error}"));
        let url = format!("http://127.0.0.1:{port}");
        wait_until("nginx does not start", || Asker::try_to(&url).is_ok());
        Self { child, url, _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn nginx_settings(folder: &Path, port: u16, ports: [u16; 2]) -> String {
    let folder = folder.display();
    let [one, other] = ports;
    format!(
        "daemon off; master_process off; pid {folder}/nginx.pid;\n\
         events {{ worker_connections 512; }}\n\
         http {{\n\
           access_log off; error_log stderr crit;\n\
           client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
           fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
           upstream keyfob {{\n\
             server 127.0.0.1:{one} max_fails=0; server 127.0.0.1:{other} max_fails=0; keepalive 16;\n\
           }}\n\
           server {{\n\
             listen 127.0.0.1:{port};\n\
             location / {{\n\
               proxy_pass http://keyfob;\n\
               proxy_http_version 1.1;\n\
               proxy_set_header Connection \"\";\n\
               proxy_next_upstream error timeout non_idempotent;\n\
             }}\n\
           }}\n\
         }}\n"
    )
}

/// Asks until it is enough; how often, and what was no verdict.
fn ask_on(url: &str, key: &Key, enough: &AtomicBool, asked: &AtomicUsize) -> Vec<String> {
    let (mut asker, mut wrong) = (Asker::to(url), Vec::new());
    while !enough.load(Ordering::SeqCst) {
        let told = asker.ask(&key.secret);
        asked.fetch_add(1, Ordering::SeqCst);
        if !told.as_ref().is_ok_and(|told| told.code == "VALID") {
            wrong.push(format!("{told:?}"));
        }
        if told.map_or(true, |told| told.is_last) {
            asker = Asker::to(url);
        }
    }
    wrong
}

/// Ends the asking when it is dropped: after a failure nobody else would.
struct Asking<'a>(&'a AtomicBool);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

on_both_databases! {
    fn connections_are_let_go_with_their_next_answer_before_the_server_stops(db: &Database) {
        let app = db.app();
        let (client, key) = (app.anonymous(), app.make_key("Project X"));
        let (mut one, mut other) = (Asker::to(&app.url), Asker::to(&app.url));
        let before = [one.ask(&key.secret).unwrap(), other.ask(&key.secret).unwrap()];

        app.drain.begin();
        let last = [one.ask(&key.secret).unwrap(), other.ask(&key.secret).unwrap()];
        let new = Asker::to(&app.url).ask(&key.secret).unwrap();
        let ready = client.get("/readyz").assert_status(503);
        let page = client.get("/login").assert_ok();

        assert!(before.iter().all(|told| told.code == "VALID" && !told.is_last), "{before:?}");
        assert!(last.iter().chain([&new]).all(|told| told.code == "VALID" && told.is_last), "{last:?} {new:?}");
        assert_eq!(ready.json()["detail"], "Keyfob is about to stop.");
        assert_eq!(page.header("connection"), "close");
        assert!(other.ask(&key.secret).is_err(), "the connection is still open");
    }

    fn connections_that_wait_for_a_request_keep_no_server_that_stops(db: &Database) {
        let (server, client, key) = serve_with_key(db);
        let mut idle = Asker::to(client.base());
        assert_eq!(idle.verify(&key.secret), "VALID");
        let silent = Wire::to(client.base());

        server.signal("TERM");
        server.end().assert_success();
        drop(silent);

        assert!(idle.ask(&key.secret).is_err());
    }

    fn what_is_in_flight_when_the_server_stops_is_answered(db: &Database) {
        let (server, client, key) = serve_with_key(db);
        client.log_in(EMAIL, PASSWORD);
        let (path, form) = (key.status_path(), "status=disabled");
        let switch = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            client.cookies(), form.len()
        );
        let lock = db.lock();
        let mut in_flight = Wire::to(client.base());
        in_flight.send(switch.as_bytes());

        server.signal("TERM");
        wait_until("it does not drain", || client.get("/readyz").status == 503);
        server.signal("TERM"); // ends the notice
        wait_until("connections are still taken", || Asker::try_to(client.base()).is_err());
        drop(lock);

        assert!(in_flight.read_head().starts_with("HTTP/1.1 303 "));
        server.end().assert_success();
        db.app().assert_verdict(&key.secret, "DISABLED");
    }

    fn a_clean_stop_loses_no_use(db: &Database) {
        let (server, client, key) = serve_with_key(db);
        let mut asker = Asker::to(client.base());
        (0..100).for_each(|_| assert_eq!(asker.verify(&key.secret), "VALID"));

        server.signal("TERM");
        // Connections are let go one by one, and each answer is a use.
        let later = (0..10).take_while(|_| asker.ask(&key.secret).is_ok()).count();
        server.end().assert_success();

        assert_eq!(uses(db), 100 + later);
    }

    fn a_message_whose_turn_comes_as_the_server_stops_is_not_lost(db: &Database) {
        let (server, _, _) = serve_with_key(db);
        accept_for(db, Duration::from_millis(1_500));
        let lock = db.lock();
        // By now it is due, and whoever leases it waits for the lock.
        thread::sleep(Duration::from_millis(2_200));

        server.signal("INT");
        thread::sleep(Duration::from_millis(300));
        drop(lock);
        server.end().assert_success();

        // Leased and not handed over, it would never be sent.
        let status = db.ask("SELECT status AS line FROM messages");
        assert!(["queued", "sent", "delivered"].contains(&status[0].as_str()), "{status:?}");
    }

    fn a_database_that_hangs_does_not_keep_the_server(db: &Database) {
        let (server, client, key) = serve_with_key(db);
        assert_eq!(Asker::to(client.base()).verify(&key.secret), "VALID");
        let lock = db.lock();

        server.signal("TERM");

        server.end().assert_success();
        drop(lock);
    }

    fn a_rolling_restart_behind_nginx_fails_no_request(db: &Database) {
        let key = db.app().make_key("Project X");
        let ports = [free_port(), free_port()];
        let mut servers = ports.map(|port| Some(serve_on(db, port).0));
        let nginx = Nginx::before(ports);
        let (enough, asked, mut log) = (AtomicBool::new(false), AtomicUsize::new(0), String::new());

        let wrong: Vec<String> = thread::scope(|all| {
            let asking = Asking(&enough);
            let ask = || ask_on(&nginx.url, &key, &enough, &asked);
            let askers: Vec<_> = (0..8).map(|_| all.spawn(ask)).collect();
            for (server, port) in servers.iter_mut().zip(ports) {
                let before = asked.load(Ordering::SeqCst);
                let old = server.take().unwrap();
                old.signal("TERM");
                log.push_str(&old.end().assert_success().stderr);
                assert!(asked.load(Ordering::SeqCst) > before + 100, "nobody asked meanwhile");
                *server = Some(serve_on(db, port).0);
            }
            drop(asking);
            servers.iter_mut().for_each(|server| {
                let server = server.take().unwrap();
                server.signal("TERM");
                log.push_str(&server.end().assert_success().stderr);
            });
            askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect()
        });

        assert!(wrong.is_empty(), "{} of {asked:?} failed: {:?}\n{log}", wrong.len(), wrong.first());
    }
}

#[test]
fn ctrl_c_stops_without_draining() {
    let db = Database::sqlite();
    let (server, client, key) = serve_with_key(&db);
    assert_eq!(Asker::to(client.base()).verify(&key.secret), "VALID");

    server.signal("INT");

    let ended = server.end().assert_success();
    assert!(!ended.stderr.contains("requests in progress may finish"), "{ended:?}");
    assert_eq!(uses(&db), 1);
}

#[test]
fn a_terminal_that_is_closed_stops_it_as_a_service_manager_does() {
    let db = Database::sqlite();
    let (server, client, key) = serve_with_key(&db);
    assert_eq!(Asker::to(client.base()).verify(&key.secret), "VALID");

    server.signal("HUP");

    let ended = server.end().assert_success();
    assert!(ended.stderr.contains("requests in progress may finish"), "{ended:?}");
    assert_eq!(uses(&db), 1);
}

#[test]
fn a_server_that_was_started_to_outlive_its_terminal_does() {
    let db = Database::sqlite();
    let mut command = Command::new("nohup");
    command.args([env!("CARGO_BIN_EXE_keyfob"), "--listen", "127.0.0.1:0", "--database-url", &db.url()]);
    let mut server = Process::spawn(&mut command);
    let client = server.client();

    server.signal("HUP");
    client.get("/healthz").assert_ok();
    server.signal("INT");

    let ended = server.end().assert_success();
    assert!(!ended.stderr.contains("requests in progress may finish"), "{ended:?}");
}

#[test]
fn a_server_that_is_killed_loses_only_uses_that_it_had_not_written_down_yet() {
    let db = Database::sqlite();
    let (server, client, key) = serve_with_key(&db);
    let mut asker = Asker::to(client.base());
    (0..100).for_each(|_| assert_eq!(asker.verify(&key.secret), "VALID"));
    wait_until("uses are not written down while it runs", || uses(&db) == 100);

    (0..10).for_each(|_| assert_eq!(asker.verify(&key.secret), "VALID"));
    server.kill();

    assert!((100..=110).contains(&uses(&db)), "{}", uses(&db));
}
