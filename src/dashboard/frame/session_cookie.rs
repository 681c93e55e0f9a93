//! The middleware that reads a browser's session by its cookie.

use actix_session::SessionMiddleware;
use actix_session::config::{BrowserSession, CookieContentSecurity};
use actix_web::cookie::{Key, SameSite};

use super::session_store::DatabaseSessions;
use crate::http::{State, own_cookies, security_headers};

/// The session cookie: `__Host-`, or `__Secure-` below a path, and `Secure` behind https
/// (ASVS 3.3.1, 3.3.3); browsers drop such a cookie on plain http, so there it has neither.
#[must_use]
pub fn sessions(state: &State) -> SessionMiddleware<DatabaseSessions> {
    let https = security_headers::is_https(state);
    SessionMiddleware::builder(
        DatabaseSessions::new(state.store.clone(), state.clock.clone()),
        Key::from(state.cookie_key.expose()),
    )
    .cookie_name(own_cookies::session_cookie_name(state))
    .cookie_secure(https)
    .cookie_http_only(true)
    .cookie_same_site(SameSite::Lax)
    .cookie_path(own_cookies::cookie_path(state))
    .cookie_content_security(CookieContentSecurity::Private)
    .session_lifecycle(BrowserSession::default())
    .build()
}
