//! Relays between libpq and TLS connections to database servers. All run on one thread of
//! their own: what calls libpq blocks, and is on no thread that the web server has.
//!
//! Each connection has a socket of its own in the kernel's abstract namespace, which is no
//! file. It is made once the server has answered, takes one connection, and only of this
//! process: the kernel says who is at the other end.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener};
use std::sync::LazyLock;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use std::{io, process, thread};

use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::runtime::{Builder, Handle};
use tokio_rustls::client::TlsStream;

use super::dial::{Dial, DialFailure};
use super::startup::relay_startup;
use crate::random;

/// What one record of TLS holds.
const BUFFER: usize = 16 * 1024;
/// libpq connects at once, or the caller has given up.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Begins the names of all relays.
pub(super) const PLACE: &str = "@keyfob-";

static RUNTIME: LazyLock<Result<Handle, String>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let handle = runtime.handle().clone();
    let thread = thread::Builder::new().name("keyfob-tls".to_owned());
    let started = thread.spawn(move || runtime.block_on(std::future::pending::<()>()));
    started.map(|_| handle).map_err(|error| error.to_string())
});

/// Connects with TLS, and returns the place at which a relay waits for libpq.
pub(super) fn open(dial: Dial) -> Result<String, DialFailure> {
    let no_thread = |problem: &str| DialFailure::Unreachable(format!("TLS needs a thread, but {problem}"));
    let runtime = RUNTIME.as_ref().map_err(|problem| no_thread(problem))?;
    let (answer, answered) = sync_channel(1);
    runtime.spawn(async move {
        let opened = match dial.connect().await {
            Ok(server) => wait_for_libpq(server, dial.host.port)
                .map_err(|error| DialFailure::Unreachable(format!("no socket can be made for TLS: {error}"))),
            Err(failure) => Err(failure),
        };
        // It fails when nobody waits any more.
        drop(answer.send(opened));
    });
    answered.recv().map_err(|_| no_thread("it has ended"))?
}

/// Takes one connection of this process, and relays it until one side ends it.
fn wait_for_libpq(mut server: TlsStream<TcpStream>, port: u16) -> io::Result<String> {
    let name = random::hex::<16>().map_err(io::Error::other)?;
    let place = format!("{PLACE}{name}");
    // What libpq makes of a host that begins with @, and a port.
    let address = SocketAddr::from_abstract_name(format!("{}/.s.PGSQL.{port}", &place[1..]))?;
    let listener = StdListener::bind_addr(&address)?;
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    tokio::spawn(async move {
        let call = tokio::time::timeout(CALL_TIMEOUT, accept_own(&listener)).await;
        drop(listener);
        if let Ok(Ok(mut libpq)) = call {
            let relayed = async {
                relay_startup(&mut libpq, &mut server).await?;
                copy_bidirectional_with_sizes(&mut libpq, &mut server, BUFFER, BUFFER).await
            };
            // Either side notices by itself that the other one is gone.
            drop(relayed.await);
        }
    });
    Ok(place)
}

/// Connections of other processes are closed: whoever guesses a name would talk to the server
/// over a connection that Keyfob's certificate may have opened.
async fn accept_own(listener: &UnixListener) -> io::Result<UnixStream> {
    loop {
        let (stream, _) = listener.accept().await?;
        let caller = stream.peer_cred()?.pid();
        if caller.and_then(|pid| u32::try_from(pid).ok()) == Some(process::id()) {
            return Ok(stream);
        }
    }
}
