//! Log lines about a database that can't be used: the cause in its own words, once,
//! again when it changes, and once a minute with a count while it lasts. Every
//! request, poll and connection fails for the same cause.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::Error;
use crate::repeats::Repeats;

static CAUSES: LazyLock<Repeats> = LazyLock::new(Repeats::default);
/// Failures since the process started, logged or not.
static FAILURES: AtomicU64 = AtomicU64::new(0);
/// Whether the last poll failed.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// What to do about causes that contain a text.
const ADVICE: [(&[&str], &str); 10] = [
    (
        &["too many connections", "too many clients", "remaining connection slots"],
        "allow this role more connections, or take fewer with --database-connections",
    ),
    (&["No space left", "disk is full"], "free some space on the disk of the database"),
    (
        &["prepared statement"],
        "start Keyfob with --database-pooler, if a connection pooler in transaction mode stands before the database",
    ),
    (&["the certificate of"], "renew the certificate of the server, or name its authority in sslrootcert"),
    (&["is a standby", "during recovery"], "lead --database-url to the primary"),
    (
        &["readonly database", "read-only transaction", "permission denied"],
        "give Keyfob's user, or its role, the right to write the database",
    ),
    (&["authentication failed"], "start Keyfob with the right password in --database-url"),
    (&["database is locked"], "stop the other program that holds the SQLite file"),
    (&["was removed", "was replaced"], "stop Keyfob, put the file back or restore a backup, and start it again"),
    (
        &["onnection refused", "timeout expired", "translate host name", "No route to host", "closed the connection"],
        "look whether the server runs, and whether this machine reaches it",
    ),
];

/// Logs why the database can't be used.
pub fn log_outage(error: &Error) {
    let cause = match error {
        Error::Unavailable { cause, .. } | Error::Internal(cause) => format!("{cause:#}"),
        other => other.to_string(),
    };
    log_outage_cause(&cause);
}

/// How often the database could not be used since the process started.
#[must_use]
pub fn outage_total() -> u64 {
    FAILURES.load(Ordering::Relaxed)
}

/// The same as [`log_outage`] for errors of libraries.
pub fn log_outage_cause(cause: &str) {
    FAILURES.fetch_add(1, Ordering::Relaxed);
    // libpq writes a line for each address of a server.
    let cause = cause.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(repetitions) = CAUSES.to_log(&cause) else { return };
    let advice = ADVICE.iter().find(|(texts, _)| texts.iter().any(|text| cause.contains(text)));
    let advice = advice.map_or("", |(_, advice)| advice);
    if repetitions == 0 {
        tracing::error!(cause, advice, "the database can't be used");
    } else {
        tracing::error!(cause, advice, repetitions, "the database still can't be used");
    }
}

/// Logs that polls of the database fail, or that they succeed again.
pub fn log_poll(result: Result<(), &Error>) {
    let was_lost = IS_LOST.swap(result.is_err(), Ordering::Relaxed);
    match result {
        Err(error) => log_outage(error),
        Ok(()) if was_lost => {
            CAUSES.end();
            tracing::info!("the database can be used again");
        }
        Ok(()) => {}
    }
}
