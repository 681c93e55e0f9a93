//! The way into an installation below a path of its host, and out of it.

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpRequest, HttpResponse};

use super::State;
use super::base_path::BasePath;
use super::public_url::PublicUrl;
use super::security_headers::{secure_body_for_programs, secure_for_programs, sends_hsts};

/// Headers of responses that browsers take addresses from.
const HEADERS: [&str; 5] = ["location", "hx-redirect", "hx-location", "hx-push-url", "hx-replace-url"];

/// A middleware for everything below a base path.
///
/// # Errors
/// Those of the next service.
pub async fn enter_base_path(
    base: BasePath,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    // The router has read `%6b` as `k`. An address has one spelling here.
    if !base.enter(&mut request) {
        let response = lead_below(request.app_data::<Data<State>>().map(|state| state.as_ref()));
        return Ok(request.into_response(response));
    }
    let mut response = base.during(next.call(request)).await?;
    complete_addresses(&base, response.headers_mut());
    Ok(response)
}

/// What a request for a page is told that has not the base path. A page has one address:
/// cookies would not come back to a second one, and a proxy that takes the path off needs
/// another setting.
pub async fn outside_base_path(state: Data<State>, request: HttpRequest) -> HttpResponse {
    // Programs are told as everywhere that there is no such address.
    let is_for_programs = request.path().starts_with("/v1/");
    if is_for_programs { HttpResponse::NotFound().finish() } else { lead_below(Some(&state)) }
}

fn lead_below(state: Option<&State>) -> HttpResponse {
    let url = state.and_then(|state| state.public_url.as_ref()).map_or("", PublicUrl::as_str);
    let text = format!("Keyfob is at {url}/ and a proxy before it has to pass the path on as it is.\n");
    let mut response = HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(text);
    secure_for_programs(response.headers_mut(), state.is_some_and(sends_hsts));
    secure_body_for_programs(response.headers_mut());
    response
}

fn complete_addresses(base: &BasePath, headers: &mut HeaderMap) {
    for name in HEADERS {
        let Some(address) = headers.get(name).and_then(|value| value.to_str().ok()) else { continue };
        if let Ok(value) = HeaderValue::try_from(format!("{}{address}", base.before(address))) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
