//! What htmx says about a request, and what can be said back to it.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};

/// Puts the answer into another element than the one that asked.
pub const RETARGET: &str = "hx-retarget";
/// Puts it there in another way.
pub const RESWAP: &str = "hx-reswap";
/// Fires an event in the page.
pub const TRIGGER: &str = "hx-trigger";
/// Leads the browser to another page.
pub const REDIRECT: &str = "hx-redirect";
/// Loads the page anew.
pub const REFRESH: &str = "hx-refresh";

/// How a request was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Htmx {
    /// By the browser itself: the answer is a page.
    No,
    /// By htmx: the answer is a part of the page that is open.
    Part {
        /// The element that asked, as `form#api-key-form`.
        source: String,
        /// The page that is open.
        current_url: String,
    },
}

impl Htmx {
    /// Reads the request's headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        // Going back in the history asks for the whole page.
        let part = text("HX-Request") == "true"
            && text("HX-Request-Type") != "full"
            && text("HX-History-Restore-Request") != "true";
        if part { Self::Part { source: text("HX-Source"), current_url: text("HX-Current-URL") } } else { Self::No }
    }

    /// Whether a part of a page is wanted.
    #[must_use]
    pub const fn is_part(&self) -> bool {
        matches!(self, Self::Part { .. })
    }
}

impl FromRequest for Htmx {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.headers())))
    }
}
