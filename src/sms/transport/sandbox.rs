//! The sandbox: it responds as carriers do, and no phone gets anything.
//!
//! The last digits of the recipient's number decide what happens:
//!
//! ```text
//! …999  throttled twice, then delivered
//! …998  refused: invalid recipient
//! …997  accepted, then undelivered
//! …996  accepted, then rejected
//! …995  accepted, then expired
//! …994  accepted, and no receipt ever comes
//! else  accepted, then delivered
//! ```

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use uuid::Uuid;

use super::interface::{CarrierReport, IncomingReceipt, OutgoingMessage, ReportSender, Submission, Transport};
use super::segments::{SegmentTransport, submit_segments};
use crate::domain::message::{
    CarrierMessageId, CarrierRejection, DeliveryReceipt, MessageError, ReceiptState, SegmentOutcome,
};

/// The most receipts that wait for their delay; then there is no capacity.
const MAX_PENDING_RECEIPTS: usize = 10_000;
/// How often a segment to …999 is throttled before it is accepted.
const THROTTLE_COUNT: u8 = 2;
/// The most segments to …999 whose attempts are counted.
const MAX_REMEMBERED_TRIES: usize = 10_000;
/// How often a task that waits for capacity checks it.
const CAPACITY_POLL_INTERVAL: Duration = Duration::from_millis(5);
/// The delay before a receipt that was not acknowledged is delivered again.
const REDELIVERY_DELAY: Duration = Duration::from_secs(1);

/// The rules above for the dashboard: the last digits, and what becomes of the
/// message.
pub const FIXED_NUMBERS: [(&str, &str); 7] = [
    ("990", "delivered"),
    ("994", "sent, and no receipt comes"),
    ("995", "expired"),
    ("996", "undelivered: the carrier rejected it later"),
    ("997", "undelivered: the phone could not be reached"),
    ("998", "failed: the carrier rejected the number"),
    ("999", "delivered at the third try"),
];

/// A transport without a carrier.
pub struct Sandbox {
    delay: Duration,
    reports: ReportSender,
    capacity: Arc<Semaphore>,
    tries: Mutex<HashMap<u64, u8>>,
}

impl Sandbox {
    /// A sandbox whose receipts come `delay` after a segment was accepted.
    #[must_use]
    pub fn new(delay: Duration, reports: ReportSender) -> Self {
        Self { delay, reports, capacity: Arc::new(Semaphore::new(MAX_PENDING_RECEIPTS)), tries: Mutex::default() }
    }

    /// Delivers the receipts of segments that were accepted before a restart; ids
    /// that are not the sandbox's are ignored. Has to be called within a Tokio
    /// runtime, as [`submit_segment`](SegmentTransport::submit_segment).
    pub fn resume(&self, carrier_ids: Vec<String>) {
        let (delay, reports, capacity) = (self.delay, self.reports.clone(), Arc::clone(&self.capacity));
        tokio::spawn(async move {
            for carrier_id in carrier_ids {
                let Some(receipt) = Ending::of_id(&carrier_id).and_then(|ending| ending.receipt(carrier_id, None))
                else {
                    continue;
                };
                let Ok(permit) = Arc::clone(&capacity).acquire_owned().await else { return };
                tokio::spawn(deliver(receipt, delay, reports.clone(), permit));
            }
        });
    }

    fn respond(&self, submission: &Submission) -> SegmentOutcome {
        let Ok(permit) = Arc::clone(&self.capacity).try_acquire_owned() else { return SegmentOutcome::NotSent };
        let number = submission.recipient.as_str();
        if number.ends_with("998") {
            return SegmentOutcome::Rejected(CarrierRejection {
                error: MessageError::InvalidRecipient,
                carrier_code: None,
            });
        }
        if number.ends_with("999") && self.is_throttled(submission) {
            let rejection = CarrierRejection { error: MessageError::Throttled, carrier_code: None };
            return SegmentOutcome::Throttled { rejection, after: self.delay };
        }
        let ending = Ending::of_number(number);
        let carrier_id = format!("{ID_PREFIX}{}-{}", ending.digit(), Uuid::now_v7().simple());
        if let Some(receipt) = ending.receipt(carrier_id.clone(), Some(number.to_owned())) {
            tokio::spawn(deliver(receipt, self.delay, self.reports.clone(), permit));
        }
        SegmentOutcome::Accepted(CarrierMessageId::new(carrier_id))
    }

