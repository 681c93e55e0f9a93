//! The state of an open connection: which side keeps the other one waiting, and
//! since when. The HTTP library limits only the first head of a connection;
//! a second head or a body could be sent one byte a minute, for ever.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::drain::Drain;
use super::timeouts::{IDLE_TIMEOUT, REQUEST_TIMEOUT, STALLED_RESPONSE_TIMEOUT, SWEEP_INTERVAL};

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionPhase {
    /// The first byte of its first request.
    AwaitingFirstRequest,
    /// The first byte of another request (keep-alive).
    AwaitingNextRequest,
    /// The rest of a request's head, or a part of its body that the handler reads.
    ReceivingRequest,
    /// The handler, which does not wait for its client, so that no limit applies.
    AwaitingResponse,
}

/// How long idle connections are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SweepMode {
    Normal,
    /// So many connections are open that idle ones are closed sooner.
    Crowded,
    /// The server stops: idle connections are closed at once.
    Draining,
}

/// An open connection. Its requests find it in their connection data.
#[derive(Debug)]
pub(super) struct Connection {
    drain: Arc<Drain>,
    phase: Cell<ConnectionPhase>,
    since: Cell<Instant>,
    /// The current request has a body that its handler has not read to the end.
    has_unread_body: Cell<bool>,
    /// Its last response was given; requests that come after it are not answered.
    is_closing: Cell<bool>,
    /// Since when the socket takes no more of a response, because the client does not read.
    write_blocked_since: Cell<Option<Instant>>,
    /// Nothing more is read from it or written to it.
    is_closed: Cell<bool>,
    /// Makes the HTTP library poll the stream again.
    waker: RefCell<Option<Waker>>,
}

impl Connection {
    pub(super) fn new(drain: Arc<Drain>) -> Self {
        Self {
            drain,
            phase: Cell::new(ConnectionPhase::AwaitingFirstRequest),
            since: Cell::new(Instant::now()),
            has_unread_body: Cell::default(),
            is_closing: Cell::default(),
            write_blocked_since: Cell::default(),
            is_closed: Cell::default(),
            waker: RefCell::default(),
        }
    }

    fn enter(&self, phase: ConnectionPhase) {
        self.phase.set(phase);
        self.since.set(Instant::now());
    }

    /// Bytes were read. Only the first ones of a request start its time.
    pub(super) fn received_bytes(&self) {
        if matches!(self.phase.get(), ConnectionPhase::AwaitingFirstRequest | ConnectionPhase::AwaitingNextRequest) {
            self.enter(ConnectionPhase::ReceivingRequest);
        }
    }

    /// The head of a request is complete, and its handler runs.
    pub(super) fn received_head(&self, has_body: bool) {
        if has_body {
            // A pipelined request was read together with the one before it.
            self.received_bytes();
        }
        self.has_unread_body.set(has_body);
        self.phase.set(ConnectionPhase::AwaitingResponse);
    }

    /// The handler waits for more of the body than has arrived.
    pub(super) fn awaits_body(&self) {
        if !self.is_closing() {
            self.phase.set(ConnectionPhase::ReceivingRequest);
        }
    }

    /// The handler got what it wanted of the body, or all of it.
    pub(super) fn received_body(&self, is_complete: bool) {
        if is_complete {
            self.has_unread_body.set(false);
        }
        if self.phase.get() == ConnectionPhase::ReceivingRequest {
            self.phase.set(ConnectionPhase::AwaitingResponse);
        }
    }

    /// The current request was answered. Returns whether the response is the
    /// connection's last one, as it is when either side `closes`.
    pub(super) fn responded(&self, closes: bool) -> bool {
        // What follows an unread body must not be taken for a request.
        let is_last = closes || self.has_unread_body.get() || self.drain.has_begun();
        self.is_closing.set(is_last);
        self.enter(ConnectionPhase::AwaitingNextRequest);
        is_last
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.get()
    }

    /// Notes whether the socket takes more; returns whether it did not before.
    pub(super) fn set_write_blocked(&self, is_blocked: bool) -> bool {
        let was_blocked_since = self.write_blocked_since.get();
        // A poll that finds it blocked still is no progress.
        let since = is_blocked.then(|| was_blocked_since.unwrap_or_else(Instant::now));
        self.write_blocked_since.set(since);
        was_blocked_since.is_some()
    }

