//! The gate: does this key open this door? Every way in asks here, so that
//! there is one answer. A key that was seen before is answered from memory,
//! and forgotten when a change makes it stale, before the change is answered.

mod change_feed;
mod found_key;
mod history;
mod imported;
mod key_cache;
pub mod metrics;
mod policy;
mod question;
mod record;
mod refusals;
mod sharded;
mod usage;
mod uses;
pub mod verdict;
mod writer;

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use tokio::sync::Semaphore;

use change_feed::{ChangeFeed, Freshness, KnownKeys};
use found_key::{FoundKey, find_with_bounds};
use history::History;
use metrics::{GateMetrics, Totals};
use refusals::Refusals;
use usage::UsageQueue;
use writer::Writer;

pub use question::{Client, Question};
pub use record::KeyRecord;
pub use verdict::{Code, Verdict};

use crate::clock::Clock;
use crate::domain::api_key::{self, secret::KeySecret};
use crate::error::{Error, Result};
use crate::store::{Conn, Digest, MAX_LOOK_UPS, Store};

/// How long a look-up may take, with its time in the queue.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(2);

/// Gives verdicts.
#[derive(Clone)]
pub struct Gate {
    store: Store,
    clock: Clock,
    known: Arc<KnownKeys>,
    freshness: Arc<Freshness>,
    history: Arc<History>,
    usage: Arc<UsageQueue>,
    refusals: Arc<Refusals>,
    metrics: Arc<GateMetrics>,
    look_ups: Arc<Semaphore>,
}

impl Gate {
    /// A gate over `store` that follows its changes.
    #[must_use]
    pub fn open(store: Store, clock: Clock) -> Self {
        let known = Arc::new(KnownKeys::default());
        let freshness = Arc::new(Freshness::default());
        let history = Arc::new(History::default());
        ChangeFeed::start(&store, &known, &freshness, &history);
        let weak = Arc::downgrade(&known);
        store.on_stale(move |change| {
            if let Some(known) = weak.upgrade() {
                known.note(change);
            }
        });
        let usage = Arc::new(UsageQueue::default());
        let refusals = Arc::new(Refusals::default());
        tokio::task::spawn(Writer::new(&store, &clock, &usage, &refusals).run());
        let look_ups = Arc::new(Semaphore::new(MAX_LOOK_UPS as usize));
        let metrics = Arc::default();
        Self { store, clock, known, freshness, history, usage, refusals, metrics, look_ups }
    }

    /// Answers a question, and counts a use where the key opens the door. What has not the shape
    /// and checksum of our keys is refused without a look-up, unless it may have been imported.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database can't confirm what is in memory.
    pub async fn verdict(&self, question: &Question<'_>) -> Result<Verdict> {
        let began = Instant::now();
        let verdict = self.judge(question, began).await;
        match &verdict {
            Ok(verdict) => {
                let of_key = verdict.key().map(|key| &*key.metrics);
                self.metrics.verdict(verdict.code() as usize, of_key, question.service, began.elapsed());
            }
            Err(_) => self.metrics.failure(),
        }
        verdict
    }

    async fn judge(&self, question: &Question<'_>, began: Instant) -> Result<Verdict> {
        let own = KeySecret::digest_of(question.secret);
        if own.is_none() && !api_key::is_foreign_secret(question.secret) {
            self.refusals.count_malformed();
            return Ok(Verdict::without_key(Code::NotFound));
        }
        // What seldom has to wait is boxed: the rest of this future is moved
        // from place to place in the server, and has to be small.
        if !self.freshness.is_fresh(began) {
            Box::pin(self.freshness.becomes_fresh(began)).await?;
        }
        // After that, since only then every import of more than a second ago is known.
        let Some(digest) = own.or_else(|| self.known.imported.digest_of(question.secret)) else {
            self.refusals.count_malformed();
            return Ok(Verdict::without_key(Code::NotFound));
        };
        let record = match self.known.cache.get(&digest) {
            Some(record) => {
                self.metrics.hit();
                Some(record)
            }
            None => {
                self.metrics.miss();
                Box::pin(self.look_up(digest)).await?
            }
        };
        let now = self.clock.now();
        let verdict = verdict::judge(record, question, now);
        match (verdict.record(), verdict.code()) {
            (Some(record), Code::Valid) => self.usage.count(record, now, question.client),
            (Some(record), code) => self.refusals.count(record, code, question.client, now),
            (None, _) => match KeySecret::tail_of(question.secret) {
                Some(tail) => self.refusals.count_unknown(tail, question.client, now),
                None => self.refusals.count_malformed(),
            },
        }
        Ok(verdict)
    }

    /// Counts a question that came without a key.
    pub fn count_missing_key(&self, service: Option<&str>) {
        self.metrics.without_key(Code::KeyMissing as usize, service);
    }

    /// Whether a yes from memory can be trusted now.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not confirm it.
    pub fn check(&self) -> Result<()> {
        self.freshness.check(Instant::now())
    }

    /// How long ago it was last known that no change was missed.
    #[must_use]
    pub fn change_feed_age(&self) -> Duration {
        self.freshness.age(Instant::now())
    }

    /// Counts a service that exists from now on, not only from its first key on.
    pub fn count_service(&self, slug: &str) {
        self.metrics.service(slug);
    }

