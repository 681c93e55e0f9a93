//! The HTTP server: binds an address and serves connections. Built from the
//! parts of the HTTP library, since its `HttpServer` owns the sockets, which
//! have to be wrapped here to enforce the time limits.

use std::future::ready;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
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
use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;

use super::drain::Drain;
use super::metrics::{ServerMetrics, WorkerMetrics};
use super::request_guard::guarded;
use super::stream::Stream;
use super::sweeper::Sweeper;
use super::timeouts::{LINGER_TIMEOUT, SHUTDOWN_TIMEOUT_SECONDS};

/// How many connections the kernel holds until they are accepted.
const LISTEN_BACKLOG: u32 = 1_024;

/// Binds `address` and returns the server, which is ready to run, with the
/// address that it got: port 0 asks for a free one. `workers` is the number of
/// threads; `None` means one for each processor. They count in `metrics`.
///
/// # Errors
/// When the address can't be bound.
pub fn listen<S, A>(
    address: SocketAddr,
    workers: Option<usize>,
    drain: &Arc<Drain>,
    metrics: &Arc<ServerMetrics>,
    site: impl Fn() -> S + Clone + Send + 'static,
) -> io::Result<(Server, SocketAddr)>
where
    S: IntoServiceFactory<A, Request> + 'static,
    A: ServiceFactory<Request, Config = AppConfig, InitError = ()> + 'static,
    A::Error: Into<Response<BoxBody>> + 'static,
    A::Response: Into<Response<BoxBody>> + 'static,
{
    let listener = bind(address)?;
    let address = listener.local_addr()?;
    let (drain, metrics) = (Arc::clone(drain), Arc::clone(metrics));
    // Called once in each worker.
    let connections = move || {
        let metrics = metrics.of_worker();
        let sweeper = Sweeper::start(Arc::clone(&drain), Rc::clone(&metrics));
        let accept = move |socket: TcpStream| {
            // A compressed page leaves in several pieces; with Nagle's algorithm the
            // last one would wait for the client's acknowledgement, 40 ms and more.
            let _ = socket.set_nodelay(true);
            let client = socket.peer_addr().ok();
            ready(Ok((Stream::new(socket, sweeper.watch()), client)))
        };
        fn_service(accept).and_then(http(site(), metrics))
    };
    let builder = workers.map_or_else(ServerBuilder::default, |workers| ServerBuilder::default().workers(workers));
    // Signals are handled by `shutdown`.
    let builder = builder.shutdown_timeout(SHUTDOWN_TIMEOUT_SECONDS).disable_signals();
    Ok((builder.listen("http", listener, connections)?.run(), address))
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

/// Why an address can't be bound, in one sentence that says what to change.
#[must_use]
pub fn explain(flag: &str, address: SocketAddr, error: &io::Error) -> String {
    let (ip, port) = (address.ip(), address.port());
    let other_port = if ip.is_ipv6() { format!("{flag} [{ip}]:PORT") } else { format!("{flag} {ip}:PORT") };
    match error.kind() {
        ErrorKind::AddrInUse => {
            format!("port {port} is in use; stop what uses it, or choose another one with {other_port}")
        }
        ErrorKind::PermissionDenied => {
            format!("port {port} needs more rights; choose one above 1023 with {other_port}")
        }
        ErrorKind::AddrNotAvailable => {
            format!("this machine has no address {ip}; choose another one with {flag} (0.0.0.0 for all)")
        }
        _ => format!("can't listen on {address}: {error}; choose another address with {flag}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_port_can_be_chosen_as_it_is_written_there() {
        for (address, written) in [("127.0.0.1:80", "--listen 127.0.0.1:PORT"), ("[::1]:80", "--listen [::1]:PORT")] {
            for kind in [ErrorKind::AddrInUse, ErrorKind::PermissionDenied] {
                let sentence = explain("--listen", address.parse().unwrap(), &kind.into());
                assert!(sentence.ends_with(written), "{sentence}");
            }
        }
    }
}
