//! The keys in memory: filled on demand, bounded, and never filled with a key
//! that was read before it changed.

use std::array;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::RwLock;

use super::record::KeyRecord;
use crate::store::Digest;

/// 100,000 keys at most, about 0.6 KB each.
const SETS: usize = 12_500;
/// Keys in a set.
const WAYS: usize = 8;

/// A set-associative cache, as processors have: the digest of a key selects one
/// set, which has a lock of its own. With thousands of keys in use, waiting for
/// main memory is most of a verdict's time; here it waits twice, for the set and
/// for the record.
pub(super) struct KeyCache {
    sets: Box<[Set]>,
}

/// Aligned to two cache lines, which processors load together. In a set that is
/// half full, the first line has all that is needed.
#[derive(Default)]
#[repr(align(128))]
struct Set(RwLock<Ways>);

/// The keys of one set.
#[derive(Default)]
#[repr(C)]
struct Ways {
    /// How often a key of this set was invalidated.
    invalidations: u32,
    recent: Recent,
    /// 16 bits of each digest: a record is only read when they match.
    tags: [u16; WAYS],
    records: [Option<Arc<KeyRecord>>; WAYS],
}

/// Taken before a key is read from the database. The key is stored only if
/// nothing in its set was invalidated since.
pub(super) struct FillToken(u32);

impl Default for KeyCache {
    fn default() -> Self {
        Self { sets: (0..SETS).map(|_| Set::default()).collect() }
    }
}

impl KeyCache {
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<KeyRecord>> {
        let ways = self.set(digest).read();
        let way = ways.find(digest)?;
        ways.recent.mark(way);
        ways.records[way].clone()
    }

    pub(super) fn len(&self) -> usize {
        self.sets.iter().map(|set| set.0.read().records.iter().flatten().count()).sum()
    }

    /// To be called before the key is read from the database.
    pub(super) fn begin_fill(&self, digest: &Digest) -> FillToken {
        FillToken(self.set(digest).read().invalidations)
    }

    /// Stores a key, unless it may have changed while it was read.
    pub(super) fn end_fill(&self, token: &FillToken, record: &Arc<KeyRecord>) {
        let mut ways = self.set(&record.digest).write();
        if ways.invalidations == token.0 {
            ways.store(record);
        }
    }

    /// Drops a key that has changed, and keeps reads that began before now from
    /// storing it; all keys for [`Digest::ANY`].
    pub(super) fn invalidate(&self, digest: &Digest) {
        if *digest == Digest::ANY {
            return self.clear();
        }
        let mut ways = self.set(digest).write();
        ways.invalidations = ways.invalidations.wrapping_add(1);
        if let Some(way) = ways.find(digest) {
            ways.records[way] = None;
        }
    }

    /// Drops every key.
    pub(super) fn clear(&self) {
        for set in &self.sets {
            let mut ways = set.0.write();
            ways.invalidations = ways.invalidations.wrapping_add(1);
            ways.records = array::from_fn(|_| None);
        }
    }

    /// Selected by the upper half of the digest's prefix; the lower half gives the tag.
    fn set(&self, digest: &Digest) -> &RwLock<Ways> {
        let upper = (digest.prefix() >> 32) as usize;
        &self.sets[(upper * SETS) >> 32].0
    }
}

impl Ways {
    /// The way that holds this digest.
    fn find(&self, digest: &Digest) -> Option<usize> {
        let tag = tag(digest);
        let holds = |record: &Arc<KeyRecord>| {
            record.prefetch();
            record.digest == *digest
        };
        (0..WAYS).find(|&way| self.tags[way] == tag && self.records[way].as_ref().is_some_and(holds))
    }

    /// Replaces the same key, else fills an empty way, else evicts a key that was
    /// not asked for lately.
    fn store(&mut self, record: &Arc<KeyRecord>) {
        let empty = || self.records.iter().position(Option::is_none);
        let way = self.find(&record.digest).or_else(empty).unwrap_or_else(|| self.recent.victim());
        self.tags[way] = tag(&record.digest);
        self.records[way] = Some(Arc::clone(record));
        self.recent.mark(way);
    }
}

const fn tag(digest: &Digest) -> u16 {
    digest.prefix() as u16
}

/// Which ways were read lately, a bit each, for the eviction policy "bit-PLRU":
/// once all bits are set, all but the last one are cleared.
#[derive(Default)]
struct Recent(AtomicU8);

