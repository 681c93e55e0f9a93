//! The dispatcher of one queue: leases due messages, as many as the transport has
//! capacity for, and submits their segments.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::transport::{Part, SegmentId, Submission, Transport};
use crate::clock::Clock;
use crate::domain::message::sms_text::Segment;
use crate::domain::message::{self, CarrierRejection, Lease, Message, MessageId, SegmentOutcome};
use crate::error::Result;
use crate::store::{Store, UtcTime, log_outage};

/// The most messages in progress.
const MAX_IN_PROGRESS: usize = 256;
/// The delay before the next lease after the database failed.
const LEASE_RETRY_DELAY: Duration = Duration::from_secs(1);
/// How long a segment waits for capacity before its message is queued again.
const CAPACITY_TIMEOUT: Duration = Duration::from_secs(10);
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

/// The dispatcher of the carrier's queue, or of the sandbox's.
pub(super) struct Dispatcher {
    rehearsed: bool,
    transport: Arc<dyn Transport>,
    queue_changed: Arc<Notify>,
    store: Store,
    clock: Clock,
    /// The largest capacity that the transport ever had.
    max_capacity: AtomicUsize,
}

impl Dispatcher {
    /// A dispatcher that submits to `transport`; `queue_changed` is notified when
    /// this instance queues a message, or a poll finds one that is due.
    pub(super) fn new(
        rehearsed: bool,
        transport: Arc<dyn Transport>,
        queue_changed: Arc<Notify>,
        store: Store,
        clock: Clock,
    ) -> Self {
        Self { rehearsed, transport, queue_changed, store, clock, max_capacity: AtomicUsize::new(0) }
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
                        _ = self.queue_changed.notified() => {}
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
        self.transport.close().await;
    }

    /// Waits until messages can begin. Returns how many.
    async fn wait_for_capacity(&self, slots: &Semaphore) -> usize {
        loop {
            self.transport.ready().await;
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
        let capacity = self.transport.capacity();
        let max_capacity = self.max_capacity.fetch_max(capacity, Ordering::Relaxed).max(capacity).min(MAX_IN_PROGRESS);
        let in_progress = MAX_IN_PROGRESS - slots.available_permits();
        capacity.min(max_capacity.saturating_sub(in_progress))
    }

    async fn lease(&self, limit: usize) -> Result<Vec<Lease>> {
        let (rehearsed, now) = (self.rehearsed, self.clock.now());
        // A read first, so that an idle dispatcher takes no write lock.
        if !self.store.read(move |conn| message::is_due(conn, rehearsed, now)).await? {
            return Ok(Vec::new());
        }
        let (sender, receiver) = oneshot::channel();
        let lease = move |conn: &mut _| message::lease(conn, rehearsed, limit, now);
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
            let (transport, outcomes) = (Arc::clone(&self.transport), outcomes.clone());
            let now = self.clock.now();
            tokio::spawn(async move {
                let segments = submit_segments(&*transport, &lease, now).await;
                let Message { id, account_id, due_at: until, .. } = lease.message;
                let outcome = DispatchOutcome { id, account: account_id.to_string(), until, segments, _slot: slot };
                // Without a writer the lease expires, and the sweeper settles the message.
                let _ = outcomes.send(outcome).await;
            });
        }
    }
}

/// Submits the segments one after the other, and stops at the first one that is
/// not accepted: a phone can't show a message that lacks a segment.
async fn submit_segments(transport: &dyn Transport, lease: &Lease, now: UtcTime) -> Vec<(i64, SegmentOutcome)> {
    let segments = lease.message.text.segments();
    let mut outcomes = Vec::with_capacity(lease.numbers.len());
    for number in &lease.numbers {
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let Some(segment) = segments.get(index) else { continue };
        let outcome = submit(transport, submission(&lease.message, segment, *number, segments.len(), now)).await;
        if let SegmentOutcome::Rejected(CarrierRejection { error, carrier_code }) = &outcome
            && !lease.message.rehearsed
        {
            let (id, code) = (&lease.message.id, carrier_code.as_deref().unwrap_or_default());
            tracing::info!(message_id = %id, error = error.as_str(), code, "the carrier rejected a message");
        }
        let is_accepted = matches!(outcome, SegmentOutcome::Accepted(_));
        outcomes.push((*number, outcome));
        if !is_accepted {
            break;
        }
    }
    outcomes
}

async fn submit(transport: &dyn Transport, submission: Submission) -> SegmentOutcome {
    let began = Instant::now();
    loop {
        let outcome = transport.submit(submission.clone()).await;
        let left = CAPACITY_TIMEOUT.saturating_sub(began.elapsed());
        if outcome != SegmentOutcome::NotSent || timeout(left, transport.ready()).await.is_err() {
            return outcome;
        }
        tokio::task::yield_now().await;
    }
}

fn submission(message: &Message, segment: &Segment, number: i64, total: usize, now: UtcTime) -> Submission {
    let byte = |value: i64| u8::try_from(value).unwrap_or(u8::MAX);
    let total = byte(i64::try_from(total).unwrap_or(i64::MAX));
    let valid_for = message.valid_until.micros().saturating_sub(now.micros()).max(0).unsigned_abs();
    Submission {
        segment: SegmentId { message: message.id.clone(), number },
        recipient: message.recipient.clone(),
        sender: message.sender.clone(),
        encoding: message.encoding,
        payload: segment.payload.clone(),
        part: (total > 1).then(|| Part { reference: reference(&message.id), total, number: byte(number) }),
        valid_for: Duration::from_micros(valid_for),
    }
}

/// The concatenation reference, derived from the message's id: a retry has the
/// same one, and the next message to the same phone rarely has.
fn reference(id: &MessageId) -> u8 {
    id.as_str().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
}
