//! The address under which this installation is reached, for commands and
//! snippets that people copy.

use actix_web::HttpRequest;

use super::State;

/// Where this browser reaches us. What it sent goes into command lines and
/// configuration files, so only what a host can look like is taken.
#[must_use]
pub fn base_url(state: &State, request: &HttpRequest) -> String {
    if let Some(url) = &state.public_url {
        return url.clone();
    }
    let info = request.connection_info();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:-[]".contains(c);
    let host = Some(info.host()).filter(|host| host.chars().all(is_plain)).unwrap_or("localhost");
    format!("http://{host}")
}
