//! Keyfob's own cookies. Applications on the same host share one `Cookie` header,
//! and cookies know no ports, so that two installations share their names too.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue};
use actix_web::middleware::Next;

use super::State;
use super::base_path::BasePath;
use super::security_headers::is_https;

/// All names of Keyfob's cookies begin with one of these.
const PREFIXES: [&str; 3] = ["__Host-keyfob", "__Secure-keyfob-", "keyfob-"];

/// The cookie with the id of the session.
#[must_use]
pub fn session_cookie_name(state: &State) -> String {
    named(state, "keyfob")
}

/// The cookie of a browser that somebody logged in from before.
#[must_use]
pub fn browser_cookie_name(state: &State) -> String {
    named(state, "keyfob-browser")
}

/// Behind https no other port has that host name. On plain http, and where other
/// applications share the host, the name carries something of the installation. Browsers take
/// a `__Host-` cookie for the whole host only, and a `__Secure-` one by https only.
fn named(state: &State, name: &str) -> String {
    match (is_https(state), state.base_path()) {
        (true, None) => format!("__Host-{name}"),
        (true, Some(_)) => format!("__Secure-{name}-{}", state.cookie_key.fingerprint()),
        (false, _) => format!("{name}-{}", state.cookie_key.fingerprint()),
    }
}

/// Where browsers send the cookies: to this installation and none of its neighbours.
#[must_use]
pub fn cookie_path(state: &State) -> String {
    format!("{}/", state.base_path().map_or("", BasePath::as_str))
}

/// Leaves out the cookies of other applications: the HTTP library reads all of them
/// or, when one is not UTF-8, none.
pub async fn own_cookies_only<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    if request.headers().contains_key(COOKIE) {
        let own = own_cookies(request.headers());
        let headers = request.headers_mut();
        headers.remove(COOKIE);
        if let Ok(own) = HeaderValue::from_str(&own)
            && !own.is_empty()
        {
            headers.insert(COOKIE, own);
        }
    }
    next.call(request).await
}

fn own_cookies(headers: &HeaderMap) -> String {
    let pairs = headers.get_all(COOKIE).flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let pairs = pairs.filter_map(|pair| std::str::from_utf8(pair).ok()).map(str::trim);
    let own = pairs.filter(|pair| pair.is_ascii() && PREFIXES.iter().any(|prefix| pair.starts_with(prefix)));
    own.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbours_cookies_are_passed_over_whatever_they_hold() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_bytes(b"lang=\xe9; keyfob-12ab=one;theme=dark").unwrap());
        headers.append(COOKIE, HeaderValue::from_static("keyfobia=x; __Host-keyfob=two"));
        headers.append(COOKIE, HeaderValue::from_static("__Secure-other=x; __Secure-keyfob-12ab=three"));

        assert_eq!(own_cookies(&headers), "keyfob-12ab=one; __Host-keyfob=two; __Secure-keyfob-12ab=three");
    }
}
