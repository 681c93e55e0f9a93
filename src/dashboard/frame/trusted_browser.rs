//! A browser that an operator logged in from before keeps tries of its own
//! when somebody else guesses at the same account. It is known by a signed
//! cookie that opens nothing.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_session::SessionExt;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, CookieJar, Key, SameSite};
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};

use super::session::operator_id;
use crate::domain::identity::operator::OperatorId;
use crate::domain::identity::throttle::LoginAttempt;
use crate::error::Error;
use crate::http::State;
use crate::http::own_cookies::{browser_cookie_name, cookie_path};
use crate::http::security_headers::is_https;

/// Leaves the cookie in a browser that has just logged in.
///
/// # Errors
/// When the response can't take it.
pub fn remember(state: &State, operator: &OperatorId, response: &mut HttpResponse) -> crate::error::Result<()> {
    let cookie = Cookie::build(browser_cookie_name(state), operator.to_string())
        .path(cookie_path(state))
        .secure(is_https(state))
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::days(365))
        .finish();
    let mut jar = CookieJar::new();
    jar.signed_mut(&Key::from(state.cookie_key.expose())).add(cookie);
    for cookie in jar.delta() {
        response.add_cookie(cookie).map_err(Error::internal)?;
    }
    Ok(())
}

impl FromRequest for LoginAttempt {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = request.app_data::<Data<State>>().ok_or_else(|| Error::internal(anyhow::anyhow!("no state")));
        ready(state.map(|state| {
            Self {
                address: client_address(state, request),
                trusted_operator: operator_id(&request.get_session())
                    .map(|operator| operator.to_string())
                    .or_else(|| trusted_operator(state, request)),
            }
        }))
    }
}

/// Where the attempt comes from. Behind a proxy that is not trusted everybody would
/// share one address and its tries, which is said here, where tries are counted.
fn client_address(state: &State, request: &HttpRequest) -> IpAddr {
    let (peer, headers) = (request.peer_addr(), request.headers());
    if let Some(proxy) = state.trusted_proxies.newly_distrusted(peer, headers) {
        tracing::warn!(
            "X-Forwarded-For from {proxy} is not trusted, so everybody behind it shares one quota of logins; \
             if it is your proxy, name it with --trusted-proxy {proxy}"
        );
    }
    state.trusted_proxies.client(peer, headers)
}

fn trusted_operator(state: &State, request: &HttpRequest) -> Option<String> {
    let mut jar = CookieJar::new();
    let name = browser_cookie_name(state);
    jar.add_original(request.cookie(&name)?);
    let cookie = jar.signed(&Key::from(state.cookie_key.expose())).get(&name)?;
    Some(cookie.value().to_owned())
}
