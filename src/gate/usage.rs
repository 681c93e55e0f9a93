//! Collects the uses of keys in memory, which `writer` writes to the database every
//! second and a half, those of thousands of keys in one transaction, so that no
//! verdict waits for a write. A crash loses the uses of the last two seconds, or
//! all since the database last took a write. When the database does not say
//! whether it took one, its uses are counted again: rather twice than never.

use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use foldhash::quality::RandomState;
use parking_lot::Mutex;

use super::question::Client;
use super::record::KeyRecord;
use super::uses::ClientDescription;
use crate::domain::api_key::usage::{self, NewUses, SecretUsage};
use crate::error::Result;
use crate::store::{Store, UtcTime, log_outage};

/// Keys in one transaction. More would make its journal large: the database
/// keeps every page as it was before.
const BATCH_SIZE: usize = 2_500;
/// While nothing can be written, no more records than these are kept in memory.
const MAX_QUEUED_RECORDS: usize = 100_000;
const MAX_USER_AGENT_CHARS: usize = 200;

impl Client<'_> {
    /// Tells clients apart, with a random seed. Somebody who guessed the seed could
    /// hide from where a key was used; no key could be used with it.
    fn hash(&self) -> u64 {
        static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);
        SEED.hash_one(self)
    }

    /// Overwrites the description in place, without an allocation.
    pub(super) fn describe(self, description: &mut ClientDescription) {
        let ClientDescription { address, user_agent } = description;
        *address = self.address;
        user_agent.clear();
        user_agent.extend(self.user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT_CHARS));
    }
}

/// The records with uses that are not in the database yet.
#[derive(Default)]
pub(super) struct UsageQueue {
    records: Mutex<Vec<Arc<KeyRecord>>>,
    /// Held while writing, so that the last write before a stop waits for the
    /// one that is under way.
    writing: tokio::sync::Mutex<()>,
}

impl UsageQueue {
    pub(super) fn count(&self, record: &Arc<KeyRecord>, now: UtcTime, client: Client<'_>) {
        if record.uses.count(now, client.hash(), |description| client.describe(description)) {
            let mut records = self.records.lock();
            if records.len() < MAX_QUEUED_RECORDS {
                records.push(Arc::clone(record));
            } else {
                record.uses.was_not_queued();
            }
        }
    }

    /// How many uses are not in the database yet.
    pub(super) fn pending(&self) -> i64 {
        let records = self.records.lock().clone(); // the lock is not held while adding up
        records.iter().map(|record| record.uses.pending()).sum()
    }

    /// Writes all queued uses; those that can't be written stay in the queue.
    pub(super) async fn write(&self, store: &Store) {
        let _writing = self.writing.lock().await;
        let mut records = self.take();
        // In the order of the database's pages, so that few pages are written twice.
        // The cached key saves fetching a record's memory for each comparison.
        records.sort_by_cached_key(|record| record.secret_id().clone());
        let mut rest = &*records;
        while !rest.is_empty() {
            let (batch, next) = rest.split_at(BATCH_SIZE.min(rest.len()));
            if let Err(error) = self.write_batch(batch, store).await {
                log_outage(&error); // the uses are kept for later
                self.records.lock().extend_from_slice(next);
                return;
            }
            rest = next;
        }
    }

    async fn write_batch(&self, records: &[Arc<KeyRecord>], store: &Store) -> Result<()> {
        let taken = records.iter().map(|record| (record, take_uses(record))).filter(|(_, news)| news.usage.uses > 0);
        let (records, news): (Vec<_>, Vec<_>) = taken.unzip();
        if news.is_empty() {
            return Ok(());
        }
        let counts: Vec<_> = news.iter().map(|news| news.usage.uses).collect();
        let written = store.write(move |conn| usage::add(conn, news)).await;
        if written.is_err() {
            let back = records.into_iter().zip(counts).filter(|(record, count)| record.uses.put_back(*count));
            self.records.lock().extend(back.map(|(record, _)| Arc::clone(record)));
        }
        written
    }

    /// Empties the queue, which keeps its capacity: the next round is likely to
    /// have as many records.
    fn take(&self) -> Vec<Arc<KeyRecord>> {
        let mut records = self.records.lock();
        let next = Vec::with_capacity(records.len());
        std::mem::replace(&mut *records, next)
    }
}

fn take_uses(record: &KeyRecord) -> NewUses {
    let (uses, last_used_at, ClientDescription { address, user_agent }) = record.uses.take();
    let address = address.map_or_else(String::new, |address| address.to_canonical().to_string());
    let key_secret_id = record.secret_id().clone();
    let usage = SecretUsage { key_secret_id, uses, last_used_at, address, user_agent };
    NewUses { api_key_id: record.id.clone(), usage }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::verdict::tests::key;

    const NOBODY: Client<'_> = Client { address: None, user_agent: "" };
    const NOW: UtcTime = UtcTime::from_micros(1);

    #[test]
    fn a_database_that_takes_nothing_lets_no_more_than_the_most_wait_and_the_rest_comes_later() {
        let usage = UsageQueue::default();
        for _ in 0..MAX_QUEUED_RECORDS {
            usage.count(&Arc::new(key(|_, _| ())), NOW, NOBODY);
        }
        let late = Arc::new(key(|_, _| ()));
        (0..3).for_each(|_| usage.count(&late, NOW, NOBODY));
        assert_eq!(usage.take().len(), MAX_QUEUED_RECORDS);

        usage.count(&late, NOW, NOBODY);

        let waiting = usage.take();
        assert_eq!(waiting.iter().map(|record| record.uses.pending()).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn callers_are_told_apart_by_either_of_what_is_known_of_them() {
        let caller = |address: &str, user_agent| Client { address: address.parse().ok(), user_agent };
        let digest = caller("192.0.2.1", "curl").hash();
        assert_eq!(digest, caller("192.0.2.1", "curl").hash());
        for other in [caller("192.0.2.2", "curl"), caller("192.0.2.1", "wget"), caller("", "curl")] {
            assert_ne!(digest, other.hash(), "{other:?}");
        }
    }
}
