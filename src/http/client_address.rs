//! The address that a request comes from. Anybody can send `X-Forwarded-For`, so
//! it counts only when a trusted proxy sends it, and is read from the right, up
//! to the first address that is not a trusted proxy's (ASVS 4.1.3).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderValue, X_FORWARDED_FOR};

use crate::networks::Networks;

/// The proxies whose `X-Forwarded-For` counts.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Networks);

impl TrustedProxies {
    /// Parses addresses and ranges, separated by commas: `127.0.0.1, 10.0.0.0/8`.
    ///
    /// # Errors
    /// Names the part that is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        Networks::parse(text).map(Self)
    }

    /// The client's address, for a request with these headers over a connection
    /// from `peer`.
    #[must_use]
    pub fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip()).to_canonical();
        // Most installations trust no proxy: then the header is not even looked up.
        if !self.0.contains(client) {
            return client;
        }
        let lines: Vec<&str> = headers.get_all(X_FORWARDED_FOR).map(as_text).collect();
        for part in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            if !self.0.contains(client) {
                break;
            }
            // Trusted proxies write addresses, so the client wrote this and what is left of it.
            let Some(address) = parse_address(part) else { break };
            client = address.to_canonical();
        }
        client
    }
}

/// A line that is not ASCII holds no address.
fn as_text(line: &HeaderValue) -> &str {
    line.to_str().unwrap_or_default()
}

/// Parses an address that some proxies write with a port.
fn parse_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    fn client(trusted: &str, peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(line));
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        TrustedProxies::parse(trusted).unwrap().client(Some(peer), &headers).to_string()
    }

    #[test]
    fn anybody_may_write_the_header_but_only_a_listed_proxy_is_believed() {
        assert_eq!(client("", "203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", "203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", "10.0.0.1", &["1.2.3.4"]), "1.2.3.4");
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_of_ours_counts() {
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]), "1.2.3.4");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["6.6.6.6", "1.2.3.4", "10.0.0.2"]), "1.2.3.4");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn what_is_no_address_ends_the_walk() {
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["1.2.3.4, nonsense, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client("10.0.0.1", "10.0.0.1", &[""]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn ports_and_both_families_are_understood() {
        assert_eq!(client("10.0.0.1,::1", "::1", &["1.2.3.4:5678"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", "::ffff:10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
    }
}
