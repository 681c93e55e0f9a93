//! Closes the overdue connections of one worker.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use actix_web::rt;
use tokio::time::Instant;

use super::connection::{Connection, SweepMode};
use super::drain::Drain;
use super::metrics::WorkerMetrics;
use super::timeouts::{CROWDED_CONNECTIONS, SWEEP_INTERVAL};

/// The open connections of one worker, which is one thread.
pub(super) struct Sweeper {
    drain: Arc<Drain>,
    metrics: Rc<WorkerMetrics>,
    open: RefCell<Vec<Weak<Connection>>>,
}

impl Sweeper {
    /// Sweeps from now on, for as long as the worker's thread runs.
    pub(super) fn start(drain: Arc<Drain>, metrics: Rc<WorkerMetrics>) -> Rc<Self> {
        let sweeper = Rc::new(Self::new(drain, metrics));
        rt::spawn(Rc::clone(&sweeper).run());
        sweeper
    }

    fn new(drain: Arc<Drain>, metrics: Rc<WorkerMetrics>) -> Self {
        Self { drain, metrics, open: RefCell::default() }
    }

    /// A new connection, which the sweeps look at from now on.
    pub(super) fn watch(&self) -> Rc<Connection> {
        let connection = Rc::new(Connection::new(Arc::clone(&self.drain)));
        self.metrics.accepted();
        self.open.borrow_mut().push(Rc::downgrade(&connection));
        connection
    }

    async fn run(self: Rc<Self>) {
        while !self.drain.closes_idle_within(SWEEP_INTERVAL).await {
            self.sweep(false);
        }
        loop {
            self.sweep(true);
            rt::time::sleep(SWEEP_INTERVAL).await;
        }
    }

    fn sweep(&self, is_draining: bool) {
        let now = Instant::now();
        let mut open = self.open.borrow_mut();
        open.retain(|connection| connection.strong_count() > 0);
        let mode = match open.len() {
            _ if is_draining => SweepMode::Draining,
            CROWDED_CONNECTIONS.. => SweepMode::Crowded,
            _ => SweepMode::Normal,
        };
        open.retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            let is_overdue = connection.is_overdue(now, mode);
            if is_overdue {
                if connection.is_mid_request() {
                    self.metrics.timed_out();
                }
                connection.close();
            }
            !is_overdue
        });
        self.metrics.set_open(open.len());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::server::metrics::ServerMetrics;

    fn metrics() -> Arc<ServerMetrics> {
        Arc::default()
    }

    #[tokio::test(start_paused = true)]
    async fn only_clients_that_were_slow_are_counted_as_timed_out() {
        let metrics = metrics();
        let sweeper = Sweeper::new(Arc::default(), metrics.of_worker());
        let (silent, idle, slow, stalled) = (sweeper.watch(), sweeper.watch(), sweeper.watch(), sweeper.watch());
        idle.received_head(false);
        idle.responded(false);
        slow.received_bytes();
        stalled.received_head(false);
        stalled.set_write_blocked(true);
        sweeper.sweep(false);
        let before = metrics.totals();
        tokio::time::advance(Duration::from_secs(80)).await;

        sweeper.sweep(false);

        assert!([&silent, &idle, &slow, &stalled].iter().all(|connection| connection.is_closed()));
        let after = metrics.totals();
        assert_eq!((before.open, before.accepted, before.timed_out), (4, 4, 0));
        assert_eq!((after.open, after.accepted, after.timed_out), (0, 4, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_are_gone_do_not_make_it_crowded() {
        let sweeper = Sweeper::new(Arc::default(), metrics().of_worker());
        (0..CROWDED_CONNECTIONS).for_each(|_| drop(sweeper.watch()));
        let kept = sweeper.watch();
        kept.received_head(false);
        kept.responded(false);
        tokio::time::advance(Duration::from_secs(20)).await;

        sweeper.sweep(false);

        assert!(!kept.is_closed());
        assert_eq!(sweeper.open.borrow().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_are_closed_sooner_when_there_are_many() {
        let sweeper = Sweeper::new(Arc::default(), metrics().of_worker());
        let open: Vec<_> = (0..CROWDED_CONNECTIONS).map(|_| sweeper.watch()).collect();
        open.iter().for_each(|connection| connection.received_head(false));
        open[0].responded(false);
        tokio::time::advance(Duration::from_secs(20)).await;

        sweeper.sweep(false);

        assert!(open[0].is_closed());
        assert!(open[1..].iter().all(|connection| !connection.is_closed()), "the others wait for their response");
    }
}
