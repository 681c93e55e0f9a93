//! Follows the changes that other instances and the command line make. The
//! cache may answer only while it is known that no change was missed in the
//! last second, and so may the set of imported secrets.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::history::History;
use super::imported::ImportedSecrets;
use super::key_cache::KeyCache;
use crate::domain::api_key::{self, ApiKeyId};
use crate::error::{DatabaseOutage, Error, Result};
use crate::store::change_log::{self, Position, SecretChange};
use crate::store::{Conn, Digest, Store, Watch, log_poll};

const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// For how long a poll confirms the cache, from when the poll began.
const CONFIRMATION_LIFETIME: Duration = Duration::from_millis(750);
/// How long requests wait once the confirmation has ended. Together with its
/// lifetime that is a second: a second after the database is lost, every request
/// is refused, also those that waited.
const WAIT_TIMEOUT: Duration = Duration::from_millis(250);

/// Imported secrets that one poll reads, so that a million of them delay no confirmation.
const LOADED_AT_ONCE: usize = 20_000;

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

    /// How long ago the last poll that succeeded began.
    pub(super) fn age(&self, now: Instant) -> Duration {
        let lifetime = i64::try_from(CONFIRMATION_LIFETIME.as_micros()).unwrap_or_default();
        let age = micros(now) + lifetime - self.until.load(Ordering::Acquire);
        Duration::from_micros(age.try_into().unwrap_or_default())
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

/// Polls the log of changes, invalidates the keys in it, and loads the imported secrets. Where it
/// can't be sure to have seen every change, it empties the cache and loads them again. It has a thread and a database
/// connection of its own, so that no other work delays it, and ends when the gate is
/// dropped.
pub(super) struct ChangeFeed {
    watch: Watch,
    known: Weak<KnownKeys>,
    freshness: Weak<Freshness>,
    history: Arc<History>,
    load: Load,
}

/// What is in memory of the keys.
#[derive(Default)]
pub(super) struct KnownKeys {
    pub(super) cache: KeyCache,
    pub(super) imported: ImportedSecrets,
}

impl KnownKeys {
    /// Takes note of a change, wherever it was made.
    pub(super) fn note(&self, change: &SecretChange) {
        self.cache.invalidate(&change.digest);
        if change.is_imported {
            self.imported.add(&change.digest);
        }
    }
}

/// How far the imported secrets are loaded.
#[derive(Debug, Clone)]
enum Load {
    /// The next ones are those of the keys after this one.
    After(Option<ApiKeyId>),
    Done,
}

/// What one poll reads.
struct News {
    latest: Position,
    /// What has changed since the last poll; `None` when any key may have.
    changes: Option<Vec<SecretChange>>,
    imported: Vec<Digest>,
    load: Load,
}

impl ChangeFeed {
    pub(super) fn start(store: &Store, known: &Arc<KnownKeys>, freshness: &Arc<Freshness>, history: &Arc<History>) {
        LazyLock::force(&START);
        let mut feed = Self {
            watch: store.watch(),
            known: Arc::downgrade(known),
            freshness: Arc::downgrade(freshness),
            history: Arc::clone(history),
            load: Load::After(None),
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
        let (Some(known), Some(freshness)) = (self.known.upgrade(), self.freshness.upgrade()) else { return false };
        let polled_at = Instant::now();
        match self.read_news() {
            Ok(news) => {
                self.history.end_poll(Some(news.latest));
                self.take(&known, news);
                freshness.confirm(polled_at);
                log_poll(Ok(()));
            }
            Err(error) => {
                // The last confirmation would let cached keys in for a moment more, and the next
                // connection may lead to a server that lacks some changes.
                known.cache.clear();
                self.history.end_poll(None);
                log_poll(Err(&error));
                freshness.poll_failed(error);
            }
        }
        true
    }

    fn take(&mut self, known: &KnownKeys, news: News) {
        match &news.changes {
            Some(changes) => changes.iter().for_each(|change| known.note(change)),
            None => {
                known.cache.clear();
                known.imported.begin_load();
            }
        }
        news.imported.iter().for_each(|digest| known.imported.add(digest));
        if matches!(news.load, Load::Done) {
            known.imported.end_load();
        }
        self.load = news.load;
    }

    fn read_news(&mut self) -> Result<News> {
        let (polled, read_at) = self.history.begin_poll();
        let load = self.load.clone();
        self.watch.read(|conn, is_new| {
            let latest = change_log::latest(conn)?;
            let changes = match polled.filter(|_| !is_new) {
                Some(seen) => change_log::since(conn, seen, &read_at, latest)?,
                None => None,
            };
            let load = if changes.is_some() { load } else { Load::After(None) };
            let (imported, load) = load.next(conn)?;
            Ok(News { latest, changes, imported, load })
        })
    }
}

impl Load {
    /// The next imported secrets, and how far they are loaded then.
    fn next(self, conn: &mut Conn) -> Result<(Vec<Digest>, Self)> {
        let Self::After(after) = self else { return Ok((Vec::new(), Self::Done)) };
        let read = api_key::imported_digests(conn, after.as_ref(), LOADED_AT_ONCE)?;
        let last = read.last().filter(|_| read.len() == LOADED_AT_ONCE).map(|(key, _)| key.clone());
        let digests = read.into_iter().map(|(_, digest)| digest).collect();
        Ok((digests, last.map_or(Self::Done, |last| Self::After(Some(last)))))
    }
}
