//! The way out that goes nowhere: it answers as carriers do, and no phone rings.
//!
//! The end of the recipient's number says what happens:
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

use super::{CarrierRejection, IncomingReceipt, Outcome, Receipt, ReceiptSender, ReceiptState, Submission, Transport};

/// How many receipts may be on their way; more segments have to wait.
const ROOM: usize = 10_000;
/// How often a segment to …999 is throttled.
const THROTTLED: u8 = 2;
/// Segments to …999 whose tries are remembered.
const REMEMBERED: usize = 10_000;
/// How soon to look again whether there is room.
const MOMENT: Duration = Duration::from_millis(5);
/// Until a receipt that was not acknowledged comes again.
const AGAIN: Duration = Duration::from_secs(1);

/// The rules above for whoever tries them: how a number ends, and what then
/// becomes of its message.
pub const FIXED_NUMBERS: [(&str, &str); 7] = [
    ("990", "delivered"),
    ("994", "sent, and nothing more is heard"),
    ("995", "expired"),
    ("996", "undelivered: the carrier refused it later"),
    ("997", "undelivered: the phone could not be reached"),
    ("998", "failed: the carrier does not take the number"),
    ("999", "delivered at the third try"),
];

/// A carrier that only rehearses.
pub struct Sandbox {
    delay: Duration,
    receipts: ReceiptSender,
    room: Arc<Semaphore>,
    tries: Mutex<HashMap<u64, u8>>,
}

impl Sandbox {
    /// Receipts arrive `delay` after a segment was accepted.
    #[must_use]
    pub fn new(delay: Duration, receipts: ReceiptSender) -> Self {
        Self { delay, receipts, room: Arc::new(Semaphore::new(ROOM)), tries: Mutex::default() }
    }

    /// Gives the receipts of segments that were accepted before a restart; ids
    /// that are not the sandbox's are passed over. Has to be called within a
    /// Tokio runtime, as [`submit`](Transport::submit) does.
    pub fn resume(&self, carrier_ids: Vec<String>) {
        let (delay, receipts, room) = (self.delay, self.receipts.clone(), Arc::clone(&self.room));
        tokio::spawn(async move {
            for carrier_id in carrier_ids {
                let Some(receipt) = Ending::of_id(&carrier_id).and_then(|ending| ending.receipt(carrier_id, None))
                else {
                    continue;
                };
                let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
                tokio::spawn(deliver(receipt, delay, receipts.clone(), permit));
            }
        });
    }

    fn answer(&self, submission: &Submission) -> Outcome {
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else { return Outcome::NotSent };
        let number = submission.recipient.as_str();
        if number.ends_with("998") {
            return Outcome::Refused(CarrierRejection { code: "invalid_recipient", carrier_status: None });
        }
        if number.ends_with("999") && self.is_throttled(submission) {
            let rejection = CarrierRejection { code: "throttled", carrier_status: None };
            return Outcome::Retry { rejection, after: self.delay, max_attempts: u32::from(THROTTLED) + 1 };
        }
        let ending = Ending::of_number(number);
        let carrier_id = format!("{PREFIX}{}-{}", ending.digit(), Uuid::now_v7().simple());
        if let Some(receipt) = ending.receipt(carrier_id.clone(), Some(number.to_owned())) {
            tokio::spawn(deliver(receipt, self.delay, self.receipts.clone(), permit));
        }
        Outcome::Accepted { carrier_id }
    }

    fn is_throttled(&self, submission: &Submission) -> bool {
        let mut hasher = DefaultHasher::new();
        (&submission.recipient, &submission.payload, submission.part.map(|part| part.number)).hash(&mut hasher);
        let mut tries = self.tries.lock();
        if tries.len() >= REMEMBERED {
            tries.clear();
        }
        let count = tries.entry(hasher.finish()).or_default();
        *count += 1;
        let throttled = *count <= THROTTLED;
        if !throttled {
            tries.remove(&hasher.finish());
        }
        throttled
    }
}

impl Transport for Sandbox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capacity(&self) -> usize {
        if self.room.is_closed() { 0 } else { self.room.available_permits() }
    }

    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // A permit would be handed to one who may not use it.
            while self.capacity() == 0 {
                tokio::time::sleep(MOMENT).await;
            }
        })
    }

    fn submit(&self, submission: Submission) -> BoxFuture<'_, Outcome> {
        Box::pin(async move { self.answer(&submission) })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { self.room.close() })
    }
}

/// Brings a receipt until it is acknowledged.
async fn deliver(receipt: Receipt, delay: Duration, receipts: ReceiptSender, permit: OwnedSemaphorePermit) {
    tokio::time::sleep(delay).await;
    loop {
        let (taken, acknowledged) = oneshot::channel();
        if receipts.send(IncomingReceipt { receipt: receipt.clone(), taken }).await.is_err()
            || acknowledged.await.is_ok()
        {
            break;
        }
        tokio::time::sleep(AGAIN).await;
    }
    drop(permit);
}

/// The word for it.
pub const NAME: &str = "sandbox";
/// How its ids for segments begin; the digit of an ending follows.
pub const PREFIX: &str = "sandbox-";

/// What becomes of a segment that was accepted.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Told(ReceiptState),
    Silence,
}

/// Each with the digit that stands for it.
const ENDINGS: [(char, Ending); 5] = [
    ('0', Ending::Told(ReceiptState::Delivered)),
    ('7', Ending::Told(ReceiptState::Undelivered)),
    ('6', Ending::Told(ReceiptState::Rejected)),
    ('5', Ending::Told(ReceiptState::Expired)),
    ('4', Ending::Silence),
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
        carrier_id.strip_prefix(PREFIX)?.chars().next().and_then(Self::of_digit)
    }

    fn digit(self) -> char {
        ENDINGS.iter().find(|(_, ending)| *ending == self).map_or('0', |(digit, _)| *digit)
    }

    fn receipt(self, carrier_id: String, recipient: Option<String>) -> Option<Receipt> {
        let Self::Told(state) = self else { return None };
        let error = (state != ReceiptState::Delivered).then(|| "test number".to_owned());
        Some(Receipt { carrier_id, state, error, recipient })
    }
}

#[cfg(test)]
mod tests;
