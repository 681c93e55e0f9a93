//! One poll of the database for all tasks of the SMS service: what another instance
//! queued, and what is due by the clock.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::carriers::Carrier;
use super::sweeper;
use crate::clock::Clock;
use crate::domain::{callback, message};
use crate::error::{Error, Result};
use crate::store::{Conn, Store, UtcTime, log_outage};

const POLL_INTERVAL: Duration = Duration::from_millis(600);

/// The tasks that wait for work.
#[derive(Clone)]
pub(super) struct WaitingTasks {
    /// The dispatcher of each carrier.
    pub(super) carriers: Vec<Arc<Carrier>>,
    pub(super) callbacks: Arc<Notify>,
    pub(super) sweeper: Arc<Notify>,
}

impl WaitingTasks {
    /// Polls until `stop`, and wakes the tasks that have work. Over a connection of its
    /// own, and in one transaction, however many tasks there are.
    pub(super) async fn wake_when_due(self, store: Store, clock: Clock, mut stop: watch::Receiver<bool>) {
        let mut connection = store.watch();
        while !*stop.borrow() {
            let (tasks, now) = (self.clone(), clock.now());
            let poll = move || {
                let polled = connection.read(|conn, _| tasks.wake(conn, now));
                (connection, polled)
            };
            let (returned, polled) = match tokio::task::spawn_blocking(poll).await {
                Ok(done) => done,
                Err(panic) => (store.watch(), Err(Error::internal(panic))),
            };
            connection = returned;
            if let Err(error) = polled {
                log_outage(&error);
            }
            if let Ok(Err(_)) = timeout(POLL_INTERVAL, stop.changed()).await {
                return; // nobody is left to stop it
            }
        }
    }

    fn wake(&self, conn: &mut Conn, now: UtcTime) -> Result<()> {
        for carrier in &self.carriers {
            if message::is_due(conn, &carrier.name, now)? {
                carrier.queue_changed.notify_one();
            }
        }
        if callback::is_due(conn, |_| 1, now)? {
            self.callbacks.notify_one();
        }
        if sweeper::is_needed(conn, now)? {
            self.sweeper.notify_one();
        }
        Ok(())
    }
}
