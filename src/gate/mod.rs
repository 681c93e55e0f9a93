//! The gate: does this key open this door? Every way in asks here, so that
//! there is one answer. It looks keys up in the database; what makes it faster
//! belongs into this folder.

pub mod verdict;

pub use verdict::{Door, Verdict};

use crate::clock::Clock;
use crate::domain::api_key;
use crate::domain::key_secret::KeySecret;
use crate::error::Result;
use crate::store::Store;

/// Gives verdicts.
#[derive(Clone)]
pub struct Gate {
    store: Store,
    clock: Clock,
}

impl Gate {
    /// A gate that looks keys up in `store`.
    #[must_use]
    pub const fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Whether `presented` opens `door`. What has not the shape and checksum
    /// of a key is refused without a look-up.
    ///
    /// # Errors
    /// [`Unavailable`](crate::error::Error::Unavailable) when it can't be known.
    pub async fn verdict(&self, presented: &str, door: &Door) -> Result<Verdict> {
        let Some(secret) = KeySecret::parse(presented) else { return Ok(Verdict::NotFound) };
        let digest = secret.digest();
        let key = self.store.read(move |conn| api_key::find_by_digest(conn, digest)).await?;
        Ok(verdict::judge(key, door, self.clock.now()))
    }
}
