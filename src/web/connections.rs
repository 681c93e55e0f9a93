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

use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, Payload, ResponseHead, ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::rt;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use futures_util::future::{LocalBoxFuture, ready};

use super::State;
use super::errors::{ApiError, DOOR};
use crate::error::Error;

/// How long a request may take to arrive, in whole seconds: with the one that
/// has begun, and the time until the next look, it is closed within ten.
const ARRIVES_WITHIN: u64 = 8;
/// How long a connection is kept for the next request, in seconds: longer than
/// the minute of common proxies, so that it is they who close it, and none of
/// them sends a request into a connection that is being closed.
const KEPT_FOR: u64 = 75;
/// The names and values of a request's headers, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;
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

    /// Makes this answer the connection's last one.
    fn end_with(&self, answer: &mut ResponseHead) {
        self.is_closing.set(true);
        answer.set_connection_type(ConnectionType::Close);
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

/// Notes that a request has begun to arrive, and refuses one whose head alone
/// is too much, and one behind its connection's last answer.
///
/// # Errors
/// The refusal.
pub fn request_begins(request: ServiceRequest) -> Result<ServiceRequest, LocalBoxFuture<'static, ServiceResponse>> {
    let connection = request.conn_data::<Rc<Connection>>();
    if let Some(connection) = connection.filter(|connection| connection.is_closing.get()) {
        let connection = Rc::clone(connection);
        return Err(Box::pin(never_answer(connection, request)));
    }
    if let Some(connection) = connection {
        connection.now_waits(Waiting::Body);
    }
    match refusal(&request) {
        None => Ok(request),
        Some(mut refusal) => {
            connection.inspect(|connection| connection.end_with(refusal.head_mut()));
            Err(Box::pin(ready(request.into_response(refusal))))
        }
    }
}

/// A request that was sent in one breath with the one before is in the hands
/// of the library already. It gets no answer: the connection ends as soon as
/// the answer before has left.
async fn never_answer(connection: Rc<Connection>, request: ServiceRequest) -> ServiceResponse {
    rt::time::sleep(LAST_ANSWER_LEAVES_WITHIN).await;
    connection.close();
    request.into_response(HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE))
}

fn refusal(request: &ServiceRequest) -> Option<HttpResponse> {
    let refuse = |error| Some(ApiError::of_request(error, request.request()).error_response());
    let mut length = 0;
    for (name, value) in request.headers() {
        if name == CONTENT_ENCODING && is_body_read(request) {
            return refuse(Error::UnsupportedMediaType);
        }
        length += name.as_str().len() + value.len();
    }
    if length > LONGEST_HEAD { refuse(Error::HeadTooLarge) } else { None }
}

/// A packed body may be a thousand times as long as it looks, so none is taken.
/// At a proxy's door the header is the client's, and its body stays with the
/// proxy.
fn is_body_read(request: &ServiceRequest) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD) && request.path() != DOOR
}

/// Notes that a request is answered, and says so when it was the connection's last.
pub fn request_ends<B>(response: &mut ServiceResponse<B>) {
    let request = response.request();
    let is_stopping = request.app_data::<Data<State>>().is_some_and(|state| state.stopping.has_begun());
    match request.conn_data::<Rc<Connection>>() {
        Some(connection) if is_stopping => {
            let connection = Rc::clone(connection);
            connection.end_with(response.response_mut().head_mut());
        }
        Some(connection) => connection.now_waits(Waiting::Request),
        // Nobody watches over it.
        None => response.response_mut().head_mut().set_connection_type(ConnectionType::Close),
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
            body_is_in(request.request());
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

/// Notes that all of a request is there, for those that may wait for the
/// database longer than their client may keep the server waiting.
pub fn body_is_in(request: &HttpRequest) {
    if let Some(connection) = request.conn_data::<Rc<Connection>>() {
        connection.now_waits(Waiting::Server);
    }
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
