//! Ends connections whose client keeps the server waiting, and lets go of all
//! of them when the server stops. The HTTP library would watch over the first
//! head of a connection only; what comes later (a second head, a body) could
//! be sent a byte a minute, for ever.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use actix_http::Request;
use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ResponseHead, ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::rt;
use actix_web::web::Bytes;

use super::timeouts;
use crate::error::Error;

/// How long a request may take to arrive, from its first byte to its last. One
/// that takes longer is closed at one of the next two looks, within ten seconds.
const ARRIVES_WITHIN: Duration = Duration::from_secs(8);
/// How long a connection is kept for the next request: longer than the minute
/// of common proxies, so that it is they who close it, and none of them sends a
/// request into a connection that is being closed.
const KEPT_FOR: Duration = Duration::from_secs(75);
/// How long an answer may take to reach the network.
const LAST_ANSWER_LEAVES_WITHIN: Duration = Duration::from_millis(100);

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Waiting {
    /// Its first request.
    #[default]
    FirstRequest,
    /// The next request.
    NextRequest,
    /// The rest of this one.
    Rest,
    /// Nothing that the client could do.
    Server,
}

/// With connections that are kept for their next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Usual,
    /// There are many.
    Little,
    /// The server stops.
    None,
}

/// An open connection, known to its requests as connection data.
#[derive(Debug)]
pub struct Connection {
    pub(super) waiting: Cell<Waiting>,
    pub(super) since: Cell<Duration>,
    /// Its last answer was given.
    pub(super) is_closing: Cell<bool>,
    /// Its client has not taken all of an answer yet.
    pub(super) is_writing: Cell<bool>,
    /// Nothing more is read or written.
    pub(super) is_closed: Cell<bool>,
    /// Makes the library look at it.
    pub(super) waker: RefCell<Option<Waker>>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            waiting: Cell::default(),
            since: Cell::new(timeouts::now()),
            is_closing: Cell::default(),
            is_writing: Cell::default(),
            is_closed: Cell::default(),
            waker: RefCell::default(),
        }
    }
}

impl Connection {
    pub(super) fn now_waits(&self, what: Waiting) {
        self.waiting.set(what);
        self.since.set(timeouts::now());
    }

    /// Notes that something was read.
    pub(super) fn hears(&self) {
        if matches!(self.waiting.get(), Waiting::FirstRequest | Waiting::NextRequest) {
            self.now_waits(Waiting::Rest);
        }
    }

    /// Notes whom to wake.
    pub(super) fn wakes(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    /// The library notices, as if the client had closed it.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    pub(super) fn is_overdue(&self, now: Duration, patience: Patience) -> bool {
        let time = match (self.waiting.get(), patience) {
            (Waiting::Server, _) => return false,
            (Waiting::NextRequest, Patience::None) => return !self.is_writing.get(),
            (Waiting::FirstRequest, Patience::None) => Duration::ZERO,
            (Waiting::NextRequest, Patience::Usual) => KEPT_FOR,
            _ => ARRIVES_WITHIN,
        };
        // It has waited for up to a look less than was noted.
        now.saturating_sub(self.since.get()) > time + timeouts::EVERY
    }
}

/// A request's turn on its connection, from its head to its answer.
pub struct Turn(Option<Rc<Connection>>);

impl Turn {
    /// Notes that a request's head has arrived.
    pub fn begin(request: &Request) -> Self {
        let turn = Self(request.conn_data::<Rc<Connection>>().cloned());
        if let Some(connection) = turn.0.as_ref().filter(|_| !turn.is_too_late()) {
            // Most often since its first byte; since now, when it came together
            // with the one before.
            connection.hears();
        }
        turn
    }

    /// Whether it comes behind its connection's last answer.
    pub fn is_too_late(&self) -> bool {
        self.0.as_ref().is_some_and(|connection| connection.is_closing.get())
    }

    /// A request that was sent in one breath with the one before is in the hands
    /// of the library already. It gets no answer: the connection ends as soon as
    /// the answer before has left.
    pub async fn never_answer(&self) -> HttpResponse {
        rt::time::sleep(LAST_ANSWER_LEAVES_WITHIN).await;
        self.0.as_ref().inspect(|connection| connection.close());
        HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Notes that the request is answered, and says so when it was the
    /// connection's last, or nobody watches over it.
    pub fn end(self, answer: &mut ResponseHead, is_last: bool) {
        match self.0 {
            Some(connection) if !is_last => connection.now_waits(Waiting::NextRequest),
            connection => {
                connection.inspect(|connection| connection.is_closing.set(true));
                answer.set_connection_type(ConnectionType::Close);
            }
        }
    }
}

/// Waits for the whole body before anything is done about a request, so that a
/// slow client costs no more than its connection.
pub async fn whole_body(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    // A tunnel's "body" has no end, and there are no tunnels here.
    if request.method() == Method::CONNECT {
        return Ok(request.error_response(Error::MethodNotAllowed));
    }
    // Nobody wants the body of a GET, so it is not unpacked either.
    request.headers_mut().remove(CONTENT_ENCODING);
    match request.extract::<Bytes>().await {
        Ok(body) => {
            request.set_payload(Payload::from(body));
            body_is_in(request.conn_data());
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

/// Notes that all of a request is there, for those that may wait for the
/// database longer than their client may keep the server waiting.
pub fn body_is_in(connection: Option<&Rc<Connection>>) {
    connection.inspect(|connection| connection.now_waits(Waiting::Server));
}

#[cfg(test)]
pub(super) mod tests {
    use actix_web::rt::net::{TcpListener, TcpStream};

    use super::*;
    use Patience::{Little, None, Usual};

    /// A client, and what the server has of it.
    pub(in crate::server) async fn connect() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    /// How many seconds after now it is closed, at the latest.
    fn kept(connection: &Connection, patience: Patience) -> Option<u64> {
        (0..1_000).find(|seconds| connection.is_overdue(timeouts::now() + Duration::from_secs(*seconds), patience))
    }

    #[test]
    fn a_request_has_eight_seconds_from_its_first_byte_and_no_more_for_its_body() {
        let connection = Connection::default();
        assert_eq!(kept(&connection, Usual), Some(10));

        connection.now_waits(Waiting::NextRequest);
        connection.hears();
        let later = timeouts::now() + Duration::from_secs(100);
        connection.since.set(later);
        connection.hears();

        assert_eq!(connection.since.get(), later, "another byte is no beginning");
        connection.since.set(timeouts::now());
        assert_eq!([Usual, Little, None].map(|patience| kept(&connection, patience)), [Some(10); 3]);
    }

    #[test]
    fn a_connection_that_waits_for_its_next_request_is_kept_unless_there_are_many_or_the_server_stops() {
        let connection = Connection::default();
        connection.now_waits(Waiting::NextRequest);

        assert_eq!([Usual, Little, None].map(|patience| kept(&connection, patience)), [Some(77), Some(10), Some(0)]);
    }

    #[test]
    fn an_answer_that_is_on_its_way_is_not_cut_off_because_the_server_stops() {
        let connection = Connection::default();
        connection.now_waits(Waiting::NextRequest);
        connection.is_writing.set(true);

        assert_eq!([Usual, None].map(|patience| kept(&connection, patience)), [Some(77), Option::None]);
    }

    #[test]
    fn whoever_waits_for_the_server_is_never_closed() {
        let connection = Rc::new(Connection::default());
        connection.hears();
        body_is_in(Some(&connection));
        connection.hears();

        assert_eq!([Usual, Little, None].map(|patience| kept(&connection, patience)), [Option::None; 3]);
    }
}
