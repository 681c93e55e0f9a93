//! The uses of one key that are counted in memory.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::store::UtcTime;

/// The uses of a key that are not in the database yet.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Uses {
    count: AtomicI64,
    last_used_at: AtomicI64,
    /// The hash of the client that `last_client` describes.
    last_client_hash: AtomicU64,
    /// Whether the record is in the queue of those to be written.
    pub(super) is_queued: AtomicBool,
    last_client: Mutex<ClientDescription>,
}

/// The client of a use; the user agent is empty when it is not known.
#[derive(Debug, Clone, Default)]
pub(super) struct ClientDescription {
    pub(super) address: Option<IpAddr>,
    pub(super) user_agent: String,
}

impl Uses {
    /// Counts one use by the client with this hash. `describe` is called only
    /// when the use before was another client's. `true` when the record has to
    /// be queued for writing.
    pub(super) fn count(&self, now: UtcTime, client_hash: u64, describe: impl FnOnce(&mut ClientDescription)) -> bool {
        if self.last_client_hash.load(Ordering::Relaxed) != client_hash {
            let mut client = self.last_client.lock();
            describe(&mut client);
            self.last_client_hash.store(client_hash, Ordering::Relaxed);
        }
        self.last_used_at.fetch_max(now.micros(), Ordering::Relaxed);
        // The order matters: `take` clears the mark before it takes the count,
        // and reads the rest after it. So the count is raised after the rest is
        // stored, and the mark is read after the count is raised.
        self.count.fetch_add(1, Ordering::AcqRel);
        !self.is_queued.load(Ordering::Acquire) && !self.is_queued.swap(true, Ordering::AcqRel)
    }

    /// The queue was full; the next use tries again.
    pub(super) fn was_not_queued(&self) {
        self.is_queued.store(false, Ordering::Release);
    }

    /// Takes what was counted: how many uses, the time of the last one, its client.
    pub(super) fn take(&self) -> (i64, UtcTime, ClientDescription) {
        self.is_queued.store(false, Ordering::Release);
        let count = self.count.swap(0, Ordering::AcqRel);
        let last_used_at = UtcTime::from_micros(self.last_used_at.load(Ordering::Relaxed));
        (count, last_used_at, self.last_client.lock().clone())
    }

    /// How many uses are not in the database yet.
    pub(super) fn pending(&self) -> i64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Returns a count that could not be written. `true` when the record has to
    /// be queued again.
    pub(super) fn put_back(&self, count: i64) -> bool {
        self.count.fetch_add(count, Ordering::AcqRel);
        !self.is_queued.swap(true, Ordering::AcqRel)
    }
}
