//! Protects against cross-site request forgery (ASVS 3.5.1). Browsers say which
//! site a request comes from, so that forms need no token.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{COOKIE, HOST, HeaderMap, HeaderName, ORIGIN};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::State;
use crate::error::Error;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets safe methods and same-origin writes through.
pub async fn same_origin_writes(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let public_url = request.app_data::<Data<State>>().and_then(|state| state.public_url.clone());
    if request.method().is_safe() || is_same_origin(request.headers(), public_url.as_deref()) {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    Ok(request.error_response(Error::CrossSite))
}

fn is_same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    match (text(SEC_FETCH_SITE), text(ORIGIN)) {
        // "none": the user's own doing, such as a reload.
        (Some(site), _) => site == "same-origin" || site == "none",
        // Browsers leave Sec-Fetch-Site out on plain http under a LAN name.
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(HOST) || public_url.is_some_and(|url| url == origin)
        }
        // No current browser; an old one that is logged in would send its cookie.
        (None, None) => !headers.contains_key(COOKIE),
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
        is_same_origin(&headers, Some("https://keys.example.com"))
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
