//! Follows the changes that other instances and the command line make. The
//! cache may answer only while it is known that no change was missed in the
//! last second.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::history::History;
use super::key_cache::KeyCache;
use crate::error::{DatabaseOutage, Error, Result};
use crate::store::change_log::{self, Position};
use crate::store::{Digest, Store, Watch, log_poll};

const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// For how long a poll confirms the cache, from when the poll began.
const CONFIRMATION_LIFETIME: Duration = Duration::from_millis(750);
/// How long requests wait once the confirmation has ended. Together with its
/// lifetime that is a second: a second after the database is lost, every request
/// is refused, also those that waited.
const WAIT_TIMEOUT: Duration = Duration::from_millis(250);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Whether the cache is known to be up to date.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    /// The end of the last confirmation, in microseconds since [`START`].
    until: AtomicI64,
    confirmed: Notify,
    /// Why the last poll failed, if it did.
    outage: Mutex<Option<Error>>,
}

impl Freshness {
    /// # Errors
    /// [`Error::Unavailable`] when the cache is not confirmed at `now`.
    pub(super) fn check(&self, now: Instant) -> Result<()> {
        if self.is_fresh(now) { Ok(()) } else { Err(self.stale()) }
    }

    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        micros(now) < self.until.load(Ordering::Acquire)
    }

    /// Waits for the next confirmation, at most until [`WAIT_TIMEOUT`], so that a
    /// database that is only slow delays requests and fails none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none came in time.
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
        tokio::time::timeout(self.wait_left(now), fresh).await.map_err(|_| self.stale())
    }

    /// Returns once the database is so late that no request waits for it any more.
    pub(super) async fn is_given_up(&self) {
        loop {
            match self.wait_left(Instant::now()) {
                Duration::ZERO => return,
                left => tokio::time::sleep(left).await,
            }
        }
    }

    /// How long requests wait from `now` on, if no confirmation comes.
    fn wait_left(&self, now: Instant) -> Duration {
        let left = self.until.load(Ordering::Acquire) - micros(now);
        let timeout = i64::try_from(WAIT_TIMEOUT.as_micros()).unwrap_or_default();
        Duration::from_micros((left + timeout).try_into().unwrap_or_default())
    }

    pub(super) fn stale(&self) -> Error {
        let outage = self.outage.lock();
        outage.as_ref().map_or_else(
            || Error::unavailable(DatabaseOutage::Unreachable, anyhow::anyhow!("the database did not answer in time")),
            Error::same_again,
        )
    }

    fn confirm(&self, polled_at: Instant) {
        *self.outage.lock() = None;
        self.until.store(micros(polled_at + CONFIRMATION_LIFETIME), Ordering::Release);
        self.confirmed.notify_waiters();
    }

    fn poll_failed(&self, error: Error) {
        let is_outage = matches!(error, Error::Unavailable { .. });
        *self.outage.lock() = is_outage.then_some(error);
    }
}

fn micros(moment: Instant) -> i64 {
    i64::try_from(moment.duration_since(*START).as_micros()).unwrap_or(i64::MAX)
}

/// Polls the log of changes and invalidates the keys in it. Where it can't be sure to
/// have seen every change, it empties the cache. It has a thread and a database
/// connection of its own, so that no other work delays it, and ends when the gate is
/// dropped.
pub(super) struct ChangeFeed {
    watch: Watch,
    cache: Weak<KeyCache>,
    freshness: Weak<Freshness>,
    history: Arc<History>,
}

impl ChangeFeed {
    pub(super) fn start(store: &Store, cache: &Arc<KeyCache>, freshness: &Arc<Freshness>, history: &Arc<History>) {
        LazyLock::force(&START);
        let mut feed = Self {
            watch: store.watch(),
            cache: Arc::downgrade(cache),
            freshness: Arc::downgrade(freshness),
            history: Arc::clone(history),
        };
        feed.poll(); // so that the first request need not wait
        let thread = thread::Builder::new().name("keyfob-changes".to_owned());
        let started = thread.spawn(move || {
            while feed.poll() {
                thread::sleep(POLL_INTERVAL);
            }
        });
        if let Err(error) = started {
            tracing::error!(%error, "changes can't be followed; keys will be refused");
        }
    }

    /// Polls once; `false` when the gate was dropped.
    fn poll(&mut self) -> bool {
        let (Some(cache), Some(freshness)) = (self.cache.upgrade(), self.freshness.upgrade()) else { return false };
        let polled_at = Instant::now();
        let changes = self.read_changes();
        match &changes {
            Ok((_, Some(digests))) => digests.iter().for_each(|digest| cache.invalidate(digest)),
            // After a failure the last confirmation would let cached keys in for a moment
            // more, and the next connection may lead to a server that lacks some changes.
            Ok((_, None)) | Err(_) => cache.clear(),
        }
        match changes {
            Ok((latest, _)) => {
                self.history.end_poll(Some(latest));
                freshness.confirm(polled_at);
                log_poll(Ok(()));
            }
            Err(error) => {
                self.history.end_poll(None);
                log_poll(Err(&error));
                freshness.poll_failed(error);
            }
        }
        true
    }

    /// The latest position, and the digests that have changed since the last poll;
    /// `None` when any key may have.
    fn read_changes(&mut self) -> Result<(Position, Option<Vec<Digest>>)> {
        let (polled, read_at) = self.history.begin_poll();
        self.watch.read(|conn, is_new| {
            let latest = change_log::latest(conn)?;
            let digests = match polled.filter(|_| !is_new) {
                Some(seen) => change_log::since(conn, seen, &read_at, latest)?,
                None => None,
            };
            Ok((latest, digests))
        })
    }
}
