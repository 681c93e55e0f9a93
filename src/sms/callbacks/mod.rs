//! Calls customers back: takes from the queue what is due, a few at a time, and
//! sends it.

mod request;
mod resolver;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::domain::api_key::ApiKeyId;
use crate::domain::callback::{self, Attempt, Outcome};
use crate::error::Result;
use crate::networks::Networks;
use crate::store::Store;

pub use resolver::LookUp;

/// Requests under way at once at most.
const MOST: usize = 8;
/// Of these, to one host: a slow one leaves places for others.
const MOST_PER_HOST: usize = 2;
/// How soon news that another worker queued is seen.
const POLL: Duration = Duration::from_millis(500);
/// How soon what came of a request is written again that could not be written.
const AGAIN: Duration = Duration::from_millis(500);
/// How often that is tried before the lease's end is left to settle it.
const WRITES: usize = 60;
/// How long what is under way may take to end, for a clean stop. What is cut off
/// is sent again later, under the same id.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Where callbacks may go.
#[derive(Debug, Clone, Default)]
pub struct CallbackConfig {
    /// Private networks that may be called.
    pub allowed: Networks,
    /// How names are looked up.
    pub look_up: LookUp,
}

/// How many requests are under way, for each host.
type Busy = Arc<Mutex<HashMap<String, usize>>>;

/// The worker of this instance.
pub(super) struct CallbackWorker {
    store: Store,
    clock: Clock,
    agent: ureq::Agent,
    busy: Busy,
    /// Rung when a request has ended.
    freed: Notify,
}

/// A place among those under way, until this is dropped.
struct Place {
    busy: Busy,
    host: String,
    _one: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(count) = self.busy.lock().get_mut(&self.host) {
            *count -= 1;
        }
        self.busy.lock().retain(|_, count| *count > 0);
    }
}

impl CallbackWorker {
    pub(super) fn new(store: Store, clock: Clock, callbacks: &CallbackConfig) -> Self {
        Self { store, clock, agent: request::agent(callbacks), busy: Busy::default(), freed: Notify::new() }
    }

    /// Calls until `stop`, and then for as long as answers are awaited.
    pub(super) async fn work(self, mut stop: watch::Receiver<bool>) {
        let this = Arc::new(self);
        let places = Arc::new(Semaphore::new(MOST));
        let mut after = None;
        while !*stop.borrow() {
            // A lease that is being written is not given up halfway.
            let (attempts, last) =
                this.lease(after.clone(), places.available_permits()).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, "no callbacks could be taken from the queue");
                    (Vec::new(), None)
                });
            after = last;
            let is_idle = attempts.is_empty();
            attempts.into_iter().for_each(|attempt| this.begin(attempt, &places));
            if is_idle {
                // Whatever comes first: an answer here, or news.
                tokio::select! {
                    _ = timeout(POLL, this.freed.notified()) => {}
                    _ = stop.changed() => {}
                }
            }
        }
        let _ = timeout(LAST_ANSWERS, places.acquire_many(MOST as u32)).await;
    }

    async fn lease(&self, after: Option<ApiKeyId>, most: usize) -> Result<(Vec<Attempt>, Option<ApiKeyId>)> {
        if most == 0 {
            return Ok((Vec::new(), after));
        }
        let (now, busy) = (self.clock.now(), self.busy.lock().clone());
        let room = move |host: &str| MOST_PER_HOST.saturating_sub(busy.get(host).copied().unwrap_or_default());
        let there = room.clone();
        // Looking costs no write lock.
        if !self.store.read(move |conn| callback::is_due(conn, there, now)).await? {
            return Ok((Vec::new(), after));
        }
        self.store.write(move |conn| callback::lease(conn, after.as_ref(), most, room, now)).await
    }

    fn begin(self: &Arc<Self>, attempt: Attempt, places: &Arc<Semaphore>) {
        let Ok(one) = Arc::clone(places).try_acquire_owned() else { return };
        let host = attempt.url.host();
        *self.busy.lock().entry(host.clone()).or_default() += 1;
        let place = Place { busy: Arc::clone(&self.busy), host, _one: one };
        let this = Arc::clone(self);
        tokio::spawn(async move {
            this.run(attempt).await;
            drop(place);
            this.freed.notify_one();
        });
    }

    async fn run(&self, attempt: Attempt) {
        let (agent, now, delivery) = (self.agent.clone(), self.clock.now(), attempt.delivery.clone());
        let outcome = match tokio::task::spawn_blocking(move || request::send(&agent, &attempt, now)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => return tracing::error!(?error, delivery = %delivery.id, "a callback was passed over"),
            Err(panic) => return tracing::error!(%panic, delivery = %delivery.id, "a callback was passed over"),
        };
        tracing::debug!(delivery = %delivery.id, ?outcome, "a callback was tried");
        let delivery = Arc::new(delivery);
        for _ in 0..WRITES {
            match self.settle(Arc::clone(&delivery), outcome).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "what came of a callback could not be written yet"),
            }
            sleep(AGAIN).await;
        }
    }

    async fn settle(&self, delivery: Arc<callback::Delivery>, outcome: Outcome) -> Result<()> {
        let now = self.clock.now();
        self.store.write(move |conn| callback::settle(conn, &delivery, outcome, now)).await
    }
}
