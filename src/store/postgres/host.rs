//! The servers that a PostgreSQL URL names.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use super::parameters::UrlParameters;

/// Where PostgreSQL listens unless somebody changes it.
const DEFAULT_PORT: u16 = 5432;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DatabaseHost {
    /// Its name or address, or the folder of its socket; empty for libpq's own folder.
    pub(super) name: String,
    /// Where it is, if the URL says that beside its name.
    address: Option<IpAddr>,
    pub(super) port: u16,
}

impl DatabaseHost {
    /// Those of a URL, in its order.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn list(parameters: &UrlParameters) -> Result<Vec<Self>, String> {
        let names = split(parameters.get("host"));
        let addresses = split(parameters.get("hostaddr"));
        let ports = split(parameters.get("port"));
        let count = names.len().max(addresses.len()).max(1);
        if [names.len(), addresses.len()].into_iter().any(|length| length != 0 && length != count) {
            return Err("the database URL does not have as many addresses (hostaddr) as hosts".to_owned());
        }
        if ports.len() > 1 && ports.len() != count {
            return Err("the database URL does not have as many ports as hosts".to_owned());
        }
        let host = |index: usize| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or_default();
            Ok(Self {
                name: names.get(index).copied().unwrap_or_default().to_owned(),
                address: addresses.get(index).map(|text| parse_address(text)).transpose()?,
                port: parse_port(port)?,
            })
        };
        (0..count).map(host).collect()
    }

    /// Whether it is reached over a socket of this machine, which needs no TLS.
    pub(super) fn is_local_socket(&self) -> bool {
        self.address.is_none() && (self.name.is_empty() || self.name.starts_with(['/', '@']))
    }

    /// Its addresses, in the order in which they are to be tried.
    ///
    /// # Errors
    /// In libpq's words, when the name is not known.
    pub(super) fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        if let Some(address) = self.address {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let found = (&*self.name, self.port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let problem = match found {
            Ok(found) if !found.is_empty() => return Ok(found),
            Ok(_) => "it has no address".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(format!("could not translate host name \"{}\" to address: {problem}", self.name))
    }
}

/// As people call it.
impl fmt::Display for DatabaseHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) if self.name.is_empty() => address.fmt(f),
            _ if self.name.is_empty() => f.write_str("the local socket"),
            _ => f.write_str(&self.name),
        }
    }
}

fn split(list: Option<&str>) -> Vec<&str> {
    list.map(|list| list.split(',').collect()).unwrap_or_default()
}

fn parse_address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "the database URL has a hostaddr that is no IP address".to_owned())
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text {
        "" => Ok(DEFAULT_PORT),
        _ => text
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| "the database URL has a port that is none".to_owned()),
    }
}
