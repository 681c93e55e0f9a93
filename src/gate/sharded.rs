//! Counters that every thread raises at once: each thread has a shard of its
//! own, so that no cache line moves between processors with every request.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

const SHARDS: usize = 8;

/// One `T` for each shard.
#[derive(Debug, Default)]
pub struct Sharded<T>([CachePadded<T>; SHARDS]);

impl<T> Sharded<T> {
    /// The shard of this thread. More than [`SHARDS`] threads share them.
    #[must_use]
    pub fn own(&self) -> &T {
        &self.0[own_index()]
    }

    /// Every shard.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &**shard)
    }
}

fn own_index() -> usize {
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
