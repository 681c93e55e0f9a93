//! Ends connections whose client keeps the server waiting, and lets go of all
//! of them when the server stops. The HTTP library watches over the first
//! head of a connection only; what comes later (a second head, a body) could
//! otherwise be sent a byte a minute, for ever.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_http::Request;
use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, Payload, ResponseHead, ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::rt;
use actix_web::web::Bytes;

use crate::error::Error;

/// How long a request may take to arrive, in whole seconds: with the one that
/// has begun, and the time until the next look, it is closed within ten.
const ARRIVES_WITHIN: u64 = 8;
/// How long a connection is kept for the next request, in seconds: longer than
/// the minute of common proxies, so that it is they who close it, and none of
/// them sends a request into a connection that is being closed.
const KEPT_FOR: u64 = 75;
/// A worker with more connections than this keeps idle ones no longer than it
/// waits for a request.
const MANY: usize = 1_000;
/// How long an answer may take to reach the network.
const LAST_ANSWER_LEAVES_WITHIN: Duration = Duration::from_millis(100);
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// What a connection is waiting for.
#[derive(Clone, Copy)]
enum Waiting {
    /// The next request.
    Request,
    /// The rest of this one.
    Body,
    /// Nothing that the client could do.
    Server,
}

/// An open connection, known to its requests as connection data.
pub struct Connection {
    socket: TcpStream,
    waiting: Cell<Waiting>,
    since: Cell<u64>,
    /// Its last answer was given.
    is_closing: Cell<bool>,
}

/// The connections of one worker, which is one thread.
struct Worker {
    started: Instant,
    /// Seconds since then, as of the last look: good enough, and free to read.
    now: Cell<u64>,
    open: RefCell<Vec<Weak<Connection>>>,
    is_watched: Cell<bool>,
}

thread_local! {
    static WORKER: Worker = Worker {
        started: Instant::now(),
        now: Cell::new(0),
        open: RefCell::default(),
        is_watched: Cell::new(false),
    };
}

impl Connection {
    fn now_waits(&self, what: Waiting) {
        self.waiting.set(what);
        self.since.set(WORKER.with(|worker| worker.now.get()));
    }

    /// The server notices, as if the client had closed it.
    fn close(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn is_overdue(&self, now: u64, many: bool) -> bool {
        let patience = match self.waiting.get() {
            Waiting::Server => return false,
            Waiting::Request if !many => KEPT_FOR,
            Waiting::Request | Waiting::Body => ARRIVES_WITHIN,
        };
        now.saturating_sub(self.since.get()) > patience
    }
}

/// Watches over a connection that was just accepted.
pub fn watch(io: &dyn Any, data: &mut Extensions) {
    let stream = io.downcast_ref::<rt::net::TcpStream>();
    // A second handle, since the library lets nobody else close the first one.
    let Some(Ok(socket)) = stream.map(|stream| stream.as_fd().try_clone_to_owned()) else { return };
    let connection = Rc::new(Connection {
        socket: socket.into(),
        waiting: Cell::new(Waiting::Body),
        since: Cell::new(WORKER.with(|worker| worker.now.get())),
        is_closing: Cell::new(false),
    });
    WORKER.with(|worker| {
        worker.open.borrow_mut().push(Rc::downgrade(&connection));
        if !worker.is_watched.replace(true) {
            rt::spawn(keep_looking());
        }
    });
    data.insert(connection);
}

async fn keep_looking() {
    loop {
        rt::time::sleep(LOOKED_AT_EVERY).await;
        WORKER.with(close_overdue);
    }
}

fn close_overdue(worker: &Worker) {
    let now = worker.started.elapsed().as_secs();
    worker.now.set(now);
    let mut open = worker.open.borrow_mut();
    let many = open.len() > MANY;
    open.retain(|connection| {
        let Some(connection) = connection.upgrade() else { return false };
        let overdue = connection.is_overdue(now, many);
        if overdue {
            connection.close();
        }
        !overdue
    });
}

/// A request's turn on its connection, from its head to its answer.
pub struct Turn(Option<Rc<Connection>>);

impl Turn {
    /// Notes that a request has begun to arrive.
    pub fn begin(request: &Request) -> Self {
        let turn = Self(request.conn_data::<Rc<Connection>>().cloned());
        if let Some(connection) = turn.0.as_ref().filter(|_| !turn.is_too_late()) {
            connection.now_waits(Waiting::Body);
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
            Some(connection) if !is_last => connection.now_waits(Waiting::Request),
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

/// Whether the server is about to stop.
#[derive(Debug, Default)]
pub struct Stopping(AtomicBool);

impl Stopping {
    /// From now on every answer is its connection's last.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was told to stop.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
