//! Collects the uses of keys and writes them down every second and a half,
//! those of thousands of keys in one transaction: verdicts never wait for it. A
//! crash loses the last two seconds, or as much as the database did not take
//! meanwhile. Where it does not say whether it did, uses are counted rather
//! twice than never.

use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use foldhash::quality::RandomState;
use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;

use super::question::Client;
use super::record::{Description, KeyRecord};
use crate::domain::api_key::KeySecretId;
use crate::domain::api_key::usage::{self, SecretUsage};
use crate::error::Result;
use crate::store::{Store, UtcTime};

const WRITE_INTERVAL: Duration = Duration::from_millis(1_500);
/// Keys in one transaction: the database remembers every page as it was before.
const BATCH_SIZE: usize = 2_500;
/// Records in line at most: while nothing can be written, they stay in memory.
const MAX_WAITING_RECORDS: usize = 100_000;
/// What is kept of a user agent, in characters.
const MAX_USER_AGENT_CHARS: usize = 200;

impl Client<'_> {
    /// Stands for this client, by a seed of the process. Whoever guessed that
    /// could hide where a use came from, and would open nothing with it.
    fn digest(&self) -> u64 {
        static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);
        SEED.hash_one(self)
    }

    /// Written over what was there, which takes no new memory.
    fn describe(self, description: &mut Description) {
        let Description { address, user_agent } = description;
        *address = self.address;
        user_agent.clear();
        user_agent.extend(self.user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT_CHARS));
    }
}

/// Records with uses that are not written down yet.
#[derive(Default)]
pub(super) struct Usage {
    waiting: Mutex<Vec<Arc<KeyRecord>>>,
    /// Held while writing: whoever writes last before a stop waits for the one before.
    writing: tokio::sync::Mutex<()>,
}

impl Usage {
    pub(super) fn count(&self, record: &Arc<KeyRecord>, now: UtcTime, client: Client<'_>) {
        if record.uses.count(now, client.digest(), |description| client.describe(description)) {
            let mut waiting = self.waiting.lock();
            if waiting.len() < MAX_WAITING_RECORDS {
                waiting.push(Arc::clone(record));
            } else {
                record.uses.finds_no_place();
            }
        }
    }

    /// How many uses are not written down yet.
    pub(super) fn waiting(&self) -> i64 {
        let waiting = self.waiting.lock().clone(); // added up while nobody waits
        waiting.iter().map(|record| record.uses.waiting()).sum()
    }

    /// Writes down what has come together; keeps what can't be written.
    pub(super) async fn write_down(&self, store: &Store) {
        let _writing = self.writing.lock().await;
        let mut records = self.take_waiting();
        // Neighbours in the database together, so that few pages are written twice.
        records.sort_by_cached_key(|record| record.secret_id.clone()); // each is fetched once, not with every comparison
        let mut rest = &*records;
        while !rest.is_empty() {
            let (some, next) = rest.split_at(BATCH_SIZE.min(rest.len()));
            if let Err(error) = self.write_some(some, store).await {
                tracing::warn!(%error, "the uses of keys are kept for later");
                self.waiting.lock().extend_from_slice(next);
                return;
            }
            rest = next;
        }
    }

    async fn write_some(&self, records: &[Arc<KeyRecord>], store: &Store) -> Result<()> {
        let taken = records.iter().map(|record| (record, take(record))).filter(|(_, news)| news.uses > 0);
        let (records, news): (Vec<_>, Vec<_>) = taken.unzip();
        if news.is_empty() {
            return Ok(());
        }
        let uses: Vec<_> = news.iter().map(|news| news.uses).collect();
        let written = store.write(move |conn| usage::add(conn, news)).await;
        if written.is_err() {
            let back = records.into_iter().zip(uses).filter(|(record, uses)| record.uses.put_back(*uses));
            self.waiting.lock().extend(back.map(|(record, _)| Arc::clone(record)));
        }
        written
    }

    /// As many are likely to wait the next time.
    fn take_waiting(&self) -> Vec<Arc<KeyRecord>> {
        let mut waiting = self.waiting.lock();
        let next = Vec::with_capacity(waiting.len());
        std::mem::replace(&mut *waiting, next)
    }

    /// Writes down again and again, for as long as the gate is in use.
    pub(super) async fn keep_writing(usage: Weak<Self>, store: Store) {
        // From start to start, so that a write that takes long postpones no other.
        let mut ticks = tokio::time::interval(WRITE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(usage) = usage.upgrade() else { return };
            usage.write_down(&store).await;
        }
    }
}

fn take(record: &KeyRecord) -> SecretUsage {
    let (uses, last_used_at, Description { address, user_agent }) = record.uses.take();
    let address = address.map_or_else(String::new, |address| address.to_canonical().to_string());
    SecretUsage { key_secret_id: KeySecretId::clone(&record.secret_id), uses, last_used_at, address, user_agent }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::verdict::tests::key;

    const NOBODY: Client<'_> = Client { address: None, user_agent: "" };
    const NOW: UtcTime = UtcTime::from_micros(1);

    #[test]
    fn a_database_that_takes_nothing_lets_no_more_than_the_most_wait_and_the_rest_comes_later() {
        let usage = Usage::default();
        for _ in 0..MAX_WAITING_RECORDS {
            usage.count(&Arc::new(key(|_, _| ())), NOW, NOBODY);
        }
        let late = Arc::new(key(|_, _| ()));
        (0..3).for_each(|_| usage.count(&late, NOW, NOBODY));
        assert_eq!(usage.take_waiting().len(), MAX_WAITING_RECORDS);

        usage.count(&late, NOW, NOBODY);

        let waiting = usage.take_waiting();
        assert_eq!(waiting.iter().map(|record| record.uses.waiting()).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn callers_are_told_apart_by_either_of_what_is_known_of_them() {
        let caller = |address: &str, user_agent| Client { address: address.parse().ok(), user_agent };
        let digest = caller("192.0.2.1", "curl").digest();
        assert_eq!(digest, caller("192.0.2.1", "curl").digest());
        for other in [caller("192.0.2.2", "curl"), caller("192.0.2.1", "wget"), caller("", "curl")] {
            assert_ne!(digest, other.digest(), "{other:?}");
        }
    }
}
