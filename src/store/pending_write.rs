//! A write that waits for its turn. Its types are erased, so that the code which runs
//! transactions is compiled once and not for each change of Keyfob.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::Conn;
use crate::error::{Error, Result};

/// A write, and the caller who waits for its result.
pub(super) trait PendingWrite: Send {
    /// Whether the caller still waits for the result.
    fn is_wanted(&self) -> bool;
    /// Does the work. `false` when it failed or panicked: then it is to be rolled back.
    fn run(&mut self, conn: &mut Conn) -> bool;
    /// Replaces the result.
    fn fail(&mut self, error: Error);
    /// Sends the result to the caller, once the commit has succeeded or failed.
    fn respond(self: Box<Self>, commit: &Result<()>);
}

struct TypedWrite<T, F, G, U> {
    work: Option<F>,
    result: Option<Result<T>>,
    then: G,
    response: oneshot::Sender<Result<U>>,
}

/// A write that does `work`, and `then` after the commit; and where its result arrives.
pub(super) fn pending_write<T, U, F, G>(work: F, then: G) -> (Box<dyn PendingWrite>, oneshot::Receiver<Result<U>>)
where
    F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    G: FnOnce(T) -> U + Send + 'static,
    T: Send + 'static,
    U: Send + 'static,
{
    let (response, result) = oneshot::channel();
    (Box::new(TypedWrite { work: Some(work), result: None, then, response }), result)
}

impl<T, F, G, U> PendingWrite for TypedWrite<T, F, G, U>
where
    F: FnOnce(&mut Conn) -> Result<T> + Send,
    G: FnOnce(T) -> U + Send,
    T: Send,
    U: Send,
{
    fn is_wanted(&self) -> bool {
        !self.response.is_closed()
    }

    fn run(&mut self, conn: &mut Conn) -> bool {
        let Some(work) = self.work.take() else { return false };
        let done = catch_unwind(AssertUnwindSafe(|| work(conn)));
        let result = done.unwrap_or_else(|_| Err(Error::internal(anyhow::anyhow!("a write panicked"))));
        let succeeded = result.is_ok();
        self.result = Some(result);
        succeeded
    }

    fn fail(&mut self, error: Error) {
        self.result = Some(Err(error));
    }

    fn respond(self: Box<Self>, commit: &Result<()>) {
        let Self { result, then, response, .. } = *self;
        let result = match (result, commit) {
            (Some(Ok(value)), Ok(())) => {
                catch_unwind(AssertUnwindSafe(|| then(value))).map_err(|_| Error::internal(anyhow::anyhow!("a panic")))
            }
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.same_again()),
            (None, Ok(())) => Err(Error::internal(anyhow::anyhow!("a write was not run"))),
        };
        // Fails when the caller has stopped waiting.
        let _ = response.send(result);
    }
}
