//! Protects against cross-site request forgery (ASVS 3.5.1). Browsers say which
//! site a request comes from, so that forms need no token.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{COOKIE, HeaderMap, HeaderName, ORIGIN};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::State;
use super::base_url::{asked_host, asked_scheme};
use super::public_url::PublicUrl;
use crate::error::Error;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets safe methods and same-origin writes through.
pub async fn same_origin_writes(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if request.method().is_safe() || is_same_origin(&request) {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    Ok(request.error_response(Error::CrossSite))
}

/// The same for forms of pages with `Referrer-Policy: no-referrer`: without `Sec-Fetch-Site`,
/// which browsers leave out on plain http under a LAN name, they say `Origin: null`, as any
/// page can make them do. So the token in the address is all that such a route may go by.
pub async fn same_origin_writes_without_referrer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let headers = request.headers();
    let is_silent = !headers.contains_key(SEC_FETCH_SITE) && headers.get(ORIGIN).is_none_or(|origin| origin == "null");
    if is_silent || request.method().is_safe() || is_same_origin(&request) {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    Ok(request.error_response(Error::CrossSite))
}

fn is_same_origin(request: &ServiceRequest) -> bool {
    let (peer, headers) = (request.peer_addr(), request.headers());
    let state = request.app_data::<Data<State>>();
    let asked = AskedOrigin {
        host: state.and_then(|state| asked_host(&state.trusted_proxies, peer, headers)),
        scheme: state.and_then(|state| asked_scheme(&state.trusted_proxies, peer, headers)),
        public_origin: state.and_then(|state| state.public_url.as_ref()).map(PublicUrl::origin),
        // It refuses such a page itself, and says which one to open.
        is_login: matches!(request.path(), "/login" | "/setup"),
    };
    asked.is_origin_of(headers)
}

/// What is known of the origin that the browser asked for.
struct AskedOrigin<'a> {
    host: Option<&'a str>,
    scheme: Option<&'a str>,
    public_origin: Option<&'a str>,
    is_login: bool,
}

impl AskedOrigin<'_> {
    fn is_origin_of(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
        match (text(SEC_FETCH_SITE), text(ORIGIN)) {
            // "none": the user's own doing, such as a reload.
            (Some(site), _) => site == "same-origin" || site == "none",
            // Browsers leave Sec-Fetch-Site out on plain http under a LAN name.
            (None, Some(origin)) => self.is(origin),
            // No current browser; an old one that is logged in would send its cookie.
            (None, None) => !headers.contains_key(COOKIE),
        }
    }

    fn is(&self, origin: &str) -> bool {
        if self.public_origin == Some(origin) {
            return true;
        }
        let Some((scheme, host)) = origin.split_once("://") else { return false };
        let public = self.public_origin.and_then(|url| url.split_once("://"));
        // A page that came over http may be anybody's on the way, even under the right name.
        let expected = self.scheme.or_else(|| public.filter(|(_, name)| *name == host).map(|(scheme, _)| scheme));
        Some(host) == self.host && (self.is_login || expected.is_none_or(|expected| expected == scheme))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn allowed(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect::<HeaderMap>();
        let asked = AskedOrigin {
            host: headers.get("host").and_then(|host| host.to_str().ok()),
            scheme: None,
            public_origin: Some("https://keys.example.com"),
            is_login: false,
        };
        asked.is_origin_of(&headers)
    }

    #[test]
    fn a_page_under_the_right_name_that_came_over_http_is_refused() {
        let headers = [("origin", "http://keys.example.com"), ("host", "keys.example.com")];
        assert!(!allowed(&headers));
        assert!(allowed(&[("origin", "https://keys.example.com"), ("host", "keys.example.com")]));
        let asked = |scheme| AskedOrigin { host: Some("keys.lan"), scheme, public_origin: None, is_login: false };
        assert!(asked(Some("https")).is("https://keys.lan") && asked(None).is("http://keys.lan"));
        assert!(!asked(Some("https")).is("http://keys.lan"));
        assert!(AskedOrigin { is_login: true, ..asked(Some("https")) }.is("http://keys.lan"));
    }

    #[test]
    fn a_browser_that_names_the_same_origin_is_let_through() {
        assert!(allowed(&[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8080")]));
        assert!(allowed(&[("sec-fetch-site", "none")]));
        assert!(allowed(&[("origin", "http://keyfob.lan:8080"), ("host", "keyfob.lan:8080")]));
        assert!(allowed(&[("origin", "https://keys.example.com"), ("host", "10.0.0.5:8080")]));
    }

    #[test]
    fn another_site_is_refused_even_a_neighbour() {
        for site in ["cross-site", "same-site", "nonsense", ""] {
            assert!(!allowed(&[("sec-fetch-site", site), ("origin", "https://keys.example.com")]), "{site}");
        }
        for origin in
            ["https://evil.example", "null", "", "https://keys.example.com.evil.example", "http://keys.example.com"]
        {
            assert!(!allowed(&[("origin", origin), ("host", "10.0.0.5:8080")]), "{origin}");
        }
    }

    #[test]
    fn a_client_that_is_no_browser_is_let_through_unless_it_sends_a_cookie() {
        assert!(allowed(&[("host", "127.0.0.1:8080")]));
        assert!(!allowed(&[("host", "127.0.0.1:8080"), ("cookie", "keyfob=stolen")]));
    }
}
