//! The files of `static/`, out of the binary.

use actix_web::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, VARY};
use actix_web::web::{Bytes, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::error::{Error, Result};

struct Asset {
    name: &'static str,
    url: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    br: Option<&'static [u8]>,
    gz: Option<&'static [u8]>,
}

/// Made by `build.rs`.
static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Where a file of `static/` is served; changes with its content.
#[must_use]
pub fn url(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.url)
}

/// `GET /static/{file}`.
pub async fn serve_asset(request: HttpRequest, file: Path<String>) -> Result<HttpResponse> {
    let url = format!("/static/{file}");
    let asset = ASSETS.iter().find(|asset| asset.url == url).ok_or(Error::NotFound)?;
    let (encoding, body) = choose(&request, asset);
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, asset.content_type))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((VARY, "Accept-Encoding"));
    if let Some(encoding) = encoding {
        response.insert_header((CONTENT_ENCODING, encoding));
    }
    Ok(response.body(Bytes::from_static(body)))
}

/// `GET /favicon.ico`, which browsers ask for on their own.
pub async fn favicon() -> HttpResponse {
    HttpResponse::MovedPermanently().insert_header((LOCATION, url("favicon.svg"))).finish()
}

fn choose(request: &HttpRequest, asset: &Asset) -> (Option<&'static str>, &'static [u8]) {
    let accepted = request.headers().get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accepts = |encoding: &str| {
        accepted.split(',').any(|part| {
            let mut part = part.split(';').map(str::trim);
            part.next() == Some(encoding) && part.next() != Some("q=0")
        })
    };
    match (asset.br, asset.gz) {
        (Some(br), _) if accepts("br") => (Some("br"), br),
        (_, Some(gz)) if accepts("gzip") => (Some("gzip"), gz),
        _ => (None, asset.plain),
    }
}
