//! DNS resolution with a check of each address before the connection. The client
//! connects to the addresses that were checked, so a name that resolves to a private
//! address a moment later (DNS rebinding) gains nothing.

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

/// The most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 8;

type Find = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// A function that resolves host names; tests replace it.
#[derive(Clone)]
pub struct LookUp(Arc<Find>);

impl LookUp {
    /// Resolves with `find`.
    pub fn with(find: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }
}

impl Default for LookUp {
    /// Resolves with the system's resolver.
    fn default() -> Self {
        Self::with(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }
}

impl fmt::Debug for LookUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LookUp(..)")
    }
}

/// The name resolves to an address that is private and not allowed.
#[derive(Debug, thiserror::Error)]
#[error("{0} is private")]
pub(super) struct ForbiddenAddress(IpAddr);

/// Resolves names to addresses that callbacks may go to.
#[derive(Debug)]
pub(super) struct CheckedResolver {
    pub(super) allowed: Networks,
    pub(super) look_up: LookUp,
}

impl CheckedResolver {
    fn addresses(&self, host: &str, timeout: NextTimeout) -> Result<Vec<IpAddr>, ureq::Error> {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        if let Ok(address) = literal {
            return Ok(vec![address]);
        }
        // In a thread, since the system's resolver has no timeout.
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

impl Resolver for CheckedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(default));
        let addresses = self.addresses(host, timeout)?;
        // One forbidden address makes the whole name suspicious.
        if let Some(private) = addresses.iter().find(|address| !callback::is_allowed(**address, &self.allowed)) {
            return Err(ureq::Error::Other(Box::new(ForbiddenAddress(*private))));
        }
        let mut resolved = self.empty();
        addresses.into_iter().take(MAX_ADDRESSES).for_each(|address| resolved.push(SocketAddr::new(address, port)));
        if resolved.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(resolved) }
    }
}
