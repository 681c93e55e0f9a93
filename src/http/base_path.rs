//! Keyfob below a path of its host, as `https://host/keyfob/`, beside other applications.
//!
//! Everything inside knows addresses without that path: routes, redirects, templates, logs.
//! It is taken off here when a request comes in, and put in front of the addresses in the
//! headers of its response; `dashboard/frame/addresses.rs` does the same for pages.

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse, Url};
use actix_web::http::Uri;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::uri::PathAndQuery;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};

use super::State;
use super::public_url::PublicUrl;
use super::security_headers::{is_https, secure_body_for_programs, secure_for_programs};

/// Where an installation lies below its host, such as `/keyfob`: begins with a slash and
/// does not end with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

tokio::task_local! {
    /// That of the request that is being handled, so that no page and no redirect can forget
    /// it. There is none in an installation at the root of its host.
    static CURRENT: BasePath;
}

/// What is answered without the base path as well: the API, which proxies and services ask
/// directly, and the checks of monitoring.
const DIRECT: [&str; 4] = ["v1", "2010-04-01", "healthz", "readyz"];

/// Headers of responses that browsers take addresses from.
const HEADERS: [&str; 5] = ["location", "hx-redirect", "hx-location", "hx-push-url", "hx-replace-url"];

impl BasePath {
    /// Reads the path of a public URL; `None` for the root. A slash at its end means nothing.
    ///
    /// # Errors
    /// What to change, for people.
    pub fn parse(path: &str) -> Result<Option<Self>, String> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let Some(segments) = path.strip_prefix('/') else { return Ok(None) };
        for segment in segments.split('/') {
            let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-._~".contains(*c);
            match segment {
                "" => return Err("has two slashes in a row in its path; write one".to_owned()),
                "." | ".." => return Err(format!("has {segment:?} in its path; write the path that it leads to")),
                _ => {}
            }
            if let Some(other) = segment.chars().find(|c| !is_plain(c)) {
                return Err(format!("has {other:?} in its path; use letters, digits, and - . _ ~ between slashes"));
            }
        }
        if let Some(direct) = DIRECT.into_iter().find(|direct| segments.split('/').next() == Some(direct)) {
            return Err(format!("has a path that begins with /{direct}, which the API needs; choose another one"));
        }
        Ok(Some(Self(path.into())))
    }

    /// Such as `/keyfob`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A path without this one in front, if it is below it: `/login` for `/keyfob/login`. This
    /// path itself is `/`, with and without a slash at its end.
    #[must_use]
    pub fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        match path.strip_prefix(self.as_str())? {
            "" => Some("/"),
            rest => rest.starts_with('/').then_some(rest),
        }
    }

    /// Whether a response may name this address: a path of this site, not yet below this one.
    fn takes(address: &str) -> bool {
        address.starts_with('/') && !address.starts_with("//")
    }

    /// An address of this site as browsers need it: with this path in front of a path.
    /// Everything else, such as `https://…` and `?page=2`, is complete.
    #[must_use]
    pub fn before<'a>(&'a self, address: &str) -> &'a str {
        if Self::takes(address) { self.as_str() } else { "" }
    }

    /// Takes this path off the address of a request, before a route is looked for. Gives
    /// whether it was there.
    pub fn enter(&self, request: &mut ServiceRequest) -> bool {
        let Some(uri) = self.entered(&request.head().uri) else { return false };
        request.head_mut().uri = uri.clone();
        request.match_info_mut().set(Url::new(uri));
        true
    }

    fn entered(&self, uri: &Uri) -> Option<Uri> {
        let path = self.below(uri.path())?;
        let rest = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
        Uri::from_parts(parts).ok()
    }

    fn put_into(&self, headers: &mut HeaderMap) {
        for name in HEADERS {
            let Some(address) = headers.get(name).and_then(|value| value.to_str().ok()) else { continue };
            if let Ok(value) = HeaderValue::try_from(format!("{}{address}", self.before(address))) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// The base path of the request that is being handled, if it came below one.
#[must_use]
pub fn current() -> Option<BasePath> {
    CURRENT.try_with(BasePath::clone).ok()
}

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
    let mut response = CURRENT.scope(base.clone(), next.call(request)).await?;
    base.put_into(response.headers_mut());
    Ok(response)
}

/// What a request for a page is told that has not the base path. A page has one address:
/// cookies would not come back to a second one, and a proxy that takes the path off needs
/// another setting.
pub async fn outside_base_path(state: Data<State>) -> HttpResponse {
    lead_below(Some(&state))
}

fn lead_below(state: Option<&State>) -> HttpResponse {
    let url = state.and_then(|state| state.public_url.as_ref()).map_or("", PublicUrl::as_str);
    let text = format!("Keyfob is at {url}/ and a proxy before it has to pass the path on as it is.\n");
    let mut response = HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(text);
    secure_for_programs(response.headers_mut(), state.is_some_and(is_https));
    secure_body_for_programs(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Result<Option<String>, String> {
        BasePath::parse(path).map(|base| base.map(|base| base.as_str().to_owned()))
    }

    #[test]
    fn a_base_path_is_read_with_and_without_a_slash_at_its_end() {
        assert_eq!((parsed(""), parsed("/")), (Ok(None), Ok(None)));
        for path in ["/keyfob", "/keyfob/"] {
            assert_eq!(parsed(path), Ok(Some("/keyfob".to_owned())));
        }
        assert_eq!(parsed("/Tools/key-fob_2.0~x/"), Ok(Some("/Tools/key-fob_2.0~x".to_owned())));
    }

    #[test]
    fn what_browsers_or_proxies_would_read_as_another_path_is_refused_with_what_to_write() {
        for (path, words) in [
            ("//", "two slashes"),
            ("//keyfob", "two slashes"),
            ("/keyfob//", "two slashes"),
            ("/a//b", "two slashes"),
            ("/a/../b", "\"..\""),
            ("/.", "\".\""),
            ("/key%2ffob", "'%'"),
            ("/key fob", "' '"),
            ("/keyfob;x", "';'"),
            ("/{id}", "'{'"),
            ("/schl\u{fc}ssel", "'\u{fc}'"),
            ("/v1", "/v1"),
            ("/healthz/x", "/healthz"),
        ] {
            let problem = parsed(path).unwrap_err();
            assert!(problem.contains(words), "{path}: {problem}");
        }
        assert!(parsed("/v1x").is_ok() && parsed("/tools/v1").is_ok());
    }

    #[test]
    fn only_whole_parts_of_a_path_count() {
        let base = BasePath::parse("/keyfob").unwrap().unwrap();
        assert_eq!(base.below("/keyfob/login"), Some("/login"));
        assert_eq!((base.below("/keyfob"), base.below("/keyfob/")), (Some("/"), Some("/")));
        assert_eq!(base.below("/keyfob//evil.example"), Some("//evil.example"));
        for other in ["/", "/keyfobs/login", "/Keyfob/login", "/login", "//keyfob/login", "/%6beyfob/login"] {
            assert_eq!(base.below(other), None, "{other}");
        }
        assert_eq!((base.before("/login"), base.before("/")), ("/keyfob", "/keyfob"));
        for complete in ["https://example.com/", "//example.com/", "?page=2", "#top", "", "data:,x"] {
            assert_eq!(base.before(complete), "", "{complete}");
        }
    }
}
