//! Security headers for every response.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::State;
use super::base_url::is_loopback_host;
use super::link_token;
use super::public_url::PublicUrl;

/// Pages load this server's own files only; no inline script or style (ASVS 3.4.3).
const CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
);

/// Browsers use https only, for a year (ASVS 3.4.1).
pub const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds the headers; those that a handler has set stay.
pub async fn security_headers<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let state = request.app_data::<Data<State>>();
    let https = state.is_some_and(|state| is_https(state));
    let hsts = state.is_some_and(|state| sends_hsts(state));
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    // Browsers ignore the opener policy elsewhere, and say so on every page.
    let is_trustworthy = https || host.is_some_and(is_loopback_host);
    let has_token = link_token::is_in(request.path());
    match next.call(request).await {
        Ok(mut response) => {
            if has_token {
                add_for_link(response.headers_mut());
            }
            add(response.headers_mut(), hsts, is_trustworthy);
            Ok(response)
        }
        // A middleware failed; the response that its error becomes needs them, too.
        Err(error) => {
            let mut response = error.error_response();
            if has_token {
                add_for_link(response.headers_mut());
            }
            add(response.headers_mut(), hsts, is_trustworthy);
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// Whether browsers reach this server over https.
#[must_use]
pub fn is_https(state: &State) -> bool {
    state.public_url.as_ref().is_some_and(PublicUrl::is_https)
}

/// Whether browsers are told to use https only. That holds for the whole host, whose other
/// applications Keyfob does not know when it lies below a path.
#[must_use]
pub fn sends_hsts(state: &State) -> bool {
    is_https(state) && state.base_path().is_none()
}

fn add(headers: &mut HeaderMap, hsts: bool, is_trustworthy: bool) {
    let mut set = |name: HeaderName, value: HeaderValue| {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    };
    set(CONTENT_SECURITY_POLICY, CSP);
    set(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Not "no-referrer": browsers would then send "Origin: null" with forms.
    set(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if is_trustworthy {
        set(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    }
    set(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    set(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    );
    // All other responses than the files of `static/` are private.
    set(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if hsts {
        set(STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

/// Adds the headers of pages whose address holds a token: no other request names the address,
/// those for this server's own files neither, since proxies log referrers.
fn add_for_link(headers: &mut HeaderMap) {
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
}

/// Adds the security headers of a response to a program, which has none yet.
pub fn secure_for_programs(headers: &mut HeaderMap, hsts: bool) {
    if hsts {
        headers.append(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    headers.append(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.append(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// Adds the one that matters only if a browser shows the body.
pub fn secure_body_for_programs(headers: &mut HeaderMap) {
    headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
}
