//! The address that a request comes from. Anybody can send `X-Forwarded-For`, so
//! it counts only when a trusted proxy sends it, and is read from the right, up
//! to the first address that is not a trusted proxy's (ASVS 4.1.3).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, X_FORWARDED_FOR};
use parking_lot::Mutex;

use crate::networks::Networks;

/// So many addresses are warned about: anybody can send the header.
const MAX_DISTRUSTED: usize = 4;

/// The proxies whose `X-Forwarded-For` counts.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Networks,
    /// Addresses that sent the header and were warned about, though they are not trusted.
    distrusted: Arc<Mutex<Vec<IpAddr>>>,
}

impl TrustedProxies {
    /// Parses addresses and ranges, separated by commas: `127.0.0.1, 10.0.0.0/8`.
    ///
    /// # Errors
    /// Names the part that is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        Networks::parse(text).map(|networks| Self { networks, ..Self::default() })
    }

    /// Whether a proxy that counts is at the other end. A peer without an address came over a
    /// Unix socket, which only those can open whom the rights of its file allow: the proxy.
    fn trusts(&self, peer: Option<SocketAddr>) -> bool {
        peer.is_none_or(|peer| self.networks.contains(peer.ip().to_canonical()))
    }

    /// The client's address, for a request with these headers over a connection
    /// from `peer`. `0.0.0.0` stands for one that nobody has said.
    #[must_use]
    pub fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        let mut client = address_of(peer);
        let mut is_proxy = self.trusts(peer);
        // Most installations trust no proxy: then the header is not even looked up.
        if !is_proxy {
            return client;
        }
        let lines: Vec<&str> = headers.get_all(X_FORWARDED_FOR).map(as_text).collect();
        for part in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            // Trusted proxies write addresses, so the client wrote this and what is left of it.
            let Some(address) = parse_address(part).filter(|_| is_proxy) else { break };
            client = address.to_canonical();
            is_proxy = self.networks.contains(client);
        }
        client
    }

    /// The client's address, where it is known: not when it would be a trusted proxy's own,
    /// which has said nothing of its client then.
    #[must_use]
    pub fn known_client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let client = self.client(peer, headers);
        (!client.is_unspecified() && !self.networks.contains(client)).then_some(client)
    }

    /// The value of a forwarding header, if a trusted proxy sent the request. Where
    /// there are several, the last one is that proxy's own.
    #[must_use]
    pub fn forwarded<'a>(
        &self,
        peer: Option<SocketAddr>,
        headers: &'a HeaderMap,
        name: &HeaderName,
    ) -> Option<&'a str> {
        let line = headers.get_all(name).last().filter(|_| self.trusts(peer))?;
        as_text(line).rsplit(',').next().map(str::trim).filter(|value| !value.is_empty())
    }

    /// The address of a peer that sends `X-Forwarded-For` and is not trusted, the
    /// first time that it is seen.
    #[must_use]
    pub fn newly_distrusted(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let address = address_of(peer);
        if !headers.contains_key(X_FORWARDED_FOR) || self.trusts(peer) {
            return None;
        }
        let mut known = self.distrusted.lock();
        if known.len() >= MAX_DISTRUSTED || known.contains(&address) {
            return None;
        }
        known.push(address);
        Some(address)
    }
}

fn address_of(peer: Option<SocketAddr>) -> IpAddr {
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip()).to_canonical()
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

    fn known(trusted: &str, peer: Option<&str>, forwarded: Option<&'static str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(line) = forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(line));
        }
        let peer = peer.map(|peer| SocketAddr::new(peer.parse().unwrap(), 1));
        TrustedProxies::parse(trusted).unwrap().known_client(peer, &headers).map(|address| address.to_string())
    }

    #[test]
    fn a_proxy_that_says_nothing_of_its_client_leaves_it_unknown() {
        let proxy = Some("10.0.0.1");
        assert_eq!(known("10.0.0.0/8", proxy, Some("1.2.3.4")).as_deref(), Some("1.2.3.4"));
        assert_eq!(known("10.0.0.0/8", Some("1.2.3.4"), None).as_deref(), Some("1.2.3.4"), "no proxy at all");
        for forwarded in [None, Some(""), Some("unknown"), Some("10.0.0.2"), Some("1.2.3.4, unknown")] {
            assert_eq!(known("10.0.0.0/8", proxy, forwarded), None, "{forwarded:?}");
        }
    }

    #[test]
    fn whoever_may_open_the_unix_socket_is_a_trusted_proxy() {
        assert_eq!(known("", None, Some("1.2.3.4")).as_deref(), Some("1.2.3.4"));
        assert_eq!(known("10.0.0.1", None, Some("6.6.6.6, 1.2.3.4, 10.0.0.1")).as_deref(), Some("1.2.3.4"));
        for forwarded in [None, Some(""), Some("unknown")] {
            assert_eq!(known("", None, forwarded), None, "{forwarded:?}");
        }
        assert_eq!(known("", Some("0.0.0.0"), Some("1.2.3.4")), None, "a client that is gone already");
    }

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
    fn other_forwarding_headers_count_from_a_listed_proxy_only_and_its_own_value_does() {
        let name = HeaderName::from_static("x-forwarded-host");
        let mut headers = HeaderMap::new();
        headers.append(name.clone(), HeaderValue::from_static("evil.example, keys.example.com"));
        let proxies = TrustedProxies::parse("10.0.0.1").unwrap();
        let from = |peer: &str| proxies.forwarded(Some(SocketAddr::new(peer.parse().unwrap(), 1)), &headers, &name);
        assert_eq!((from("10.0.0.1"), from("203.0.113.9")), (Some("keys.example.com"), None));
    }

    #[test]
    fn a_proxy_that_is_not_listed_is_noticed_once() {
        let proxies = TrustedProxies::parse("10.0.0.1").unwrap();
        let mut headers = HeaderMap::new();
        let mut noticed = |peer: &str, forwards: bool| {
            headers.clear();
            if forwards {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static("1.2.3.4"));
            }
            proxies.newly_distrusted(Some(SocketAddr::new(peer.parse().unwrap(), 1)), &headers).is_some()
        };
        assert_eq!([noticed("127.0.0.1", false), noticed("10.0.0.1", true)], [false, false]);
        assert_eq!([noticed("127.0.0.1", true), noticed("127.0.0.1", true)], [true, false]);
        assert_eq!((1..100).filter(|i| noticed(&format!("203.0.113.{i}"), true)).count(), MAX_DISTRUSTED - 1);
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
