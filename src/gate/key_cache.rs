//! Keys in memory: filled on demand, bounded, and never filled with what was
//! read before a change.

use std::array;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::RwLock;

use super::record::KeyRecord;
use crate::store::Digest;

/// How many sets there are: 100,000 keys are kept at most, about 0.6 KB each.
const SETS: usize = 12_500;
/// Keys in a set.
const WAYS: usize = 8;

/// The memory, built as a processor's cache is: a digest has one set to be
/// looked for in, with a lock of its own. With thousands of keys in use, a
/// verdict waits longest for main memory: once for a set, once for a record.
pub(super) struct KeyCache {
    sets: Box<[Set]>,
}

/// Two neighbours of the lines in which processors fetch memory; while it is
/// half full, the first one is enough.
#[derive(Default)]
#[repr(align(128))]
struct Set(RwLock<Ways>);

/// Keys whose digests are near each other.
#[derive(Default)]
#[repr(C)]
struct Ways {
    /// How many changes there were among these keys.
    changes: u32,
    recent: Recent,
    /// A few bits of each digest, so that few other records are looked at.
    hints: [u16; WAYS],
    records: [Option<Arc<KeyRecord>>; WAYS],
}

/// When a look-up began: what it finds is stored only if nothing has changed since.
pub(super) struct FillToken(u32);

impl Default for KeyCache {
    fn default() -> Self {
        Self { sets: (0..SETS).map(|_| Set::default()).collect() }
    }
}

impl KeyCache {
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<KeyRecord>> {
        let ways = self.set(digest).read();
        let place = ways.place(digest)?;
        ways.recent.note(place);
        ways.records[place].clone()
    }

    pub(super) fn len(&self) -> usize {
        self.sets.iter().map(|set| set.0.read().records.iter().flatten().count()).sum()
    }

    /// To be called before the look-up.
    pub(super) fn begin_fill(&self, digest: &Digest) -> FillToken {
        FillToken(self.set(digest).read().changes)
    }

    /// Stores what a look-up found, unless a change came between.
    pub(super) fn end_fill(&self, fill: &FillToken, record: &Arc<KeyRecord>) {
        let mut ways = self.set(&record.digest).write();
        if ways.changes == fill.0 {
            ways.store(record);
        }
    }

    /// Forgets a key that has changed, and what look-ups that began before now
    /// will find.
    pub(super) fn forget(&self, digest: &Digest) {
        let mut ways = self.set(digest).write();
        ways.changes = ways.changes.wrapping_add(1);
        if let Some(place) = ways.place(digest) {
            ways.records[place] = None;
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for set in &self.sets {
            let mut ways = set.0.write();
            ways.changes = ways.changes.wrapping_add(1);
            ways.records = array::from_fn(|_| None);
        }
    }

    /// By the upper half of the digest's prefix; the lower half gives the hint.
    fn set(&self, digest: &Digest) -> &RwLock<Ways> {
        let upper = (digest.prefix() >> 32) as usize;
        &self.sets[(upper * SETS) >> 32].0
    }
}

impl Ways {
    /// Where this digest is, if it is here.
    fn place(&self, digest: &Digest) -> Option<usize> {
        let hint = hint(digest);
        let is_here = |record: &Arc<KeyRecord>| {
            record.fetch();
            record.digest == *digest
        };
        (0..WAYS).find(|&place| self.hints[place] == hint && self.records[place].as_ref().is_some_and(is_here))
    }

    /// In its own place, an empty one, or that of a key that was not asked for lately.
    fn store(&mut self, record: &Arc<KeyRecord>) {
        let empty = || self.records.iter().position(Option::is_none);
        let place = self.place(&record.digest).or_else(empty).unwrap_or_else(|| self.recent.oldest());
        self.hints[place] = hint(&record.digest);
        self.records[place] = Some(Arc::clone(record));
        self.recent.note(place);
    }
}

const fn hint(digest: &Digest) -> u16 {
    digest.prefix() as u16
}

/// Which ways were asked for since the last time that all had been: a bit
/// each (the policy known as "bit-PLRU").
#[derive(Default)]
struct Recent(AtomicU8);

impl Recent {
    /// Two threads at once may lose a bit, which is one key's luck.
    fn note(&self, place: usize) {
        let (before, bit) = (self.0.load(Ordering::Relaxed), 1 << place);
        // Most often it is there, and nothing needs to be written.
        if before & bit == 0 {
            let all = before | bit;
            self.0.store(if all == u8::MAX { bit } else { all }, Ordering::Relaxed);
        }
    }

    /// A way that was not.
    fn oldest(&self) -> usize {
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
        cache.forget(&record.digest);
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
        cache.forget(&record.digest);
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
        cache.forget(&one.digest);
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
