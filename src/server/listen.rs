//! The HTTP server: where it listens, and how it takes connections. Put
//! together from the parts of the HTTP library: its `HttpServer` keeps the
//! sockets, which `connections` watches over, to itself, and has every request
//! look at one lock of all connections.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, Request};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Response, Server};
use actix_web::http::KeepAlive;
use actix_web::rt::net::TcpStream;
use tokio::net::TcpSocket;

use super::drain::Stopping;
use super::stream::Stream;

/// How long a client is listened to that was answered before it had sent all.
const BODY_IS_DROPPED_FOR: Duration = Duration::from_secs(1);
/// How long what is in flight may take to end when the server stops, in seconds.
const STOP_SECONDS: u64 = 4;
/// Connections that wait to be taken.
const BACKLOG: u32 = 1_024;

/// A server of one site that is ready to run, and where it listens: with the
/// port it got, where 0 was asked for. `workers` are threads, one for each
/// processor unless it is said.
///
/// # Errors
/// When it can't listen there.
pub fn listen<S, A>(
    address: SocketAddr,
    workers: Option<usize>,
    stopping: &Arc<Stopping>,
    site: impl Fn() -> S + Clone + Send + 'static,
) -> io::Result<(Server, SocketAddr)>
where
    S: IntoServiceFactory<A, Request>,
    A: ServiceFactory<Request, Config = AppConfig, InitError = ()> + 'static,
    A::Error: Into<Response<BoxBody>> + 'static,
    A::Response: Into<Response<BoxBody>> + 'static,
{
    let listener = bind(address)?;
    let address = listener.local_addr()?;
    let stopping = Arc::clone(stopping);
    let connections = move || {
        let stopping = Arc::clone(&stopping);
        let accept = move |socket: TcpStream| {
            let connection = Stream::accept(socket, &stopping);
            async move { Ok(connection) }
        };
        let http = HttpService::build()
            // Slow and idle clients are for `connections`, which needs no timer for each of them.
            .keep_alive(KeepAlive::Os)
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(BODY_IS_DROPPED_FOR)
            .on_connect_ext(|stream: &Stream, data| drop(data.insert(stream.connection())))
            .h1(map_config(site(), |()| AppConfig::default()));
        fn_service(accept).and_then(http)
    };
    let builder = workers.map_or_else(ServerBuilder::default, |workers| ServerBuilder::default().workers(workers));
    // Signals are for `shutdown`.
    let builder = builder.shutdown_timeout(STOP_SECONDS).disable_signals();
    Ok((builder.listen("http", listener, connections)?.run(), address))
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?; // a new process takes the place of one that was just stopped
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Why it can't listen there, in one sentence that says what to change.
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
