//! Whether a login at this address can last: behind https the session's cookie is
//! `Secure`, and a page that was opened over http never sends it back.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::ORIGIN;
use actix_web::{FromRequest, HttpRequest};

use crate::http::State;
use crate::http::base_url::is_loopback_host;
use crate::http::security_headers::is_https;

/// The origin of the page that a form was sent from, as the browser names it.
pub struct PageOrigin(Option<String>);

impl PageOrigin {
    /// What to do instead of logging in here, if a login could not last.
    #[must_use]
    pub fn advice(&self, state: &State) -> Option<String> {
        let host = self.0.as_deref().and_then(|origin| origin.strip_prefix("http://"))?;
        let is_lost = is_https(state) && !is_loopback_host(host);
        let url = state.public_url.as_ref().filter(|_| is_lost)?;
        Some(format!("Open {url} to log in. This page was opened over http, where a login does not last."))
    }
}

/// What to do after a login whose cookie did not come back.
#[must_use]
pub fn explain_lost_cookie(state: &State) -> String {
    match &state.public_url {
        Some(url) => {
            format!("You logged in, but your browser did not keep it. Open {url} to log in, and allow its cookies.")
        }
        None => {
            "You logged in, but your browser did not keep it. Allow cookies for this site and log in again.".to_owned()
        }
    }
}

impl FromRequest for PageOrigin {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
        ready(Ok(Self(origin.map(str::to_owned))))
    }
}
