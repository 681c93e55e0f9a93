//! A body that is too long is refused before it is in memory, on every route.

use crate::support::{Client, Database, EMAIL, PASSWORD, Process, Wire, routes, run};

const MEBIBYTE: usize = 1 << 20;

/// Routes that read no body: they answer as ever, and throw it away.
const READ_NONE: [&str; 4] = ["/logout", "/v1/auth", "/v1/auth/sms", "/v1/keys/{id}/restoration"];

/// A route that takes a mebibyte, and reads none of it for who may not import.
const FOR_MANAGERS: &str = "/v1/key-imports";

/// What one refused body may take: less than two of them.
const MOST_GROWTH_KIB: usize = 2 * 1024;

/// A body of `x`es with its length in the head, or in chunks without it.
fn bodies(length: usize) -> [(String, Vec<u8>); 2] {
    let text = vec![b'x'; length];
    let chunk: Vec<u8> = [b"4000\r\n", &text[..0x4000], b"\r\n"].concat();
    let chunked = [chunk.repeat(length / 0x4000), b"0\r\n\r\n".to_vec()].concat();
    [(format!("Content-Length: {length}"), text), ("Transfer-Encoding: chunked".to_owned(), chunked)]
}

/// The longest body that a route takes, in bytes.
fn longest(path: &str) -> usize {
    match path {
        "/leaks" | "/api-keys/search" => 256 * 1024,
        path if path.starts_with("/v1/carriers/") => 64 * 1024,
        _ => 40 * 1024,
    }
}

/// Sends it, and gives the status of the answer.
fn send(client: &Client, path: &str, kind: &str, length: &str, body: &[u8]) -> u16 {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\nCookie: {}\r\nContent-Type: {kind}\r\n{length}\r\n\r\n",
        client.cookies()
    );
    let mut wire = Wire::to(client.base());
    // A server that has refused hangs up in the middle of the body; what it said
    // would be lost with the rest, so that the body is sent in two parts.
    let is_chunked = length.starts_with("Transfer-Encoding");
    let (start, rest) = body.split_at(if is_chunked { longest(path) + 16 * 1024 } else { 48 * 1024 });
    wire.send(head.as_bytes()).send(start);
    let answer = wire.read_head();
    wire.send(rest);
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("{path} did not answer")).parse().unwrap()
}

#[test]
fn a_mebibyte_of_body_is_refused_on_every_route_and_takes_no_memory() {
    let db = Database::sqlite();
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
    let mut process = Process::serve(&db);
    let client = process.client();
    client.log_in(EMAIL, PASSWORD);
    let key = client.create_key("Project X");
    let kinds = ["application/x-www-form-urlencoded", "application/json", "text/plain"];
    let leaving = client.stranger();
    leaving.log_in(EMAIL, PASSWORD);
    let sender = |path: &str| if path == "/logout" { &leaving } else { &client };

    // What fits is read, and what every request takes is in memory from then on.
    for route in routes() {
        let path = route.path(&key.id);
        sender(&path).post(&path, &[]);
    }

    for route in routes() {
        let path = route.path(&key.id);
        let taken = if path.starts_with("/v1/") { "application/json" } else { "application/x-www-form-urlencoded" };
        for kind in kinds {
            for (length, body) in bodies(MEBIBYTE) {
                let before = process.peak_memory();
                let status = send(sender(&path), &path, kind, &length, &body);
                let growth = process.peak_memory() - before;
                assert!(growth < MOST_GROWTH_KIB, "{path} took {growth} KiB for {kind}, {length}");
                let is_refused = match &*path {
                    _ if READ_NONE.contains(&&*path) || READ_NONE.contains(&route.pattern()) => {
                        [303, 400, 401, 413].contains(&status)
                    }
                    FOR_MANAGERS => [401, 413].contains(&status),
                    _ if route.takes("POST") => status == 413 || (status == 415 && kind != taken),
                    _ => [404, 405, 413].contains(&status),
                };
                assert!(is_refused, "{path} answered {status} to {kind}, {length}");
            }
        }
    }
    client.get("/healthz").assert_ok();
}
