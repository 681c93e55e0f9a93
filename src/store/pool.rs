//! A pool of connections, and what it counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use r2d2::event::{CheckoutEvent, HandleEvent, TimeoutEvent};

use super::connection::Manager;

/// How long a request waits for a free connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// The pool.
#[derive(Clone)]
pub(super) struct Pool {
    name: &'static str,
    connections: r2d2::Pool<Manager>,
    waits: Arc<Waits>,
}

/// A pool in numbers.
#[derive(Debug, Clone, Copy)]
pub struct PoolFigures {
    /// What its connections are for.
    pub name: &'static str,
    /// Connections that somebody works with.
    pub in_use: u32,
    /// Connections that nobody works with.
    pub idle: u32,
    /// Connections at most.
    pub most: u32,
    /// How long work has waited for a connection so far.
    pub waited: Duration,
    /// How often it was given up.
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

/// Tells the pool's waits to whoever counts them.
#[derive(Debug)]
struct Teller(Arc<Waits>);

impl HandleEvent for Teller {
    fn handle_checkout(&self, event: CheckoutEvent) {
        self.0.add(event.duration());
    }

    fn handle_timeout(&self, event: TimeoutEvent) {
        self.0.add(event.timeout());
        self.0.timeouts.fetch_add(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(super) fn open(name: &'static str, manager: Manager, size: u32) -> Self {
        // A server's connection may have died while it was idle; a file's can't.
        let check = matches!(manager, Manager::Postgres(_));
        let waits = Arc::new(Waits::default());
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(PATIENCE)
            .test_on_check_out(check)
            .event_handler(Box::new(Teller(Arc::clone(&waits))))
            .build_unchecked(manager);
        Self { name, connections, waits }
    }

    pub(super) fn get(&self) -> Result<r2d2::PooledConnection<Manager>, r2d2::Error> {
        self.connections.get()
    }

    pub(super) fn figures(&self) -> PoolFigures {
        let state = self.connections.state();
        PoolFigures {
            name: self.name,
            in_use: state.connections.saturating_sub(state.idle_connections),
            idle: state.idle_connections,
            most: self.connections.max_size(),
            waited: Duration::from_nanos(self.waits.nanos.load(Ordering::Relaxed)),
            timeouts: self.waits.timeouts.load(Ordering::Relaxed),
        }
    }
}
