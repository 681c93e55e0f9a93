//! Which strings of any shape are worth a look-up. Keys of other systems have not the shape and
//! checksum of ours, so that the gate can't tell them from what anybody makes up. While some
//! are imported, the first 64 bits of their digests are in memory, 8 bytes for each; a string
//! whose digest begins otherwise is refused without a query.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::RwLock;

use crate::store::Digest;

/// Lists of prefixes, each with a lock of its own, so that adding one moves few others.
const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 10;

/// The imported secrets that there are. One that was deleted stays until the restart, which
/// costs a look-up and never lets anything in.
#[derive(Debug)]
pub(super) struct ImportedSecrets {
    /// Sorted.
    shards: Box<[RwLock<Vec<u64>>]>,
    count: AtomicUsize,
    /// Whether all that are in the database are here. Until then each string is looked up.
    is_complete: AtomicBool,
}

impl Default for ImportedSecrets {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            count: AtomicUsize::new(0),
            is_complete: AtomicBool::new(false),
        }
    }
}

impl ImportedSecrets {
    /// The digest of a text, if an imported secret may have it.
    pub(super) fn digest_of(&self, text: &str) -> Option<Digest> {
        let is_complete = self.is_complete.load(Ordering::Acquire);
        if is_complete && self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let digest = Digest::of(text.as_bytes());
        (!is_complete || self.may_hold(&digest)).then_some(digest)
    }

    /// Adds the secret of a key that was imported.
    pub(super) fn add(&self, digest: &Digest) {
        let prefix = digest.prefix();
        let mut shard = self.shard(prefix).write();
        if let Err(place) = shard.binary_search(&prefix) {
            shard.insert(place, prefix);
            self.count.fetch_add(1, Ordering::Release);
        }
    }

    /// Some may be missing from now on. What is here stays: a key that is imported at this
    /// moment must not be dropped.
    pub(super) fn begin_load(&self) {
        self.is_complete.store(false, Ordering::Release);
    }

    /// All that are in the database were added.
    pub(super) fn end_load(&self) {
        self.is_complete.store(true, Ordering::Release);
    }

    fn may_hold(&self, digest: &Digest) -> bool {
        let prefix = digest.prefix();
        self.shard(prefix).read().binary_search(&prefix).is_ok()
    }

    /// Selected by the upper bits.
    fn shard(&self, prefix: u64) -> &RwLock<Vec<u64>> {
        &self.shards[(prefix >> (u64::BITS - SHARD_BITS)) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded() -> ImportedSecrets {
        let imported = ImportedSecrets::default();
        imported.end_load();
        imported
    }

    #[test]
    fn while_nothing_is_imported_nothing_is_looked_up() {
        assert!(loaded().digest_of("sk-1234567890").is_none());
    }

    #[test]
    fn until_all_are_in_memory_everything_is_looked_up() {
        let imported = ImportedSecrets::default();
        assert!(imported.digest_of("sk-1234567890").is_some());
        imported.end_load();
        assert!(imported.digest_of("sk-1234567890").is_none());
        imported.begin_load();
        assert!(imported.digest_of("sk-1234567890").is_some());
    }

    #[test]
    fn of_many_thousands_each_one_is_found_and_no_other() {
        let imported = loaded();
        let texts: Vec<String> = (0..50_000).map(|number| format!("key-number-{number}")).collect();
        for text in &texts {
            imported.add(&Digest::of(text.as_bytes()));
            imported.add(&Digest::of(text.as_bytes()));
        }
        imported.begin_load();
        imported.end_load();

        assert_eq!(imported.count.load(Ordering::Relaxed), texts.len());
        assert!(texts.iter().all(|text| imported.digest_of(text) == Some(Digest::of(text.as_bytes()))));
        assert!((0..50_000).all(|number| imported.digest_of(&format!("stranger-{number}")).is_none()));
    }
}
