//! Collects the uses of keys and writes them down about once a second, in one
//! transaction: verdicts never wait for it. A crash loses the last two seconds.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::record::KeyRecord;
use crate::domain::api_key_usage::{self, ApiKeyUsage};
use crate::store::{Store, UtcTime};

const EVERY: Duration = Duration::from_secs(1);
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
    fn describe(self) -> (String, String) {
        let address = self.address.map(|address| address.to_canonical().to_string()).unwrap_or_default();
        let visible = self.user_agent.chars().filter(|c| !c.is_control());
        (address, visible.take(LONGEST_USER_AGENT).collect())
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
        if record.uses.count(now, || caller().describe()) {
            self.waiting.lock().push(Arc::clone(record));
        }
    }

    /// How many uses are not written down yet.
    pub(super) fn waiting(&self) -> i64 {
        self.waiting.lock().iter().map(|record| record.uses.waiting()).sum()
    }

    /// Writes down what has come together; keeps it when that can't be done.
    pub(super) async fn write_down(&self, store: &Store) {
        let _writing = self.writing.lock().await;
        let records = std::mem::take(&mut *self.waiting.lock());
        let taken: Vec<_> = records.into_iter().map(take).filter(|(_, news)| news.uses > 0).collect();
        if taken.is_empty() {
            return;
        }
        let news: Vec<ApiKeyUsage> = taken.iter().map(|(_, news)| news.clone()).collect();
        let written = store.write(move |conn| api_key_usage::add(conn, news)).await;
        if let Err(error) = written {
            tracing::warn!(%error, "the uses of keys are kept for later");
            let back = taken.into_iter().filter(|(record, news)| record.uses.put_back(news.uses));
            self.waiting.lock().extend(back.map(|(record, _)| record));
        }
    }

    /// Writes down again and again, for as long as the gate is in use.
    pub(super) async fn keep_writing(usage: Weak<Self>, store: Store) {
        loop {
            tokio::time::sleep(EVERY).await;
            let Some(usage) = usage.upgrade() else { return };
            usage.write_down(&store).await;
        }
    }
}

fn take(record: Arc<KeyRecord>) -> (Arc<KeyRecord>, ApiKeyUsage) {
    let (uses, last_used_at, address, user_agent) = record.uses.take();
    let news = ApiKeyUsage { api_key_id: record.id.clone(), uses, last_used_at, address, user_agent };
    (record, news)
}
