//! The URL of this installation, for commands and snippets that people copy.

use actix_web::HttpRequest;

use super::State;

/// `--public-url`, or else the host that the browser asked for. People paste the
/// result into command lines and configuration files, so a `Host` header with
/// other characters than a host can have is not repeated.
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
