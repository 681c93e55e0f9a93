//! Writes an answer as it goes over the wire (HTTP/1.1, RFC 9112).

use std::io::Write;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};

use crate::web::connections::date;
use crate::web::exchange::Answer;

/// An answer that is being written.
pub(super) struct Wire<'a>(&'a mut Vec<u8>);

impl<'a> Wire<'a> {
    pub(super) const fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What comes behind the last header.
    pub(super) fn end(self, body: &[u8]) {
        let Self(bytes) = self;
        date(|date| bytes.extend_from_slice(date.as_bytes()));
        // Into memory, which takes all.
        let _ = write!(bytes, "content-length: {}\r\n\r\n", body.len());
        bytes.extend_from_slice(body);
    }
}

impl Answer for Wire<'_> {
    fn status(&mut self, status: StatusCode) {
        self.0.extend_from_slice(b"HTTP/1.1 ");
        self.0.extend_from_slice(status.as_str().as_bytes());
        self.0.push(b' ');
        self.0.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
        self.0.extend_from_slice(b"\r\n");
    }

    fn header(&mut self, name: &HeaderName, value: &HeaderValue) {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            self.0.extend_from_slice(part);
        }
    }
}
