//! Refuses what no route takes, before one is looked for.

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::{RequestHead, Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::http::{ConnectionType, Method};
use actix_web::web::Data;
use actix_web::{Error as HttpError, ResponseError};
use futures_util::future::Either;

use super::State;
use super::base_path::BasePath;
use super::problem::ApiError;
use super::request_id::RequestTrace;
use crate::error::Error;

/// The longest head that is taken: the bytes of all names and values of headers.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// A middleware for the whole site, which may lie below a base path. Reverse proxies ask at
/// `proxy_path` and below it about their clients' requests and pass on their clients' headers,
/// so that those are not held against the question.
pub fn refuse_early<S>(
    base: Option<BasePath>,
    proxy_path: &'static str,
) -> impl Fn(ServiceRequest, &S) -> Either<Ready<Result<ServiceResponse, HttpError>>, S::Future> + Clone
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = HttpError>,
{
    move |request, next| {
        let path = base.as_ref().and_then(|base| base.below(request.path())).unwrap_or(request.path());
        let below = path.strip_prefix(proxy_path);
        let is_for_proxy = below.is_some_and(|below| below.is_empty() || below.starts_with('/'));
        match fault(request.head(), is_for_proxy) {
            Some(error) => Either::Left(ready(Ok(refuse(request, base.as_ref(), error, is_for_proxy)))),
            None => Either::Right(next.call(request)),
        }
    }
}

fn fault(head: &RequestHead, is_for_proxy: bool) -> Option<Error> {
    // The target of `OPTIONS *` is the server as a whole, which has no resource.
    if head.uri.path() == "*" {
        return Some(Error::NotFound);
    }
    let reads_body = !is_for_proxy && !matches!(head.method, Method::GET | Method::HEAD);
    let mut length = 0;
    for (name, value) in &head.headers {
        // Unpacked, a compressed body could be a thousand times as long as its limit.
        if name == CONTENT_ENCODING && reads_body {
            return Some(Error::UnsupportedMediaType);
        }
        length += name.as_str().len() + value.len();
    }
    (length > MAX_HEADER_BYTES).then_some(Error::HeadTooLarge)
}

/// Closes the connection: nothing else that such a client sends is read.
fn refuse(mut request: ServiceRequest, base: Option<&BasePath>, error: Error, is_for_proxy: bool) -> ServiceResponse {
    // The log knows the tokens of links by their paths.
    if let Some(base) = base {
        base.enter(&mut request);
    }
    let Some(state) = request.app_data::<Data<State>>() else { return request.error_response(error) };
    let error = ApiError::new(error, state);
    let error = if is_for_proxy { error.for_proxy() } else { error.traced(RequestTrace::of(request.head())) };
    let mut response = error.error_response();
    response.head_mut().set_connection_type(ConnectionType::Close);
    request.into_response(response)
}
