//! The gate: does this key open this door? Every way in asks here, so that
//! there is one answer. A key that was seen before is answered from memory,
//! and every change passes through [`Gate::change`], which makes memory forget
//! before the change is answered.

mod changes;
mod memory;
mod record;
mod usage;
pub mod verdict;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use changes::{Follower, Freshness};
use memory::Memory;
use usage::Usage;

pub use record::KeyRecord;
pub use usage::Caller;
pub use verdict::{Door, Verdict};

use crate::clock::Clock;
use crate::domain::api_key;
use crate::domain::api_key_change::{self, Changed};
use crate::domain::key_secret::KeySecret;
use crate::error::{Error, Outage, Result};
use crate::store::{Conn, Digest, LOOK_UPS, Store};

/// How long a look-up may take, with its time in the queue.
const PATIENCE: Duration = Duration::from_secs(2);

/// Gives verdicts.
#[derive(Clone)]
pub struct Gate {
    store: Store,
    clock: Clock,
    memory: Arc<Memory>,
    freshness: Arc<Freshness>,
    usage: Arc<Usage>,
    look_ups: Arc<Semaphore>,
}

impl Gate {
    /// A gate over `store` that follows its changes.
    #[must_use]
    pub fn open(store: Store, clock: Clock) -> Self {
        let memory = Arc::new(Memory::default());
        let freshness = Arc::new(Freshness::default());
        Follower::start(&store, &memory, &freshness);
        let usage = Arc::new(Usage::default());
        tokio::task::spawn(Usage::keep_writing(Arc::downgrade(&usage), store.clone()));
        Self { store, clock, memory, freshness, usage, look_ups: Arc::new(Semaphore::new(LOOK_UPS as usize)) }
    }

    /// Whether `presented` opens `door`, and counts the use when it does. What
    /// has not the shape and checksum of a key is refused without a look-up.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it can't be known.
    pub async fn verdict(&self, presented: &str, door: &Door<'_>, caller: Caller<'_>) -> Result<Verdict> {
        let Some(digest) = KeySecret::digest_of(presented) else { return Ok(Verdict::NotFound) };
        if !self.is_up_to_date() && !self.freshness.becomes_fresh().await {
            return Err(stale());
        }
        let record = match self.memory.get(&digest) {
            Some(record) => Some(record),
            None => self.look_up(digest).await?,
        };
        let now = self.clock.now();
        let verdict = verdict::judge(record, door, now);
        if let Verdict::Valid(record) = &verdict {
            self.usage.count(record, now, caller);
        }
        Ok(verdict)
    }

    /// Changes a key. Once this returns, no verdict of this instance knows the
    /// key as it was, and other instances learn of it within a second.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub async fn change<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&mut Conn) -> Result<Changed<T>> + Send + 'static,
        T: Send + 'static,
    {
        let memory = Arc::clone(&self.memory);
        let change = move |conn: &mut Conn| {
            let Changed { value, digest } = work(conn)?;
            api_key_change::note(conn, digest)?;
            Ok((value, digest))
        };
        self.store
            .write_then(change, move |(value, digest)| {
                memory.forget(&digest);
                value
            })
            .await
    }

    /// Whether it is known that nothing changed elsewhere in the last second;
    /// while it is not, no key is let in.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.freshness.is_fresh()
    }

    /// Writes down the uses that were counted so far; for a clean stop.
    pub async fn write_down_uses(&self) {
        self.usage.write_down(&self.store).await;
    }

    /// Bounded, so that a flood of unknown keys leaves the database to others:
    /// a look-up holds its place for as long as it keeps a connection busy,
    /// whether or not anybody still waits for it.
    async fn look_up(&self, digest: Digest) -> Result<Option<Arc<KeyRecord>>> {
        let look_up = async {
            let place = Arc::clone(&self.look_ups).acquire_owned().await.map_err(Error::internal)?;
            // Whoever was in the queue before may have asked about the same key.
            if let Some(record) = self.memory.get(&digest).filter(|_| self.is_up_to_date()) {
                return Ok(Some(record));
            }
            let fill = self.memory.begin_fill(&digest);
            let find = move |conn: &mut Conn| {
                let _place = place;
                api_key::find_by_digest(conn, digest)
            };
            let key = self.store.look_up(find).await?;
            let record = key.map(|key| Arc::new(KeyRecord::from(key)));
            if let Some(record) = &record {
                self.memory.end_fill(&fill, record);
            }
            Ok(record)
        };
        tokio::time::timeout(PATIENCE, look_up).await.unwrap_or_else(|_| Err(stale()))
    }
}

fn stale() -> Error {
    Error::unavailable(Outage::Unreachable, anyhow::anyhow!("the database did not answer in time"))
}
