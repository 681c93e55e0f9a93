//! Knows whether a request was written: what was written and not answered may have been
//! accepted, so it must not be sent again.
//!
//! ureq runs a request on the thread that calls it, so a mark of the thread says what
//! became of it. A connection is made, TLS included, before anything of the request is
//! written.

use std::cell::Cell;

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport as HttpConnection,
};

thread_local! {
    static PROGRESS: Cell<WriteProgress> = const { Cell::new(WriteProgress::NothingWritten) };
}

/// How much of a request was handed to the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriteProgress {
    NothingWritten,
    /// All parts so far.
    Written,
    /// A part could not be written, so the server has no whole request.
    Broken,
}

/// Runs a request on this thread. The second value says whether the server may have got
/// all of it.
pub(super) fn watched<T>(request: impl FnOnce() -> T) -> (T, bool) {
    PROGRESS.set(WriteProgress::NothingWritten);
    let result = request();
    (result, PROGRESS.get() == WriteProgress::Written)
}

/// Makes connections that note what is written on them.
#[derive(Debug, Default)]
pub(super) struct WatchedConnector(DefaultConnector);

impl Connector for WatchedConnector {
    type Out = WatchedConnection;

    fn connect(&self, details: &ConnectionDetails, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        Ok(self.0.connect(details, chained)?.map(WatchedConnection))
    }
}

#[derive(Debug)]
pub(super) struct WatchedConnection(Box<dyn HttpConnection>);

impl HttpConnection for WatchedConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let written = self.0.transmit_output(amount, timeout);
        PROGRESS.set(if written.is_ok() { WriteProgress::Written } else { WriteProgress::Broken });
        written
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}