    /// What was counted so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.metrics.totals()
    }

    /// How many keys are in the cache.
    #[must_use]
    pub fn keys_in_memory(&self) -> usize {
        self.known.cache.len()
    }

    /// How many uses of keys are not in the database yet.
    #[must_use]
    pub fn uses_waiting(&self) -> i64 {
        self.usage.pending()
    }

    /// Writes the uses that were counted so far to the database; for a clean stop.
    pub async fn write_down_uses(&self) {
        self.usage.write(&self.store).await;
    }

    /// Writes the refusals that were counted so far to the database; before they are read,
    /// and for a clean stop. To the end, even if the caller's future is dropped meanwhile.
    pub async fn write_down_refusals(&self) {
        let (refusals, store, now) = (Arc::clone(&self.refusals), self.store.clone(), self.clock.now());
        let write = tokio::task::spawn(async move { refusals.write(&store, now).await });
        if let Err(error) = write.await {
            tracing::error!(%error, "refusals could not be written");
        }
    }

    /// Bounded, so that a flood of unknown keys leaves the database to others:
    /// a look-up holds its permit for as long as it keeps a connection busy,
    /// even if no request waits for it any more.
    async fn look_up(&self, digest: Digest) -> Result<Option<Arc<KeyRecord>>> {
        let look_up = async {
            let permit = Arc::clone(&self.look_ups).acquire_owned().await.map_err(Error::internal)?;
            // A request that was in the queue before may have asked about the same key.
            if let Some(record) = self.known.cache.get(&digest).filter(|_| self.check().is_ok()) {
                return Ok(Some(record));
            }
            let fill = self.known.cache.begin_fill(&digest);
            let find = move |conn: &mut Conn| {
                let _permit = permit;
                find_with_bounds(conn, digest)
            };
            let polled = self.history.polled();
            let Some(FoundKey { key, secret, bounds, read_at }) = self.store.look_up(find).await? else {
                return Ok(None);
            };
            self.history.note_read(polled, read_at)?;
            let metrics = self.metrics.service(&key.service);
            let record = Arc::new(KeyRecord::new(key, &secret, bounds, metrics));
            self.known.cache.end_fill(&fill, &record);
            Ok(Some(record))
        };
        let look_up = pin!(look_up);
        let is_given_up = pin!(self.freshness.is_given_up());
        match tokio::time::timeout(LOOK_UP_TIMEOUT, select(look_up, is_given_up)).await {
            Ok(Either::Left((found, _))) => found,
            Ok(Either::Right(_)) | Err(_) => Err(self.freshness.stale()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::AccountId;
    use crate::domain::account::membership::Role;
    use crate::domain::api_key::{self, ApiKeyId, Creation, NewApiKey, deletion};
    use crate::domain::identity::operator::{self, NewOperator, OperatorId};
    use crate::domain::{account, installation};
    use crate::store::{Actor, Tx, UtcTime};

    const NOW: UtcTime = UtcTime::from_micros(1_772_366_400_000_000);

    /// A key with its secret.
    fn make_key(tx: &mut Tx<'_>) -> Result<(AccountId, ApiKeyId, KeySecret)> {
        installation::prepare(tx, NOW)?;
        let account = account::first(tx)?;
        let ada = NewOperator {
            id: OperatorId::mint(),
            email: "ada@example.com".to_owned(),
            name: "Ada".to_owned(),
            password_hash: String::new(),
        };
        let operator = operator::create(tx, &account, Role::Owner, ada)?;
        let new = NewApiKey::parse(ApiKeyId::mint().as_str(), "sms", "live", "Project X", "")?;
        match api_key::create(tx, &account, Some(&operator.id), new)? {
            Creation::Made(entry, secret) => Ok((account, entry.key.id, secret)),
            Creation::Repeated => Err(Error::NotFound),
        }
    }

    fn store(folder: &tempfile::TempDir) -> Store {
        let url = format!("sqlite:{}", folder.path().join("k.db").display());
        Store::open(&url.parse().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_verdict_in_the_making_is_small_enough_to_be_moved_with_every_request() {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::open(store(&folder), Clock::System);
        let question = Question::default();

        let verdict = gate.verdict(&question);

        assert!(size_of_val(&verdict) <= 512, "{} bytes", size_of_val(&verdict));
    }

    #[tokio::test]
    async fn a_key_that_was_deleted_is_refused_at_once_and_one_that_was_not_is_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let (account, id, secret) = store.change(Actor::system(), NOW, make_key).await.unwrap();
        let gate = Gate::open(store.clone(), Clock::standing_at(NOW));
        let question = Question { secret: secret.expose(), ..Question::default() };
        let ask = || gate.verdict(&question);
        let delete = |fails: bool| {
            let (account, id) = (account.clone(), id.clone());
            store.change(Actor::system(), NOW, move |tx| {
                deletion::delete(tx, &account, &id)?;
                if fails { Err(Error::NotFound) } else { Ok(()) }
            })
        };

        assert_eq!(ask().await.unwrap().code(), Code::Valid);
        delete(true).await.unwrap_err();
        assert_eq!(ask().await.unwrap().code(), Code::Valid, "a deletion that was taken back");
        delete(false).await.unwrap();
        assert_eq!(ask().await.unwrap().code(), Code::NotFound);
    }
}
