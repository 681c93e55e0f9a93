//! Counters that every thread raises at once: each thread has a lane of its
//! own, so that none waits for the cache of another.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

const LANES: usize = 8;

/// One `T` for each lane.
#[derive(Debug, Default)]
pub struct Lanes<T>([Lane<T>; LANES]);

/// As far from its neighbours as processors fetch at once.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Lane<T>(T);

impl<T> Lanes<T> {
    /// The lane of this thread; with many threads it is shared with some.
    #[must_use]
    pub fn own(&self) -> &T {
        &self.0[lane()].0
    }

    /// Every lane.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|lane| &lane.0)
    }
}

fn lane() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        own.get() % LANES
    })
}
