//! A request's headers, and an answer, whoever reads and writes them: the HTTP
//! library, or `express`.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// The headers of a request.
pub trait Headers {
    /// The values of all with this name, in the order in which they were sent.
    fn all<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]>;
}

impl Headers for HeaderMap {
    fn all<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).map(HeaderValue::as_bytes)
    }
}

/// An answer that is being put together.
pub trait Answer {
    /// First of all, and once.
    fn status(&mut self, status: StatusCode);
    /// One that is not there yet.
    fn header(&mut self, name: &HeaderName, value: &HeaderValue);
}

impl Answer for HttpResponse {
    fn status(&mut self, status: StatusCode) {
        *self.status_mut() = status;
    }

    fn header(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.headers_mut().append(name.clone(), value.clone());
    }
}