    fn is_throttled(&self, submission: &Submission) -> bool {
        let mut hasher = DefaultHasher::new();
        (&submission.recipient, &submission.payload, submission.part.map(|part| part.number)).hash(&mut hasher);
        let mut tries = self.tries.lock();
        if tries.len() >= MAX_REMEMBERED_TRIES {
            tries.clear();
        }
        let count = tries.entry(hasher.finish()).or_default();
        *count += 1;
        let throttled = *count <= THROTTLE_COUNT;
        if !throttled {
            tries.remove(&hasher.finish());
        }
        throttled
    }
}

impl Transport for Sandbox {
    fn capacity(&self) -> usize {
        if self.capacity.is_closed() { 0 } else { self.capacity.available_permits() }
    }

    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // Not by acquiring a permit: the task that gets it may not use it.
            while self.capacity() == 0 {
                tokio::time::sleep(CAPACITY_POLL_INTERVAL).await;
            }
        })
    }

    fn submit(&self, message: OutgoingMessage) -> BoxFuture<'_, Vec<(i64, SegmentOutcome)>> {
        Box::pin(async move { submit_segments(self, &message).await })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { self.capacity.close() })
    }
}

impl SegmentTransport for Sandbox {
    fn segment_ready(&self) -> BoxFuture<'_, ()> {
        self.ready()
    }

    fn submit_segment(&self, submission: Submission) -> BoxFuture<'_, SegmentOutcome> {
        Box::pin(async move { self.respond(&submission) })
    }
}

/// Delivers a receipt again and again until it is acknowledged.
async fn deliver(receipt: DeliveryReceipt, delay: Duration, reports: ReportSender, permit: OwnedSemaphorePermit) {
    tokio::time::sleep(delay).await;
    loop {
        let (acknowledge, acknowledged) = oneshot::channel();
        let report = CarrierReport::Receipt(IncomingReceipt { receipt: receipt.clone(), acknowledge });
        if reports.send(report).await.is_err() || acknowledged.await.is_ok() {
            break;
        }
        tokio::time::sleep(REDELIVERY_DELAY).await;
    }
    drop(permit);
}

/// The prefix of its ids; the digit of the `Ending` follows.
const ID_PREFIX: &str = "sandbox-";

/// What becomes of a segment after it was accepted.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Receipt(ReceiptState),
    NoReceipt,
}

/// The endings, each with its digit.
const ENDINGS: [(char, Ending); 5] = [
    ('0', Ending::Receipt(ReceiptState::Delivered)),
    ('7', Ending::Receipt(ReceiptState::Undelivered)),
    ('6', Ending::Receipt(ReceiptState::Rejected)),
    ('5', Ending::Receipt(ReceiptState::Expired)),
    ('4', Ending::NoReceipt),
];

impl Ending {
    fn of_digit(digit: char) -> Option<Self> {
        ENDINGS.iter().find(|(known, _)| *known == digit).map(|(_, ending)| *ending)
    }

    fn of_number(number: &str) -> Self {
        let mut from_the_end = number.chars().rev();
        let last = from_the_end.next().filter(|_| from_the_end.next() == Some('9') && from_the_end.next() == Some('9'));
        last.and_then(Self::of_digit).unwrap_or(ENDINGS[0].1)
    }

    fn of_id(carrier_id: &str) -> Option<Self> {
        carrier_id.strip_prefix(ID_PREFIX)?.chars().next().and_then(Self::of_digit)
    }

    fn digit(self) -> char {
        ENDINGS.iter().find(|(_, ending)| *ending == self).map_or('0', |(digit, _)| *digit)
    }

    fn receipt(self, carrier_id: String, recipient: Option<String>) -> Option<DeliveryReceipt> {
        let Self::Receipt(state) = self else { return None };
        // There is no carrier whose code this could be.
        let error = None;
        Some(DeliveryReceipt { carrier_id: CarrierMessageId::new(carrier_id), state, error, recipient, message: None })
    }
}

#[cfg(test)]
mod tests;
