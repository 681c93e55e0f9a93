//! A browser that an operator logged in from before keeps tries of its own
//! when somebody else guesses at the same account. It is known by a signed
//! cookie that opens nothing.

use std::future::{Ready, ready};

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, CookieJar, Key, SameSite};
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};

use crate::domain::identity::operator::OperatorId;
use crate::domain::identity::throttle::LoginAttempt;
use crate::error::Error;
use crate::http::State;
use crate::http::security_headers::is_https;

fn name(state: &State) -> &'static str {
    if is_https(state) { "__Host-keyfob-browser" } else { "keyfob-browser" }
}

/// Leaves the cookie in a browser that has just logged in.
///
/// # Errors
/// When the response can't take it.
pub fn remember(state: &State, operator: &OperatorId, response: &mut HttpResponse) -> crate::error::Result<()> {
    let cookie = Cookie::build(name(state), operator.to_string())
        .path("/")
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
        ready(state.map(|state| Self {
            address: state.trusted_proxies.client(request.head().peer_addr, request.headers()),
            trusted_operator: trusted_operator(state, request),
        }))
    }
}

fn trusted_operator(state: &State, request: &HttpRequest) -> Option<String> {
    let mut jar = CookieJar::new();
    jar.add_original(request.cookie(name(state))?);
    let cookie = jar.signed(&Key::from(state.cookie_key.expose())).get(name(state))?;
    Some(cookie.value().to_owned())
}
