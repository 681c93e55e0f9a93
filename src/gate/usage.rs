//! Collects the uses of keys and writes them down about once a second, those of
//! thousands of keys in one transaction: verdicts never wait for it. A crash
//! loses the last two seconds.

use std::fmt::Write;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;

use super::record::{Description, KeyRecord};
use crate::domain::api_key_usage::{self, ApiKeyUsage};
use crate::error::Result;
use crate::store::{Store, UtcTime};

const EVERY: Duration = Duration::from_millis(1_500);
/// Keys in one transaction: the database remembers every page as it was before.
const AT_ONCE: usize = 2_500;
/// What is kept of a user agent, in characters.
const LONGEST_USER_AGENT: usize = 200;

/// Who used a key.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// From where.
    pub address: Option<std::net::IpAddr>,
    /// With which program.
    pub user_agent: &'a str,
}

impl Caller<'_> {
    /// Written over what was there, which takes no new memory.
    fn describe(self, description: &mut Description) {
        let Description { address, user_agent } = description;
        address.clear();
        if let Some(known) = self.address {
            let _ = write!(address, "{}", known.to_canonical()); // never fails for a String
        }
        user_agent.clear();
        user_agent.extend(self.user_agent.chars().filter(|c| !c.is_control()).take(LONGEST_USER_AGENT));
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
    pub(super) fn count<'a>(&self, record: &Arc<KeyRecord>, now: UtcTime, caller: impl FnOnce() -> Caller<'a>) {
        if record.uses.count(now, |description| caller().describe(description)) {
            self.waiting.lock().push(Arc::clone(record));
        }
    }

    /// How many uses are not written down yet.
    pub(super) fn waiting(&self) -> i64 {
        self.waiting.lock().iter().map(|record| record.uses.waiting()).sum()
    }

    /// Writes down what has come together; keeps what can't be written.
    pub(super) async fn write_down(&self, store: &Store) {
        let _writing = self.writing.lock().await;
        let mut records = self.take_waiting();
        // Neighbours in the database together, so that few pages are written twice.
        records.sort_unstable_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        let mut rest = &*records;
        while !rest.is_empty() {
            let (some, next) = rest.split_at(AT_ONCE.min(rest.len()));
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
        let written = store.write(move |conn| api_key_usage::add(conn, news)).await;
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
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(usage) = usage.upgrade() else { return };
            usage.write_down(&store).await;
        }
    }
}

fn take(record: &KeyRecord) -> ApiKeyUsage {
    let (uses, last_used_at, Description { address, user_agent }) = record.uses.take();
    ApiKeyUsage { api_key_id: record.id.clone(), uses, last_used_at, address, user_agent }
}
