//! A pool of connections with figures for metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use r2d2::event::{CheckoutEvent, HandleEvent, TimeoutEvent};
use r2d2::{HandleError, PooledConnection};

use super::connection::ConnectionManager;
use super::file::DatabaseFile;
use super::open::{MIN_CONNECTIONS, POLLING_CONNECTIONS};
use super::outage_log::log_outage_cause;
use crate::error::{DatabaseOutage, Error, Result};

/// Connections for looking up keys. They are a pool of their own, so that slow
/// pages of the dashboard delay no verdict.
pub const MAX_LOOK_UPS: u32 = 2;
/// Connections for reading an SQLite file. Readers run beside the one writer (WAL).
const MAX_READERS: u32 = 4;
/// Limit for the wait for a free connection.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(3);

/// A named pool.
#[derive(Clone)]
pub(super) struct Pool {
    name: &'static str,
    connections: r2d2::Pool<ConnectionManager>,
    waits: Arc<Waits>,
}

/// The figures of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolFigures {
    /// The pool's name, which says what its connections are for.
    pub name: &'static str,
    /// Connections that are checked out.
    pub in_use: u32,
    /// Connections that are open and free.
    pub idle: u32,
    /// Its maximum of connections.
    pub max: u32,
    /// The total time that callers have waited for a connection.
    pub waited: Duration,
    /// The number of waits that timed out.
    pub timeouts: u64,
}

#[derive(Debug, Default)]
struct Waits {
    nanos: AtomicU64,
    timeouts: AtomicU64,
}

impl Waits {
    fn add(&self, waited: Duration) {
        self.nanos.fetch_add(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Counts the waits that the pool reports.
#[derive(Debug)]
struct WaitCounter(Arc<Waits>);

impl HandleEvent for WaitCounter {
    fn handle_checkout(&self, event: CheckoutEvent) {
        self.0.add(event.duration());
    }

    fn handle_timeout(&self, event: TimeoutEvent) {
        self.0.add(event.timeout());
        self.0.timeouts.fetch_add(1, Ordering::Relaxed);
    }
}

/// The pool tries to connect again and again, and so fails for the same cause.
#[derive(Debug)]
struct ConnectFailures;

impl<E: std::error::Error> HandleError<E> for ConnectFailures {
    fn handle_error(&self, error: E) {
        log_outage_cause(&error.to_string());
    }
}

impl Pool {
    pub(super) fn open(name: &'static str, manager: ConnectionManager, size: u32) -> Self {
        // The connection to a server may have broken while it was idle; an open file does not.
        let check = matches!(manager, ConnectionManager::Postgres(_));
        let waits = Arc::new(Waits::default());
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(CHECKOUT_TIMEOUT)
            .test_on_check_out(check)
            .error_handler(Box::new(ConnectFailures))
            .event_handler(Box::new(WaitCounter(Arc::clone(&waits))))
            .build_unchecked(manager);
        Self { name, connections, waits }
    }

    pub(super) fn get(&self) -> Result<r2d2::PooledConnection<ConnectionManager>, r2d2::Error> {
        self.connections.get()
    }

    pub(super) fn figures(&self) -> PoolFigures {
        let state = self.connections.state();
        PoolFigures {
            name: self.name,
            in_use: state.connections.saturating_sub(state.idle_connections),
            idle: state.idle_connections,
            max: self.connections.max_size(),
            waited: Duration::from_nanos(self.waits.nanos.load(Ordering::Relaxed)),
            timeouts: self.waits.timeouts.load(Ordering::Relaxed),
        }
    }
}

/// The sizes of the pools for reading and writing. SQLite has one writer. Of
/// PostgreSQL's connections a third of what others leave is for reading.
pub(super) fn pool_sizes(is_file: bool, connections: u32) -> (u32, u32) {
    if is_file {
        return (MAX_READERS, 1);
    }
    let left = connections.max(MIN_CONNECTIONS) - POLLING_CONNECTIONS - MAX_LOOK_UPS;
    let readers = (left / 3).max(1);
    (readers, left - readers)
}

/// Checks a connection out of a pool, as long as the database file is where it was.
///
/// # Errors
/// [`Error::Unavailable`] when there is none in time.
pub(super) fn check_out(pool: &Pool, file: Option<&DatabaseFile>) -> Result<PooledConnection<ConnectionManager>> {
    if let Some(file) = file {
        file.check_in_place()?;
    }
    pool.get().map_err(|error| {
        // SQLite's one writer is busy, or PostgreSQL is down or has no free connection.
        let reason = if file.is_some() { DatabaseOutage::Locked } else { DatabaseOutage::Unreachable };
        Error::unavailable(reason, error)
    })
}
