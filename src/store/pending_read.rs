//! A read that waits for a connection, with its types erased as those of a `PendingWrite` are.

use r2d2::PooledConnection;

use super::Conn;
use super::connection::ConnectionManager;
use super::transaction::reading;
use crate::error::Result;

/// Tells its caller by itself what it has read.
pub(super) type PendingRead = Box<dyn FnOnce(Result<&mut Conn>) + Send>;

/// Runs a read, or tells it why it can't be.
pub(super) fn run_read(session: Result<PooledConnection<ConnectionManager>>, read: PendingRead) {
    let mut read = Some(read);
    let done = session.and_then(|mut session| {
        reading(&mut session, |conn| {
            read.take().into_iter().for_each(|read| read(Ok(&mut *conn)));
            Ok(())
        })
    });
    // What was read counts, however its transaction ended.
    if let (Err(error), Some(read)) = (done, read) {
        read(Err(error));
    }
}
