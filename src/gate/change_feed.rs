//! Follows what other instances and the command line change. A yes from memory
//! counts only while it is known that nothing changed in the last second.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::key_cache::KeyCache;
use crate::error::{Error, Outage, Result};
use crate::store::{Store, Watch, change_log};

/// How often the database is asked.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// How long its answer counts, from when it was asked.
const CONFIRMATION_LIFETIME: Duration = Duration::from_millis(750);
/// How long requests wait for an answer that is late: a second after the
/// database is lost, every request is refused, those that waited as well.
const LATE_POLL_GRACE: Duration = Duration::from_millis(250);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Whether memory can be trusted.
#[derive(Debug)]
pub(super) struct Freshness {
    /// Until when, in microseconds of the process.
    until: AtomicI64,
    confirmed: Notify,
    /// What kept the database from answering when it was asked last.
    outage: Mutex<Outage>,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { until: AtomicI64::default(), confirmed: Notify::new(), outage: Mutex::new(Outage::Unreachable) }
    }
}

impl Freshness {
    /// # Errors
    /// [`Error::Unavailable`] when nothing confirms memory as it is `now`.
    pub(super) fn check(&self, now: Instant) -> Result<()> {
        if self.is_fresh(now) { Ok(()) } else { Err(self.stale()) }
    }

    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        micros(now) < self.until.load(Ordering::Acquire)
    }

    /// Waits from `now` on, which is not long: a database that is only slow costs
    /// time.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when nothing confirms memory by then.
    pub(super) async fn becomes_fresh(&self, now: Instant) -> Result<()> {
        let fresh = async {
            loop {
                let confirmed = self.confirmed.notified();
                if self.is_fresh(Instant::now()) {
                    return;
                }
                confirmed.await;
            }
        };
        tokio::time::timeout(self.left(now), fresh).await.map_err(|_| self.stale())
    }

    /// Returns once the database is so late that nobody is to wait for it.
    pub(super) async fn is_given_up(&self) {
        loop {
            match self.left(Instant::now()) {
                Duration::ZERO => return,
                left => tokio::time::sleep(left).await,
            }
        }
    }

    /// How long requests wait from `now` on, if nothing is confirmed.
    fn left(&self, now: Instant) -> Duration {
        let left = self.until.load(Ordering::Acquire) - micros(now);
        let grace = i64::try_from(LATE_POLL_GRACE.as_micros()).unwrap_or_default();
        Duration::from_micros((left + grace).try_into().unwrap_or_default())
    }

    pub(super) fn stale(&self) -> Error {
        Error::unavailable(*self.outage.lock(), anyhow::anyhow!("the database did not answer in time"))
    }

    fn confirm(&self, asked_at: Instant) {
        *self.outage.lock() = Outage::Unreachable;
        self.until.store(micros(asked_at + CONFIRMATION_LIFETIME), Ordering::Release);
        self.confirmed.notify_waiters();
    }

    fn doubt(&self, error: &Error) {
        if let Error::Unavailable { reason, .. } = error {
            *self.outage.lock() = *reason;
        }
    }
}

fn micros(moment: Instant) -> i64 {
    i64::try_from(moment.duration_since(*START).as_micros()).unwrap_or(i64::MAX)
}

/// Follows the log of changes on a thread of its own, over a connection of its
/// own, for as long as the memory is in use.
pub(super) struct ChangeFeed {
    watch: Watch,
    revision: Option<i64>,
    cache: Weak<KeyCache>,
    freshness: Weak<Freshness>,
}

impl ChangeFeed {
    pub(super) fn start(store: &Store, cache: &Arc<KeyCache>, freshness: &Arc<Freshness>) {
        LazyLock::force(&START);
        let mut follower = Self {
            watch: store.watch(),
            revision: None,
            cache: Arc::downgrade(cache),
            freshness: Arc::downgrade(freshness),
        };
        follower.look(); // so that the first request is answered
        let thread = thread::Builder::new().name("keyfob-changes".to_owned());
        let started = thread.spawn(move || {
            while follower.look() {
                thread::sleep(POLL_INTERVAL);
            }
        });
        if let Err(error) = started {
            tracing::error!(%error, "changes can't be followed; keys will be refused");
        }
    }

    /// Looks once; `false` when nobody needs it any more.
    fn look(&mut self) -> bool {
        let (Some(cache), Some(freshness)) = (self.cache.upgrade(), self.freshness.upgrade()) else { return false };
        let asked_at = Instant::now();
        match self.forget_changed(&cache) {
            Ok(()) => freshness.confirm(asked_at),
            Err(error) => {
                if matches!(error, Error::Unavailable { reason: Outage::Upgraded, .. }) {
                    // The last confirmation would let remembered keys in for a moment more.
                    cache.clear();
                }
                freshness.doubt(&error);
                tracing::warn!(%error, "the database does not say what has changed");
            }
        }
        true
    }

    fn forget_changed(&mut self, cache: &KeyCache) -> Result<()> {
        let seen = self.revision;
        let (latest, digests) = self.watch.read(|conn| {
            let latest = change_log::latest(conn)?;
            let digests = match seen {
                Some(seen) if seen == latest => Some(Vec::new()),
                Some(seen) => change_log::between(conn, seen, latest)?,
                None => None,
            };
            Ok((latest, digests))
        })?;
        match digests {
            Some(digests) => digests.iter().for_each(|digest| cache.forget(digest)),
            None => cache.clear(),
        }
        self.revision = Some(latest);
        Ok(())
    }
}
