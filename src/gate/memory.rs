//! Keys in memory: filled on demand, bounded, and never filled with what was
//! read before a change.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use quick_cache::sync::Cache;

use super::record::KeyRecord;
use crate::store::Digest;

/// Keys kept at most; about 1 KB each.
const MOST: usize = 100_000;
/// Fills and changes of different keys seldom meet on one of these locks.
const STRIPES: u64 = 64;

/// The memory.
pub(super) struct Memory {
    /// By the prefix of the digest: small entries are found with fewer visits to
    /// main memory. Should two digests share theirs, the later one stays.
    records: Cache<u64, Arc<KeyRecord>>,
    stripes: [Stripe; STRIPES as usize],
}

/// How many changes there were among the keys of this stripe.
#[derive(Default)]
struct Stripe {
    changes: AtomicU64,
    lock: Mutex<()>,
}

/// When a look-up began: what it finds is stored only if nothing has changed since.
pub(super) struct Fill(u64);

impl Default for Memory {
    fn default() -> Self {
        Self { records: Cache::new(MOST), stripes: std::array::from_fn(|_| Stripe::default()) }
    }
}

impl Memory {
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<KeyRecord>> {
        self.records.get(&digest.prefix()).filter(|record| record.digest == *digest)
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// To be called before the look-up.
    pub(super) fn begin_fill(&self, digest: &Digest) -> Fill {
        Fill(self.stripe(digest).changes.load(Ordering::Acquire))
    }

    /// Stores what a look-up found, unless a change came between.
    pub(super) fn end_fill(&self, fill: &Fill, record: &Arc<KeyRecord>) {
        let stripe = self.stripe(&record.digest);
        let _guard = stripe.lock.lock();
        if stripe.changes.load(Ordering::Acquire) == fill.0 {
            self.records.insert(record.digest.prefix(), Arc::clone(record));
        }
    }

    /// Forgets a key that has changed, and what look-ups that began before now
    /// will find.
    pub(super) fn forget(&self, digest: &Digest) {
        let stripe = self.stripe(digest);
        let _guard = stripe.lock.lock();
        stripe.changes.fetch_add(1, Ordering::AcqRel);
        self.records.remove(&digest.prefix());
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let _guards: Vec<_> = self.stripes.iter().map(|stripe| stripe.lock.lock()).collect();
        for stripe in &self.stripes {
            stripe.changes.fetch_add(1, Ordering::AcqRel);
        }
        self.records.clear();
    }

    fn stripe(&self, digest: &Digest) -> &Stripe {
        &self.stripes[(digest.prefix() % STRIPES) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::verdict::tests::key;

    fn record() -> Arc<KeyRecord> {
        Arc::new(key(|_| ()))
    }

    #[test]
    fn a_fill_is_remembered() {
        let (memory, record) = (Memory::default(), record());
        let fill = memory.begin_fill(&record.digest);
        memory.end_fill(&fill, &record);
        assert!(memory.get(&record.digest).is_some());
    }

    #[test]
    fn what_was_read_before_a_change_is_not_stored_after_it() {
        let (memory, record) = (Memory::default(), record());
        let fill = memory.begin_fill(&record.digest);
        memory.forget(&record.digest);
        memory.end_fill(&fill, &record);
        assert!(memory.get(&record.digest).is_none());
    }

    #[test]
    fn nor_after_everything_was_forgotten() {
        let (memory, record) = (Memory::default(), record());
        let fill = memory.begin_fill(&record.digest);
        memory.clear();
        memory.end_fill(&fill, &record);
        assert!(memory.get(&record.digest).is_none());
    }

    #[test]
    fn a_changed_key_is_forgotten() {
        let (memory, record) = (Memory::default(), record());
        memory.end_fill(&memory.begin_fill(&record.digest), &record);
        memory.forget(&record.digest);
        assert!(memory.get(&record.digest).is_none());
    }
}
