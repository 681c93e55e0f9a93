//! The HTTP server: binds an address and serves connections. Built from the
//! parts of the HTTP library, since its `HttpServer` owns the sockets, which
//! have to be wrapped here to enforce the time limits.

use std::future::ready;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Request};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Response, Server};
use actix_web::http::KeepAlive;
use actix_web::rt::net::{TcpStream, UnixStream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;
use tokio_util::either::Either;

use super::drain::Drain;
use super::listen_address::{LISTEN_BACKLOG, ListenAddress, bind_unix};
use super::metrics::{ServerMetrics, WorkerMetrics};
use super::request_guard::guarded;
use super::stream::Stream;
use super::sweeper::Sweeper;
use super::timeouts::{LINGER_TIMEOUT, SHUTDOWN_TIMEOUT_SECONDS};

/// A client's socket. One type for both kinds, so that the protocol is compiled once.
type Socket = Either<TcpStream, UnixStream>;

/// Binds `address` and returns the server, which is ready to run, with the
/// address that it got: port 0 asks for a free one. `workers` is the number of
/// threads; `None` means one for each processor. They count in `metrics`.
///
/// # Errors
/// When the address can't be bound.
pub fn listen<S, A>(
    address: &ListenAddress,
    workers: Option<usize>,
    drain: &Arc<Drain>,
    metrics: &Arc<ServerMetrics>,
    site: impl Fn() -> S + Clone + Send + 'static,
) -> io::Result<(Server, ListenAddress)>
where
    S: IntoServiceFactory<A, Request> + 'static,
    A: ServiceFactory<Request, Config = AppConfig, InitError = ()> + 'static,
    A::Error: Into<Response<BoxBody>> + 'static,
    A::Response: Into<Response<BoxBody>> + 'static,
{
    let builder = workers.map_or_else(ServerBuilder::default, |workers| ServerBuilder::default().workers(workers));
    // Signals are handled by `shutdown`.
    let builder = builder.shutdown_timeout(SHUTDOWN_TIMEOUT_SECONDS).disable_signals();
    let (drain, metrics) = (Arc::clone(drain), Arc::clone(metrics));
    // Each is called once in each worker.
    let worker = move || {
        let metrics = metrics.of_worker();
        (Sweeper::start(Arc::clone(&drain), Rc::clone(&metrics)), metrics)
    };
    match address {
        ListenAddress::Tcp(address) => {
            let listener = bind(*address)?;
            let address = ListenAddress::Tcp(listener.local_addr()?);
            let connections = move || {
                let (sweeper, metrics) = worker();
                let accept = move |socket: TcpStream| {
                    let client = prepare(&socket);
                    ready(Ok((Stream::new(Socket::Left(socket), sweeper.watch()), Some(client))))
                };
                fn_service(accept).and_then(http(site(), metrics))
            };
            Ok((builder.listen("http", listener, connections)?.run(), address))
        }
        ListenAddress::Unix(path) => {
            let listener = bind_unix(path)?;
            let connections = move || {
                let (sweeper, metrics) = worker();
                let accept =
                    move |socket: UnixStream| ready(Ok((Stream::new(Socket::Right(socket), sweeper.watch()), None)));
                fn_service(accept).and_then(http(site(), metrics))
            };
            Ok((builder.listen_uds("http", listener, connections)?.run(), address.clone()))
        }
    }
}

/// Prepares a client's socket and gives its address: the unspecified one if the client is gone
/// already, since only a Unix socket's has none.
fn prepare(socket: &TcpStream) -> SocketAddr {
    // A compressed page leaves in several pieces; with Nagle's algorithm the
    // last one would wait for the client's acknowledgement, 40 ms and more.
    let _ = socket.set_nodelay(true);
    socket.peer_addr().unwrap_or_else(|_| (Ipv4Addr::UNSPECIFIED, 0).into())
}

/// HTTP/1 over a watched stream.
pub(super) fn http<T, S, A>(
    site: S,
    metrics: Rc<WorkerMetrics>,
) -> impl ServiceFactory<(Stream<T>, Option<SocketAddr>), Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    S: IntoServiceFactory<A, Request> + 'static,
    A: ServiceFactory<Request, Config = AppConfig, InitError = ()> + 'static,
    A::Error: Into<Response<BoxBody>> + 'static,
    A::Response: Into<Response<BoxBody>> + 'static,
{
    HttpService::build()
        // The sweeper closes slow and idle connections, without a timer for each.
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(LINGER_TIMEOUT)
        .on_connect_ext(|stream: &Stream<T>, data| drop(data.insert(stream.connection())))
        .h1(map_config(guarded(site, metrics), |()| AppConfig::default()))
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Otherwise the port stays taken for a minute after another process was stopped.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(LISTEN_BACKLOG)?.into_std()
}
