//! A line: one mode's messages and their way out. Leases what is due, for as
//! many as the carrier takes now, and hands it over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::transport::carrier_id_key;
use super::transport::{CarrierRejection, Outcome, Part, Submission, Transport};
use crate::clock::Clock;
use crate::domain::api_key::secret::Mode;
use crate::domain::message::sms_text::Segment;
use crate::domain::message::{self, Fault, Lease, Message, MessageId, SegmentOutcome};
use crate::error::Result;
use crate::store::{Store, UtcTime};

/// Messages in progress at most.
const MOST: usize = 256;
/// How soon messages that another instance accepted are seen.
const POLL: Duration = Duration::from_millis(500);
/// How soon leasing is tried again after a failure.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a segment waits for its turn before the message goes back in line.
const TURN: Duration = Duration::from_secs(10);
/// Too few free places to be worth a transaction, while others are in progress.
const FEW: usize = 8;
/// How long to wait for more of them.
const MOMENT: Duration = Duration::from_millis(2);
/// How long what is in progress may take to end, for a clean stop.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// What became of a message, to be written down.
pub(super) struct DispatchOutcome {
    pub(super) id: MessageId,
    pub(super) account: String,
    /// When its lease ends.
    pub(super) until: Option<UtcTime>,
    pub(super) outcomes: Vec<(i64, SegmentOutcome)>,
    /// Its place among those in progress, kept until this is written.
    _place: OwnedSemaphorePermit,
}

/// One mode's messages and their way out.
pub struct Dispatcher {
    pub(super) mode: Mode,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) wake: Arc<Notify>,
    pub(super) store: Store,
    pub(super) clock: Clock,
    /// The most that the carrier ever took at once.
    pub(super) widest: AtomicUsize,
}

impl Dispatcher {
    /// Works until `stop`, and then for as long as answers are awaited.
    pub(super) async fn work(self, finished: mpsc::Sender<DispatchOutcome>, mut stop: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(MOST));
        while !*stop.borrow() {
            let free = tokio::select! {
                free = self.free(&places) => free,
                _ = stop.changed() => break,
            };
            // A lease that is being written is not given up halfway: nobody would hand it over.
            match self.lease(free).await {
                Ok(leases) if leases.is_empty() => {
                    // Whatever comes first: a message here, or one elsewhere.
                    tokio::select! {
                        _ = timeout(POLL, self.wake.notified()) => {}
                        _ = stop.changed() => {}
                    }
                }
                Ok(leases) => {
                    self.begin(leases, &places, &finished);
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    tracing::warn!(%error, "no messages could be taken from the queue");
                    let _ = timeout(AGAIN, stop.changed()).await;
                }
            }
        }
        let _ = timeout(LAST_ANSWERS, places.acquire_many(MOST as u32)).await;
        self.transport.close().await;
    }

    /// Waits until the carrier takes something; gives how many messages.
    async fn free(&self, places: &Semaphore) -> usize {
        loop {
            self.transport.ready().await;
            let is_idle = places.available_permits() == MOST;
            if self.room(places) < FEW && !is_idle {
                sleep(MOMENT).await;
            }
            let free = self.room(places);
            if free > 0 {
                return free;
            }
            sleep(MOMENT).await;
        }
    }

    /// How many messages may begin: no more are in progress than the carrier
    /// takes at once, so that a crash leaves few of them open.
    fn room(&self, places: &Semaphore) -> usize {
        let capacity = self.transport.capacity();
        let widest = self.widest.fetch_max(capacity, Ordering::Relaxed).max(capacity).min(MOST);
        let in_progress = MOST - places.available_permits();
        capacity.min(widest.saturating_sub(in_progress))
    }

    async fn lease(&self, most: usize) -> Result<Vec<Lease>> {
        let (mode, now) = (self.mode, self.clock.now());
        // Looking costs no write lock.
        if !self.store.read(move |conn| message::is_due(conn, mode, now)).await? {
            return Ok(Vec::new());
        }
        let (give, given) = oneshot::channel();
        let lease = move |conn: &mut _| message::lease(conn, mode, most, now);
        let asked = self.store.write_then(lease, move |leases| drop(give.send(leases))).await;
        // A write that takes too long goes on by itself, and what it leases is for this line.
        match given.await {
            Ok(leases) => Ok(leases),
            Err(_) => asked.map(|()| Vec::new()),
        }
    }

    fn begin(&self, leases: Vec<Lease>, places: &Arc<Semaphore>, finished: &mpsc::Sender<DispatchOutcome>) {
        for lease in leases {
            let Ok(place) = Arc::clone(places).try_acquire_owned() else { return };
            let (transport, finished) = (Arc::clone(&self.transport), finished.clone());
            let now = self.clock.now();
            tokio::spawn(async move {
                let outcomes = hand_over(&*transport, &lease, now).await;
                let Message { id, account_id, due_at: until, .. } = lease.message;
                let done = DispatchOutcome { id, account: account_id.to_string(), until, outcomes, _place: place };
                // Without a writer the lease ends, and is settled then.
                let _ = finished.send(done).await;
            });
        }
    }
}

/// Hands the segments over one after the other; without one of them the others
/// need not follow.
async fn hand_over(transport: &dyn Transport, lease: &Lease, now: UtcTime) -> Vec<(i64, SegmentOutcome)> {
    let segments = lease.message.text.segments();
    let mut outcomes = Vec::with_capacity(lease.numbers.len());
    for number in &lease.numbers {
        let place = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let Some(segment) = segments.get(place) else { continue };
        let outcome = submit(transport, submission(&lease.message, segment, *number, segments.len(), now)).await;
        let outcome = to_segment_outcome(outcome, now);
        let goes_on = matches!(outcome, SegmentOutcome::Taken { .. });
        outcomes.push((*number, outcome));
        if !goes_on {
            break;
        }
    }
    outcomes
}

async fn submit(transport: &dyn Transport, submission: Submission) -> Outcome {
    let began = Instant::now();
    loop {
        let outcome = transport.submit(submission.clone()).await;
        let left = TURN.saturating_sub(began.elapsed());
        if outcome != Outcome::NotSent || timeout(left, transport.ready()).await.is_err() {
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
        recipient: message.recipient.clone(),
        sender: message.sender.clone(),
        encoding: message.encoding,
        payload: segment.payload.clone(),
        part: (total > 1).then(|| Part { reference: reference(&message.id), total, number: byte(number) }),
        valid_for: Duration::from_micros(valid_for),
    }
}

/// The same for each try of a message, and rarely that of the next one.
fn reference(id: &MessageId) -> u8 {
    id.as_str().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
}

fn to_segment_outcome(outcome: Outcome, now: UtcTime) -> SegmentOutcome {
    match outcome {
        Outcome::Accepted { carrier_id } => {
            SegmentOutcome::Taken { carrier_key: carrier_id_key(&carrier_id), carrier_id }
        }
        Outcome::Refused(rejection) => SegmentOutcome::Refused(fault(rejection)),
        Outcome::Retry { rejection, after, max_attempts } => SegmentOutcome::Later {
            fault: fault(rejection),
            at: now.plus_seconds(i64::try_from(after.as_secs()).unwrap_or(i64::MAX)),
            most: i64::from(max_attempts),
        },
        Outcome::NotSent => SegmentOutcome::NotSent,
        Outcome::Unknown => SegmentOutcome::Unanswered,
    }
}

fn fault(rejection: CarrierRejection) -> Fault {
    rejection.code.parse().unwrap_or(Fault::Rejected)
}
