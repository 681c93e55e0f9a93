//! For how long a connection to PostgreSQL waits for a server that the network has lost.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::parameters::{UrlParameters, push_setting};

/// What libpq does not set by itself: it would wait for minutes. In seconds;
/// `tcp_user_timeout` in milliseconds. Parameters of the URL take precedence.
const DEFAULTS: [(&str, u32); 5] = [
    ("connect_timeout", 2),
    ("tcp_user_timeout", 3000),
    ("keepalives_idle", 2),
    ("keepalives_interval", 1),
    ("keepalives_count", 2),
];

/// Zero is the system's own limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SocketLimits {
    /// For connecting, with the handshake.
    pub(super) connect: Option<Duration>,
    user_timeout: Option<Duration>,
    is_kept_alive: bool,
    idle: Option<Duration>,
    interval: Option<Duration>,
    count: Option<u32>,
}

impl SocketLimits {
    /// Those of a URL.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn read(parameters: &UrlParameters) -> Result<Self, String> {
        let number = |(name, default): (&str, u32)| -> Result<Option<u32>, String> {
            let given = parameters.get(name).map(str::parse::<i32>).transpose();
            let given = given.map_err(|_| format!("the database URL has a {name} that is no number"))?;
            Ok(given.map_or(Some(default), |number| u32::try_from(number).ok()).filter(|number| *number > 0))
        };
        let [connect, user_timeout, idle, interval, count] = DEFAULTS.map(number);
        let seconds = |number: u32| Duration::from_secs(number.into());
        Ok(Self {
            connect: connect?.map(seconds),
            user_timeout: user_timeout?.map(|number| Duration::from_millis(number.into())),
            is_kept_alive: parameters.get("keepalives") != Some("0"),
            idle: idle?.map(seconds),
            interval: interval?.map(seconds),
            count: count?,
        })
    }

    /// Gives libpq the defaults that the URL leaves open.
    pub(super) fn push_defaults(parameters: &UrlParameters, text: &mut Zeroizing<String>) {
        for (name, value) in DEFAULTS.iter().filter(|(name, _)| parameters.get(name).is_none()) {
            push_setting(text, name, &value.to_string());
        }
    }

    /// Sets them on a connection that libpq does not see.
    ///
    /// # Errors
    /// When the system does not take them.
    pub(super) fn apply(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let socket = SockRef::from(stream);
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(self.user_timeout)?;
        if !self.is_kept_alive {
            return Ok(());
        }
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = self.idle {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = self.interval {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(count) = self.count {
            keepalive = keepalive.with_retries(count);
        }
        socket.set_tcp_keepalive(&keepalive)
    }
}
