//! `GET /openapi.json`: what this API is, for people and for client generators.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse};

/// Written by hand; `tests/it/openapi.rs` holds it against the real server.
static DOCUMENT: &[u8] = include_bytes!("openapi.json");

static TAG: LazyLock<String> = LazyLock::new(|| format!("\"{:08x}\"", crc32fast::hash(DOCUMENT)));

/// `GET /openapi.json`.
pub async fn openapi(request: HttpRequest) -> HttpResponse {
    let has_it = request.headers().get_all(IF_NONE_MATCH).any(|tags| tags.to_str().is_ok_and(names_document));
    let mut response = if has_it { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, TAG.as_str())).insert_header((CACHE_CONTROL, "public, max-age=300"));
    if has_it {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, "application/json")).body(DOCUMENT)
}

/// `*`, or a list of tags, each perhaps weak.
fn names_document(tags: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == *TAG)
}
