//! The path of its host below which Keyfob lies, as in `https://host/keyfob/`, beside other
//! applications.
//!
//! Everything inside knows addresses without it: routes, redirects, templates, logs.
//! `enter_base_path.rs` takes it off when a request comes in, and puts it in front of the
//! addresses in the headers of the response; `dashboard/frame/addresses.rs` does so in pages.

use std::sync::Arc;

use actix_web::dev::{ServiceRequest, Url};
use actix_web::http::Uri;
use actix_web::http::uri::PathAndQuery;

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

    /// What an address of this site lacks for browsers: this path, if it is a path. Everything
    /// else, such as `https://…`, `//host` and `?page=2`, is complete.
    #[must_use]
    pub fn before<'a>(&'a self, address: &str) -> &'a str {
        let is_path = address.starts_with('/') && !address.starts_with("//");
        if is_path { self.as_str() } else { "" }
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

    /// Handles a request that came below this path.
    pub async fn during<T>(&self, handling: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), handling).await
    }
}

/// The base path of the request that is being handled, if it came below one.
#[must_use]
pub fn current() -> Option<BasePath> {
    CURRENT.try_with(BasePath::clone).ok()
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
