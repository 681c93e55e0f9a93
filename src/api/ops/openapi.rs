//! `GET /openapi.json`: what this API is, for people and for client generators.

use std::borrow::Cow;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse};

use crate::http::base_path;

/// Written by hand; `tests/it/openapi.rs` holds it against the real server.
static DOCUMENT: &str = include_str!("openapi.json");

/// The server as the document names it: all of its host.
const SERVER: &str = "\"url\": \"/\"";

/// The document, with the server where this request found it.
fn document() -> Cow<'static, str> {
    match base_path::current() {
        Some(base) => Cow::Owned(DOCUMENT.replacen(SERVER, &format!("\"url\": \"{}\"", base.as_str()), 1)),
        None => Cow::Borrowed(DOCUMENT),
    }
}

/// `GET /openapi.json`.
pub async fn openapi(request: HttpRequest) -> HttpResponse {
    let document = document();
    let tag = format!("\"{:08x}\"", crc32fast::hash(document.as_bytes()));
    let names_document = |tags: &str| names(tags, &tag);
    let has_it = request.headers().get_all(IF_NONE_MATCH).any(|tags| tags.to_str().is_ok_and(names_document));
    let mut response = if has_it { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, tag.as_str())).insert_header((CACHE_CONTROL, "public, max-age=300"));
    if has_it {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, "application/json")).body(document)
}

/// `*`, or a list of tags, each perhaps weak.
fn names(tags: &str, document: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == document)
}
