//! Listening on a Unix socket, behind a proxy on the same machine.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::support::{Database, Process, Proxy, keyfob, run};

const PUBLIC_URL: &str = "https://keys.example.com";

fn serve(db: &Database, socket: &Path) -> Process {
    let listen = format!("unix:{}", socket.display());
    Process::spawn(&mut keyfob(&["--listen", &listen, "--database-url", &db.url(), "--public-url", PUBLIC_URL]))
}

fn status_of(socket: &Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: keys.example.com\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn create_key(db: &Database, arguments: &[&str]) -> String {
    let ended = run(
        &[&["key", "create", "--service", "sms", "--name", "CI", "--database-url", &db.url()], arguments].concat(),
        "",
    );
    ended.assert_success().stdout.trim().to_owned()
}

#[test]
fn a_proxy_reaches_it_through_the_socket_and_is_believed_about_its_client() {
    let (db, folder) = (Database::sqlite(), tempfile::tempdir().unwrap());
    let socket = folder.path().join("http.sock");
    let mut process = serve(&db, &socket);
    assert_eq!(process.wait_for("Open"), format!("{PUBLIC_URL}/setup"));
    assert_eq!(process.wait_for("Listens at"), format!("unix:{}", socket.display()));
    assert_eq!(status_of(&socket, "/readyz"), "200");
    let allowed = create_key(&db, &["--allow-ip", "127.0.0.1"]);
    let elsewhere = create_key(&db, &["--allow-ip", "203.0.113.9"]);

    let proxy = Proxy::before(&format!("http://unix:{}:", socket.display()));
    // nginx appends the real client to what the client claims.
    let ask = |key: &str| {
        let headers = [("x-api-key", key), ("x-forwarded-for", "203.0.113.9")];
        proxy.ask("GET /v1/auth?service=sms", &headers, "").status
    };

    assert_eq!((ask(&allowed), ask(&elsewhere)), (200, 403));
    assert_eq!(proxy.ask("GET /setup", &[], "").status, 200);
    process.signal("TERM");
    process.end().assert_success();
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not() {
    let (db, folder) = (Database::sqlite(), tempfile::tempdir().unwrap());
    let socket = folder.path().join("http.sock");
    let mut killed = serve(&db, &socket);
    killed.wait_for("Open");
    killed.kill();
    assert!(socket.exists());

    let mut process = serve(&db, &socket);
    process.wait_for("Open");

    serve(&db, &socket).end().assert_says("another program answers at the socket").assert_one_sentence();
    assert_eq!(status_of(&socket, "/healthz"), "200");
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "kept").unwrap();
    serve(&db, &file).end().assert_says("exists and is no socket").assert_one_sentence();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    serve(&db, Path::new("@keyfob")).end().assert_says("is an abstract socket, which has no permissions");
    serve(&db, &folder.path().join("no/http.sock")).end().assert_says("make it, or choose another path");
}
