//! The dispatcher of one carrier: leases due messages, as many as its transport has
//! capacity for, and submits them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::carriers::Carrier;
use super::transport::OutgoingMessage;
use crate::clock::Clock;
use crate::domain::message::{self, CarrierRejection, Lease, Message, MessageId, SegmentOutcome};
use crate::error::Result;
use crate::store::{Store, UtcTime, log_outage};

/// The most messages in progress.
const MAX_IN_PROGRESS: usize = 256;
/// The delay before the next lease after the database failed.
const LEASE_RETRY_DELAY: Duration = Duration::from_secs(1);
/// The least capacity that is worth a transaction while messages are in progress.
const MIN_BATCH_SIZE: usize = 8;
/// How long to wait for more capacity when there is less.
const BATCH_DELAY: Duration = Duration::from_millis(2);
/// How long a stop waits for the messages in progress.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The outcome of one leased message, to be written to the database.
pub(super) struct DispatchOutcome {
    pub(super) id: MessageId,
    pub(super) account: String,
    /// When its lease ends.
    pub(super) until: Option<UtcTime>,
    pub(super) segments: Vec<(i64, SegmentOutcome)>,
    /// Counts the message as in progress until its outcome is written.
    _slot: OwnedSemaphorePermit,
}

/// The dispatcher of a carrier's queue; the sandbox counts as a carrier.
pub(super) struct Dispatcher {
    carrier: Arc<Carrier>,
    store: Store,
    clock: Clock,
    /// The largest capacity that the transport ever had.
    max_capacity: AtomicUsize,
}

impl Dispatcher {
    /// A dispatcher of the messages that wait for `carrier`.
    pub(super) fn new(carrier: Arc<Carrier>, store: Store, clock: Clock) -> Self {
        Self { carrier, store, clock, max_capacity: AtomicUsize::new(0) }
    }

    /// Runs until `stop`, then waits for the messages in progress and closes the
    /// transport.
    pub(super) async fn run(self, outcomes: mpsc::Sender<DispatchOutcome>, mut stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(MAX_IN_PROGRESS));
        while !*stop.borrow() {
            let free = tokio::select! {
                free = self.wait_for_capacity(&slots) => free,
                _ = stop.changed() => break,
            };
            // Not within the select: a lease whose future is dropped halfway would be
            // written and then submitted by nobody.
            match self.lease(free).await {
                Ok(leases) if leases.is_empty() => {
                    tokio::select! {
                        _ = self.carrier.queue_changed.notified() => {}
                        _ = stop.changed() => {}
                    }
                }
                Ok(leases) => {
                    self.begin(leases, &slots, &outcomes);
                    // Lets the new tasks take capacity before it is counted again.
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    log_outage(&error); // and messages are leased later
                    let _ = timeout(LEASE_RETRY_DELAY, stop.changed()).await;
                }
            }
        }
        let _ = timeout(DRAIN_TIMEOUT, slots.acquire_many(MAX_IN_PROGRESS as u32)).await;
        self.carrier.transport.close().await;
    }

    /// Waits until messages can begin. Returns how many.
    async fn wait_for_capacity(&self, slots: &Semaphore) -> usize {
        loop {
            self.carrier.transport.ready().await;
            let is_idle = slots.available_permits() == MAX_IN_PROGRESS;
            if self.free(slots) < MIN_BATCH_SIZE && !is_idle {
                sleep(BATCH_DELAY).await;
            }
            let free = self.free(slots);
            if free > 0 {
                return free;
            }
            sleep(BATCH_DELAY).await;
        }
    }

    /// How many messages may begin. No more are in progress than the transport can
    /// submit at once, so that a crash leaves the outcome of few unknown.
    fn free(&self, slots: &Semaphore) -> usize {
        let capacity = self.carrier.transport.capacity();
        let max_capacity = self.max_capacity.fetch_max(capacity, Ordering::Relaxed).max(capacity).min(MAX_IN_PROGRESS);
        let in_progress = MAX_IN_PROGRESS - slots.available_permits();
        capacity.min(max_capacity.saturating_sub(in_progress))
    }

    async fn lease(&self, limit: usize) -> Result<Vec<Lease>> {
        let (carrier, now) = (self.carrier.name.clone(), self.clock.now());
        let waiting_for = carrier.clone();
        // A read first, so that an idle dispatcher takes no write lock.
        if !self.store.read(move |conn| message::is_due(conn, &waiting_for, now)).await? {
            return Ok(Vec::new());
        }
        let (sender, receiver) = oneshot::channel();
        let lease = move |conn: &mut _| message::lease(conn, &carrier, limit, now);
        let written = self.store.write_then(lease, move |leases| drop(sender.send(leases))).await;
        // A write that times out here may still be committed later; its leases come
        // through the channel, and its sender is dropped if it is not.
        match receiver.await {
            Ok(leases) => Ok(leases),
            Err(_) => written.map(|()| Vec::new()),
        }
    }

    fn begin(&self, leases: Vec<Lease>, slots: &Arc<Semaphore>, outcomes: &mpsc::Sender<DispatchOutcome>) {
        for lease in leases {
            let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { return };
            let (carrier, outcomes) = (Arc::clone(&self.carrier), outcomes.clone());
            let now = self.clock.now();
            tokio::spawn(async move {
                let segments = carrier.transport.submit(outgoing(&lease, now)).await;
                segments.iter().for_each(|(_, outcome)| carrier.metrics.answered(outcome));
                log_rejections(&lease.message, &segments);
                let Message { id, account_id, due_at: until, .. } = lease.message;
                let outcome = DispatchOutcome { id, account: account_id.to_string(), until, segments, _slot: slot };
                // Without a writer the lease expires, and the sweeper settles the message.
                let _ = outcomes.send(outcome).await;
            });
        }
    }
}

/// What the transport needs of a leased message.
fn outgoing(Lease { message, numbers }: &Lease, now: UtcTime) -> OutgoingMessage {
    let valid_for = message.valid_until.micros().saturating_sub(now.micros()).max(0).unsigned_abs();
    OutgoingMessage {
        id: message.id.clone(),
        recipient: message.recipient.clone(),
        sender: message.sender.clone(),
        text: message.text.clone(),
        numbers: numbers.clone(),
        valid_for: Duration::from_micros(valid_for),
    }
}

fn log_rejections(message: &Message, outcomes: &[(i64, SegmentOutcome)]) {
    for (_, outcome) in outcomes.iter().filter(|_| !message.rehearsed) {
        if let SegmentOutcome::Rejected(CarrierRejection { error, carrier_code }) = outcome {
            let (id, carrier, code) = (&message.id, &message.carrier, carrier_code.as_deref().unwrap_or_default());
            tracing::info!(message_id = %id, %carrier, error = error.as_str(), code, "the carrier rejected a message");
        }
    }
}