    pub(super) fn is_write_blocked(&self) -> bool {
        self.write_blocked_since.get().is_some()
    }

    /// Remembers whom [`Self::close`] has to wake.
    pub(super) fn set_waker(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    /// Ends the connection: the HTTP library sees it as closed by the client.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Whether the server waits for the rest of a request, or for its response to be taken.
    pub(super) fn is_mid_request(&self) -> bool {
        self.phase.get() == ConnectionPhase::ReceivingRequest || self.is_write_blocked()
    }

    /// Whether the client has kept the server waiting for too long.
    pub(super) fn is_overdue(&self, now: Instant, mode: SweepMode) -> bool {
        let stalled = self.write_blocked_since.get().map(|since| now.saturating_duration_since(since));
        if stalled.is_some_and(|stalled| stalled >= STALLED_RESPONSE_TIMEOUT) {
            return true;
        }
        let limit = match (self.phase.get(), mode) {
            (ConnectionPhase::AwaitingResponse, _) => return false,
            // A response on its way is not cut off because the server stops.
            (ConnectionPhase::AwaitingNextRequest, SweepMode::Draining) => return !self.is_write_blocked(),
            // A client that has just connected is about to send.
            (ConnectionPhase::AwaitingFirstRequest, SweepMode::Draining) => SWEEP_INTERVAL,
            (ConnectionPhase::AwaitingNextRequest, SweepMode::Normal) => IDLE_TIMEOUT,
            _ => REQUEST_TIMEOUT,
        };
        self.waited(now) >= limit
    }

    fn waited(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since.get())
    }
}

#[cfg(test)]
mod tests {
    use super::SweepMode::{Crowded, Draining, Normal};
    use super::*;

    /// After how many seconds from now each kind of sweep would close it.
    fn closed_after(connection: &Connection) -> [Option<u64>; 3] {
        [Normal, Crowded, Draining].map(|mode| {
            (0..1_000).find(|seconds| connection.is_overdue(Instant::now() + Duration::from_secs(*seconds), mode))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_nothing_has_as_long_as_a_request_may_take() {
        assert_eq!(closed_after(&Connection::new(Arc::default())), [Some(8), Some(8), Some(1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_eight_seconds_from_its_first_byte_and_no_more_for_its_body() {
        let connection = Connection::new(Arc::default());
        connection.received_head(false);
        connection.responded(false);
        tokio::time::advance(Duration::from_secs(50)).await;

        connection.received_bytes();
        tokio::time::advance(Duration::from_secs(3)).await;
        connection.received_bytes();
        connection.received_head(true);
        connection.awaits_body();
        assert_eq!(closed_after(&connection), [Some(5); 3], "more bytes are no beginning");

        connection.received_body(true);
        assert_eq!(closed_after(&connection), [None; 3], "it is the server's turn");
        connection.received_bytes();
        assert_eq!(closed_after(&connection), [None; 3], "pipelined bytes start no time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_is_not_cut_off_while_nobody_waits_for_its_body() {
        let connection = Connection::new(Arc::default());
        connection.received_bytes();

        connection.received_head(true);

        assert_eq!(closed_after(&connection), [None; 3]);
        assert!(connection.responded(false), "what follows may be that body");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_kept_unless_there_are_many_or_the_server_stops() {
        let connection = Connection::new(Arc::default());
        connection.received_head(false);
        connection.responded(false);
        assert_eq!(closed_after(&connection), [Some(75), Some(8), Some(0)]);

        connection.set_write_blocked(true);
        assert_eq!(closed_after(&connection), [Some(20), Some(8), Some(20)], "its response is still on its way");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_its_response_slowly_is_kept_and_one_that_takes_nothing_is_not() {
        let connection = Connection::new(Arc::default());
        connection.received_head(false);
        connection.set_write_blocked(true);
        tokio::time::advance(Duration::from_secs(15)).await;
        connection.set_write_blocked(true);
        assert_eq!(closed_after(&connection), [Some(5); 3], "another look is no progress");

        connection.set_write_blocked(false);
        connection.set_write_blocked(true);
        assert_eq!(closed_after(&connection), [Some(20); 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_last_response_that_nobody_takes_does_not_keep_the_connection() {
        let connection = Connection::new(Arc::default());
        connection.received_head(true);
        connection.responded(true);

        connection.awaits_body();

        assert_eq!(closed_after(&connection)[0], Some(75));
    }
}
