//! Names to addresses, each of which is held against the rules before anything
//! connects to it. What is connected to is what was checked: a name that leads
//! elsewhere a moment later changes nothing.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::sync::{Arc, mpsc::RecvTimeoutError};

use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::domain::callback;
use crate::networks::Networks;

/// How many addresses of a name are tried at most.
const MOST: usize = 8;

type Find = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// How names are looked up.
#[derive(Clone)]
pub struct LookUp(Arc<Find>);

impl LookUp {
    /// With a function that gives a name's addresses.
    pub fn with(find: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }
}

impl Default for LookUp {
    /// As the system does.
    fn default() -> Self {
        Self::with(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }
}

impl fmt::Debug for LookUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LookUp(..)")
    }
}

/// An address of the name may not be called.
#[derive(Debug, thiserror::Error)]
#[error("{0} is private")]
pub(super) struct Forbidden(IpAddr);

/// Gives addresses that may be called, or none.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) allowed: Networks,
    pub(super) look_up: LookUp,
}

impl Checked {
    fn addresses(&self, host: &str, timeout: NextTimeout) -> Result<Vec<IpAddr>, ureq::Error> {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        if let Ok(address) = literal {
            return Ok(vec![address]);
        }
        // The system's resolver has no time limit of its own.
        let (found, wait) = mpsc::sync_channel(1);
        let (look_up, host) = (self.look_up.clone(), host.to_owned());
        std::thread::spawn(move || found.send((look_up.0)(&host)));
        match wait.recv_timeout(*timeout.after) {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(ureq::Error::HostNotFound),
            Err(RecvTimeoutError::Timeout) => Err(ureq::Error::Timeout(timeout.reason)),
        }
    }
}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(default));
        let addresses = self.addresses(host, timeout)?;
        // One that is not allowed speaks against all of them.
        if let Some(private) = addresses.iter().find(|address| !callback::is_allowed(**address, &self.allowed)) {
            return Err(ureq::Error::Other(Box::new(Forbidden(*private))));
        }
        let mut resolved = self.empty();
        addresses.into_iter().take(MOST).for_each(|address| resolved.push(SocketAddr::new(address, port)));
        if resolved.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(resolved) }
    }
}
