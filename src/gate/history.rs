//! Which history of changes the key cache belongs to. PostgreSQL may lose its last
//! changes in a failover or a restore; what was read before that must not stay in
//! memory, although later polls find the same revision again.

use parking_lot::Mutex;

use crate::error::{DatabaseOutage, Error, Result};
use crate::store::change_log::Position;

/// Shared by the change feed, which moves it on, and by look-ups, which fill the cache.
#[derive(Debug, Default)]
pub(super) struct History(Mutex<Positions>);

#[derive(Debug, Default)]
struct Positions {
    /// Where the last poll was; `None` before the first one and after one that failed.
    polled: Option<Position>,
    /// Where keys were read since, if elsewhere. The next poll has to pass them all,
    /// or these keys were read from a history that was lost.
    read_at: Vec<Position>,
}

impl History {
    /// Where the last poll was. To be called before a key is read.
    pub(super) fn polled(&self) -> Option<Position> {
        self.0.lock().polled
    }

    /// Notes where a key was read, before it is stored in the cache.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when that is not after `before`: another server has
    /// answered, which is behind or has lost changes.
    pub(super) fn note_read(&self, before: Option<Position>, at: Position) -> Result<()> {
        let is_behind =
            |before: Position| at.revision < before.revision || (at.revision == before.revision && at != before);
        if before.is_some_and(is_behind) {
            let cause = anyhow::anyhow!("a server answered that lacks changes which were seen before");
            return Err(Error::unavailable(DatabaseOutage::Unreachable, cause));
        }
        let mut positions = self.0.lock();
        if positions.polled != Some(at) && !positions.read_at.contains(&at) {
            positions.read_at.push(at);
        }
        Ok(())
    }

    /// Begins a poll: where the last one was, and where keys were read until now.
    pub(super) fn begin_poll(&self) -> (Option<Position>, Vec<Position>) {
        let mut positions = self.0.lock();
        (positions.polled, std::mem::take(&mut positions.read_at))
    }

    /// Ends a poll; `None` when it failed.
    pub(super) fn end_poll(&self, at: Option<Position>) {
        self.0.lock().polled = at;
    }
}
