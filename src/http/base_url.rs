//! The address of this installation as the browser knows it: for commands and
//! snippets that people copy, and for comparing origins.

use std::net::SocketAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderMap, HeaderName};

use super::State;
use super::client_address::TrustedProxies;

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// `--public-url`, or else the host that the browser asked for. People paste the
/// result into command lines and configuration files, so a host with other
/// characters than a host can have is not repeated.
#[must_use]
pub fn base_url(state: &State, request: &HttpRequest) -> String {
    if let Some(url) = &state.public_url {
        return url.to_string();
    }
    let (proxies, peer, headers) = (&state.trusted_proxies, request.peer_addr(), request.headers());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:-[]".contains(c);
    let host = asked_host(proxies, peer, headers);
    let host = host.filter(|host| !host.is_empty() && host.chars().all(is_plain)).unwrap_or("localhost");
    let scheme = if asked_scheme(proxies, peer, headers) == Some("https") { "https" } else { "http" };
    format!("{scheme}://{host}")
}

/// The host and port that the browser asked for: what a trusted proxy says, or else
/// the `Host` header.
#[must_use]
pub fn asked_host<'a>(proxies: &TrustedProxies, peer: Option<SocketAddr>, headers: &'a HeaderMap) -> Option<&'a str> {
    let host = || headers.get(HOST)?.to_str().ok();
    proxies.forwarded(peer, headers, &X_FORWARDED_HOST).or_else(host)
}

/// The scheme by which the browser reached a trusted proxy, if it says.
#[must_use]
pub fn asked_scheme<'a>(proxies: &TrustedProxies, peer: Option<SocketAddr>, headers: &'a HeaderMap) -> Option<&'a str> {
    proxies.forwarded(peer, headers, &X_FORWARDED_PROTO)
}

/// Whether browsers take a host, with or without a port, for this machine's own. They
/// treat such an address like https.
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = |address: std::net::IpAddr| address.is_loopback();
    name == "localhost" || name.ends_with(".localhost") || name.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machines_own_names_are_loopback() {
        for host in ["localhost", "localhost:8080", "keys.localhost", "127.0.0.1:8080", "127.8.8.8", "[::1]:8080"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in ["keyfob.lan:8080", "10.0.0.5", "[2001:db8::1]:80", "localhost.example.com", ""] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
