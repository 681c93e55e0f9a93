//! Counters that every thread raises at once: each thread has a shard of its
//! own, so that no two processors write the same cache line.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

const SHARDS: usize = 8;

/// One `T` for each shard.
#[derive(Debug, Default)]
pub struct Sharded<T>([Shard<T>; SHARDS]);

/// Padded to two cache lines, which processors fetch together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard<T>(T);

impl<T> Sharded<T> {
    /// The shard of this thread; with many threads it is shared with some.
    #[must_use]
    pub fn own(&self) -> &T {
        &self.0[shard()].0
    }

    /// Every shard.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &shard.0)
    }
}

fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        own.get() % SHARDS
    })
}
