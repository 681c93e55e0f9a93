//! Tells the service manager how the server is (`sd_notify` of systemd): that it takes
//! requests, that it stops, and that it is alive. Where `NOTIFY_SOCKET` is not set, nobody
//! wants to know.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tokio::time::sleep;

/// The server takes requests at `url` from now on.
pub fn ready(url: &str) {
    tell(&format!("READY=1\nSTATUS=Ready at {url}\n"));
}

/// The server was told to stop, and finishes what it has begun.
pub fn stopping() {
    tell("STOPPING=1\nSTATUS=Stopping: requests in progress may finish\n");
}

/// Says that the process is alive, twice in each `WatchdogSec=` of its unit; a process that
/// falls silent is started anew. Ends at once if there is no such setting.
pub async fn feed_watchdog() {
    if let Some(interval) = watchdog_interval() {
        loop {
            tell("WATCHDOG=1\n");
            sleep(interval / 2).await;
        }
    }
}

/// `WATCHDOG_PID` names the process that is meant, since children inherit the environment.
fn watchdog_interval() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    let is_meant = number("WATCHDOG_PID").is_none_or(|process| process == u64::from(std::process::id()));
    number("WATCHDOG_USEC").filter(|micros| is_meant && *micros > 0).map(Duration::from_micros)
}

fn tell(state: &str) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return };
    let send = |address| {
        let datagram = UnixDatagram::unbound()?;
        // A manager that reads nothing for a while must not stop the server.
        datagram.set_nonblocking(true)?;
        datagram.send_to_addr(state.as_bytes(), &address)
    };
    let sent = address(&socket).and_then(send);
    if let Err(error) = sent {
        tracing::warn!(%error, "the service manager at NOTIFY_SOCKET can't be told how the server is");
    }
}

/// A path or, with `@` in front, a name that is in no file system.
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.as_bytes().strip_prefix(b"@") {
        return <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name);
    }
    SocketAddr::from_pathname(OsStr::from_bytes(socket.as_bytes()))
}
