//! Counts refused requests in memory, and writes the counts to the database together with
//! the uses of keys. Bounded, since anybody can be refused as often as they like: what
//! finds no room is still counted, without its key. A crash loses those of the last two
//! seconds, as it does with uses.

mod counters;
mod shard;
mod tally;

use std::hash::{BuildHasher, Hash};

use arrayvec::ArrayString;
use foldhash::quality::RandomState;
use parking_lot::Mutex;

use super::question::Client;
use super::record::KeyRecord;
use super::verdict::Code;
use crate::domain::refusal::{self, NewRefusals, RefusalCount, RefusalKind, hour_of};
use crate::store::{Store, UtcTime, log_outage};
use counters::RefusalCounters;
use shard::{
    CountedKeys, CountedRefusal, CountedUnknown, KeyHour, KeyTail, Origin, SHARDS, Shard, key_refusal, unknown_key,
};
use tally::{Tally, canonical};

/// Refusals of known keys in one transaction.
const BATCH_SIZE: usize = 1_000;

/// The refusals that are not in the database yet.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    shards: [Mutex<Shard>; SHARDS],
    seed: RandomState,
    counts: RefusalCounters,
    /// Held while writing, so that whoever reads afterwards finds what was counted before.
    writing: tokio::sync::Mutex<()>,
}

/// Refusals on their way to the database.
#[derive(Debug, Default)]
struct Batch {
    keys: CountedKeys,
    unknown: CountedUnknown,
    counts: Vec<RefusalCount>,
}

impl Refusals {
    /// Counts a refusal of a key that is known, also one that the answer does not name.
    pub(super) fn count(&self, key: &KeyRecord, code: Code, client: Client<'_>, now: UtcTime) {
        let hour = KeyHour { key: key.id.clone(), account: key.account_id.clone(), hour: hour_of(now) };
        // Only where the address decides it is worth a row of its own.
        let origin = if code == Code::IpNotAllowed { Origin::Address(canonical(client)) } else { Origin::Any };
        let reason = CountedRefusal { code, origin, tally: Tally::of(client, now) };
        self.add(hour, reason);
    }

    /// Counts a key that has the shape of one and is not known, by the end of it.
    pub(super) fn count_unknown(&self, tail: &str, client: Client<'_>, now: UtcTime) {
        let tail = ArrayString::from(tail).unwrap_or_default();
        self.add_unknown(KeyTail { tail, address: canonical(client) }, Tally::of(client, now));
    }

    /// Counts what has not the shape of a key, and keeps nothing of it: it may be a password.
    pub(super) fn count_malformed(&self) {
        self.counts.add(RefusalKind::Malformed, 1);
    }

    /// Writes what was counted so far; what can't be written stays in memory.
    pub(super) async fn write(&self, store: &Store, now: UtcTime) {
        let _writing = self.writing.lock().await;
        let mut rest = self.take(now);
        loop {
            let batch = rest.split_off();
            if batch.is_empty() {
                return;
            }
            let news = batch.rows();
            if let Err(error) = store.write(move |conn| refusal::add(conn, news)).await {
                log_outage(&error);
                self.put_back(batch);
                self.put_back(rest);
                return;
            }
        }
    }

    fn add(&self, hour: KeyHour, reason: CountedRefusal) {
        let left_over = self.shard(&hour.key).lock().add(hour, reason);
        self.counts.add(RefusalKind::Unlisted, left_over);
    }

    fn add_unknown(&self, key: KeyTail, tally: Tally) {
        let left_over = self.shard(&key).lock().add_unknown(key, tally);
        self.counts.add(RefusalKind::Unlisted, left_over);
    }

    fn take(&self, now: UtcTime) -> Batch {
        let mut all = Batch::default();
        for shard in &self.shards {
            // Counting waits no longer than it takes to put an empty one in its place.
            let mut full = std::mem::take(&mut *shard.lock());
            let (keys, unknown) = full.take();
            all.keys.extend(keys);
            all.unknown.extend(unknown);
        }
        all.counts = self.counts.take(now);
        all
    }

    fn put_back(&self, batch: Batch) {
        batch.keys.into_iter().for_each(|(hour, reason)| self.add(hour, reason));
        batch.unknown.into_iter().for_each(|(key, tally)| self.add_unknown(key, tally));
        self.counts.put_back(&batch.counts);
    }

    fn shard(&self, key: &impl Hash) -> &Mutex<Shard> {
        let [first, ..] = &self.shards;
        self.shards.get(self.seed.hash_one(key) as usize % SHARDS).unwrap_or(first)
    }
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.unknown.is_empty() && self.counts.is_empty()
    }

    /// Takes out what fits into one transaction.
    fn split_off(&mut self) -> Self {
        let keys = self.keys.split_off(self.keys.len().saturating_sub(BATCH_SIZE));
        Self { keys, unknown: std::mem::take(&mut self.unknown), counts: std::mem::take(&mut self.counts) }
    }

    fn rows(&self) -> NewRefusals {
        NewRefusals {
            keys: self.keys.iter().map(key_refusal).collect(),
            unknown: self.unknown.iter().map(unknown_key).collect(),
            counts: self.counts.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
