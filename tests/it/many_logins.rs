//! Many logins at once take a bounded amount of memory, and nobody else waits for them.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Client, Database, EMAIL, PASSWORD, Process, keyfob, run};

const AT_ONCE: usize = 50;

/// Two passwords at a time are hashed in 19 MiB each, and the program with its
/// debug information takes about 25 MiB; the rest is for other machines.
const MOST_MEMORY_KIB: usize = 120 * 1024;

fn log_in(client: &Client, n: usize) -> u16 {
    let client = client.stranger().with("x-forwarded-for", &format!("198.51.100.{n}"));
    // The first one is right; the others are for as many other accounts.
    let email = if n == 0 { EMAIL.to_owned() } else { format!("{n}@example.com") };
    client.post("/login", &[("email", &email), ("password", PASSWORD)]).status
}

#[test]
fn fifty_logins_at_once_stay_within_memory_while_the_server_answers_others() {
    let db = Database::sqlite();
    run(&["operator", "add", EMAIL, "--create", "--database-url", &db.url()], PASSWORD).assert_success();
    let arguments = ["--listen", "127.0.0.1:0", "--database-url", &db.url(), "--trusted-proxy", "127.0.0.1"];
    let mut process = Process::spawn(&mut keyfob(&arguments));
    let client = process.client();
    let began = Instant::now();

    let (statuses, waits) = thread::scope(|all| {
        let logins: Vec<_> = (0..AT_ONCE).map(|n| (n, client.clone())).collect();
        let logins: Vec<_> = logins.into_iter().map(|(n, client)| all.spawn(move || log_in(&client, n))).collect();
        let mut waits = Vec::new();
        while logins.iter().any(|login| !login.is_finished()) {
            let asked = Instant::now();
            client.get("/healthz").assert_ok();
            waits.push(asked.elapsed());
        }
        (logins.into_iter().map(|login| login.join().unwrap()).collect::<Vec<_>>(), waits)
    });

    let took = began.elapsed();
    assert_eq!(statuses[0], 303);
    assert!(statuses[1..].iter().all(|status| *status == 401), "{statuses:?}");
    assert!(waits.len() > 10, "{} answers in {took:?}", waits.len());
    let slowest = waits.iter().max().unwrap();
    assert!(*slowest < took / 2 || *slowest < Duration::from_secs(1), "{slowest:?} of {took:?}");
    let peak = process.peak_memory();
    assert!(peak < MOST_MEMORY_KIB, "{peak} KiB");
}
