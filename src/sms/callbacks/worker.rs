//! The worker that sends callbacks: leases due deliveries, a few at a time, and
//! records the outcomes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::config::CallbackConfig;
use super::request;
use crate::clock::Clock;
use crate::domain::callback::{self, Attempt, AttemptOutcome, Lane};
use crate::error::Result;
use crate::store::{Store, log_outage};

/// The most concurrent requests.
const MAX_REQUESTS: usize = 8;
/// The most concurrent requests to one host, so that a slow one leaves capacity for
/// others.
const MAX_REQUESTS_PER_HOST: usize = 2;
/// The delay before an outcome is written again after the database failed.
const WRITE_RETRY_DELAY: Duration = Duration::from_millis(500);
/// How often that is tried; then the lease expires and the delivery is attempted
/// again.
const MAX_WRITE_ATTEMPTS: usize = 60;
/// How long a stop waits for the requests in progress. A request that is cut off is
/// sent again later under the same id: callbacks are delivered at least once.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of requests in progress by host.
type RequestsPerHost = Arc<Mutex<HashMap<String, usize>>>;

/// The worker of this instance.
pub(in crate::sms) struct CallbackWorker {
    store: Store,
    clock: Clock,
    agent: ureq::Agent,
    in_progress: RequestsPerHost,
    /// Notified when a request has ended, or a poll finds a delivery that is due.
    wake: Arc<Notify>,
}

/// Counts a request as in progress until it is dropped.
struct RequestSlot {
    in_progress: RequestsPerHost,
    host: String,
    _permit: OwnedSemaphorePermit,
}

impl Drop for RequestSlot {
    fn drop(&mut self) {
        let mut in_progress = self.in_progress.lock();
        if let Some(count) = in_progress.get_mut(&self.host) {
            *count -= 1;
        }
        in_progress.retain(|_, count| *count > 0);
    }
}

impl CallbackWorker {
    pub(in crate::sms) fn new(store: Store, clock: Clock, config: &CallbackConfig, wake: Arc<Notify>) -> Self {
        let agent = request::agent(config);
        Self { store, clock, agent, in_progress: RequestsPerHost::default(), wake }
    }

    /// Runs until `stop`, then waits for the requests in progress.
    pub(in crate::sms) async fn run(self, mut stop: watch::Receiver<bool>) {
        let this = Arc::new(self);
        let slots = Arc::new(Semaphore::new(MAX_REQUESTS));
        let mut after = None;
        while !*stop.borrow() {
            // Not within a select: the deliveries of a lease whose future is dropped
            // halfway would wait until it expires.
            let (attempts, last) = this.lease(after.clone(), slots.available_permits()).await.unwrap_or_else(|error| {
                log_outage(&error);
                (Vec::new(), None)
            });
            after = last;
            let is_idle = attempts.is_empty();
            attempts.into_iter().for_each(|attempt| this.begin(attempt, &slots));
            if is_idle {
                tokio::select! {
                    _ = this.wake.notified() => {}
                    _ = stop.changed() => {}
                }
            }
        }
        let _ = timeout(DRAIN_TIMEOUT, slots.acquire_many(MAX_REQUESTS as u32)).await;
    }

    async fn lease(&self, after: Option<Lane>, limit: usize) -> Result<(Vec<Attempt>, Option<Lane>)> {
        if limit == 0 {
            return Ok((Vec::new(), after));
        }
        let (now, in_progress) = (self.clock.now(), self.in_progress.lock().clone());
        let room =
            move |host: &str| MAX_REQUESTS_PER_HOST.saturating_sub(in_progress.get(host).copied().unwrap_or_default());
        let room_for_due = room.clone();
        // A read first, so that an idle worker takes no write lock.
        if !self.store.read(move |conn| callback::is_due(conn, room_for_due, now)).await? {
            return Ok((Vec::new(), after));
        }
        self.store.write(move |conn| callback::lease(conn, after.as_ref(), limit, room, now)).await
    }

    fn begin(self: &Arc<Self>, attempt: Attempt, slots: &Arc<Semaphore>) {
        let Ok(permit) = Arc::clone(slots).try_acquire_owned() else { return };
        let host = attempt.url.host();
        *self.in_progress.lock().entry(host.clone()).or_default() += 1;
        let slot = RequestSlot { in_progress: Arc::clone(&self.in_progress), host, _permit: permit };
        let this = Arc::clone(self);
        tokio::spawn(async move {
            this.make(attempt).await;
            drop(slot);
            this.wake.notify_one();
        });
    }

    async fn make(&self, attempt: Attempt) {
        let (agent, now, delivery) = (self.agent.clone(), self.clock.now(), attempt.delivery.clone());
        let outcome = match tokio::task::spawn_blocking(move || request::send(&agent, &attempt, now)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                return tracing::error!(?error, delivery = %delivery.id, "a callback could not be sent; it is retried when its lease expires");
            }
            Err(panic) => {
                return tracing::error!(%panic, delivery = %delivery.id, "a callback could not be sent; it is retried when its lease expires");
            }
        };
        tracing::debug!(delivery = %delivery.id, ?outcome, "a callback was attempted");
        let delivery = Arc::new(delivery);
        for _ in 0..MAX_WRITE_ATTEMPTS {
            match self.record(Arc::clone(&delivery), outcome).await {
                Ok(()) => return,
                Err(error) => log_outage(&error), // and the outcome is written later
            }
            sleep(WRITE_RETRY_DELAY).await;
        }
    }

    async fn record(&self, delivery: Arc<callback::Delivery>, outcome: AttemptOutcome) -> Result<()> {
        let now = self.clock.now();
        self.store.write(move |conn| callback::record_attempt(conn, &delivery, outcome, now)).await
    }
}