impl Recent {
    /// Two threads at once may lose a bit, which at worst evicts one key early.
    fn mark(&self, way: usize) {
        let (before, bit) = (self.0.load(Ordering::Relaxed), 1 << way);
        // Most often the bit is set, and a write would take the cache line away
        // from other processors.
        if before & bit == 0 {
            let all = before | bit;
            self.0.store(if all == u8::MAX { bit } else { all }, Ordering::Relaxed);
        }
    }

    /// A way that was not read lately.
    fn victim(&self) -> usize {
        self.0.load(Ordering::Relaxed).trailing_ones() as usize % WAYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::verdict::tests::key;

    fn record() -> Arc<KeyRecord> {
        Arc::new(key(|_, _| ()))
    }

    #[test]
    fn a_fill_is_remembered() {
        let (cache, record) = (KeyCache::default(), record());
        let fill = cache.begin_fill(&record.digest);
        cache.end_fill(&fill, &record);
        assert!(cache.get(&record.digest).is_some());
    }

    #[test]
    fn what_was_read_before_a_change_is_not_stored_after_it() {
        let (cache, record) = (KeyCache::default(), record());
        let fill = cache.begin_fill(&record.digest);
        cache.invalidate(&record.digest);
        cache.end_fill(&fill, &record);
        assert!(cache.get(&record.digest).is_none());
    }

    #[test]
    fn nor_after_everything_was_forgotten() {
        let (cache, record) = (KeyCache::default(), record());
        let fill = cache.begin_fill(&record.digest);
        cache.clear();
        cache.end_fill(&fill, &record);
        assert!(cache.get(&record.digest).is_none());
    }

    #[test]
    fn a_changed_key_is_forgotten() {
        let (cache, record) = (KeyCache::default(), record());
        cache.end_fill(&cache.begin_fill(&record.digest), &record);
        cache.invalidate(&record.digest);
        assert!(cache.get(&record.digest).is_none());
    }

    /// A record whose digest falls into the first set, with this hint.
    fn neighbour(hint: u16, rest: u8) -> Arc<KeyRecord> {
        let mut digest = [0; 32];
        digest[..2].copy_from_slice(&hint.to_le_bytes());
        digest[31] = rest;
        Arc::new(key(|_, secret| secret.digest = Digest::from_bytes(digest)))
    }

    fn fill(cache: &KeyCache, record: &Arc<KeyRecord>) {
        cache.end_fill(&cache.begin_fill(&record.digest), record);
    }

    #[test]
    fn a_full_set_keeps_the_keys_that_are_asked_for() {
        let cache = KeyCache::default();
        let asked_for = neighbour(0, 0);
        fill(&cache, &asked_for);
        for hint in 1..1_000 {
            fill(&cache, &neighbour(hint, 0));
            assert!(cache.get(&asked_for.digest).is_some(), "forgotten for number {hint}");
        }
        assert_eq!(cache.len(), WAYS);
    }

    #[test]
    fn keys_that_look_alike_are_told_apart() {
        let cache = KeyCache::default();
        let (one, other) = (neighbour(7, 1), neighbour(7, 2));
        fill(&cache, &one);
        assert!(cache.get(&other.digest).is_none());
        fill(&cache, &other);
        for record in [&one, &other] {
            assert_eq!(cache.get(&record.digest).unwrap().id, record.id);
        }
        cache.invalidate(&one.digest);
        assert!(cache.get(&one.digest).is_none());
        assert!(cache.get(&other.digest).is_some());
    }

    #[test]
    fn every_digest_has_a_set() {
        let cache = KeyCache::default();
        for byte in [0, 1, 127, 255] {
            let record = Arc::new(key(|_, secret| secret.digest = Digest::from_bytes([byte; 32])));
            fill(&cache, &record);
            assert!(cache.get(&record.digest).is_some(), "{byte}");
        }
        assert_eq!(cache.len(), 4);
    }

    #[test]
    fn more_keys_than_it_keeps_take_no_more_memory() {
        let cache = KeyCache::default();
        for number in 0..150_000_u32 {
            let digest = Digest::of(&number.to_le_bytes());
            fill(&cache, &Arc::new(key(|_, secret| secret.digest = digest)));
        }
        assert!((80_000..=100_000).contains(&cache.len()), "{}", cache.len());
    }
}
