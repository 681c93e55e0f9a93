//! Accompanies every request from its head to its response, whatever the route:
//! tells the connection which side keeps the other one waiting, and closes it
//! after its last response; and counts it.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_http::Request;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, apply_fn_factory};
use actix_web::HttpMessage;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Payload, Response, ResponseHead};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::rt;
use actix_web::web::Bytes;
use futures_util::Stream;

use super::connection::Connection;
use super::metrics::{RequestCount, WorkerMetrics};
use super::timeouts::FLUSH_TIMEOUT;

/// `site` with a guard around every request.
pub(super) fn guarded<S, A>(
    site: S,
    metrics: Rc<WorkerMetrics>,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = Response<BoxBody>,
    Error = A::Error,
    InitError = (),
    Service: Service<Request, Response = Response<BoxBody>, Error = A::Error, Future: 'static>,
>
where
    S: IntoServiceFactory<A, Request> + 'static,
    A: ServiceFactory<Request, Config = AppConfig, InitError = ()> + 'static,
    A::Error: Into<Response<BoxBody>> + 'static,
    A::Response: Into<Response<BoxBody>> + 'static,
{
    apply_fn_factory(site, move |mut request: Request, routes: &A::Service| {
        let guard = RequestGuard::begin(&mut request, &metrics);
        let routed = (!guard.is_too_late()).then(|| routes.call(request));
        async move {
            let Some(routed) = routed else { return Ok(guard.close_unanswered().await) };
            let mut response = routed.await.map_or_else(Into::into, Into::into);
            guard.finish(response.head_mut());
            Ok(response)
        }
    })
}

struct RequestGuard {
    connection: Option<Rc<Connection>>,
    client_closes: bool,
    count: RequestCount,
}

impl RequestGuard {
    fn begin(request: &mut Request, metrics: &Rc<WorkerMetrics>) -> Self {
        let count = metrics.begin(request.path());
        ignore_upgrade(request);
        let connection = request.conn_data::<Rc<Connection>>().cloned();
        if let Some(connection) = connection.as_ref().filter(|connection| !connection.is_closing()) {
            let has_body = !matches!(request.payload(), Payload::None);
            connection.received_head(has_body);
            if has_body {
                let body = RequestBody { payload: request.take_payload(), connection: Rc::clone(connection) };
                *request.payload() = Payload::Stream { payload: Box::pin(body) };
            }
        }
        // An upgrade to another protocol is never taken, so it ends like a close.
        let client_closes = request.head().connection_type() != ConnectionType::KeepAlive;
        Self { connection, client_closes, count }
    }

    /// Whether the request was pipelined behind the connection's last response.
    fn is_too_late(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.is_closing())
    }

    /// The HTTP library has the request already and wants a response, which must
    /// not be sent: the connection ends once the response before it was flushed.
    async fn close_unanswered(&self) -> Response<BoxBody> {
        rt::time::sleep(FLUSH_TIMEOUT).await;
        if let Some(connection) = &self.connection {
            connection.close();
        }
        Response::new(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Notes and counts the response, and marks it if it is the connection's last one.
    fn finish(self, response: &mut ResponseHead) {
        let closes = self.client_closes || response.connection_type() == ConnectionType::Close;
        if self.connection.is_none_or(|connection| connection.responded(closes)) {
            response.set_connection_type(ConnectionType::Close);
        }
        self.count.answered(response.status);
    }
}

/// Ignores the wish for another protocol (RFC 9110 §7.8). The HTTP library takes all
/// that follows for the body, which a handler would wait for.
fn ignore_upgrade(request: &mut Request) {
    let has_body = |name| request.headers().contains_key(name);
    if request.head().upgrade() && !has_body(CONTENT_LENGTH) && !has_body(TRANSFER_ENCODING) {
        drop(request.take_payload());
    }
}

/// The body of a request. The client's time runs only while the handler waits
/// for it: once the body has arrived, the handler may wait for the database for
/// longer than a client may take to send.
struct RequestBody {
    payload: Payload,
    connection: Rc<Connection>,
}

impl Stream for RequestBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.payload).poll_next(cx);
        match &polled {
            Poll::Pending => self.connection.awaits_body(),
            Poll::Ready(part) => self.connection.received_body(part.is_none()),
        }
        polled
    }
}
