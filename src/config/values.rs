//! Values of settings that are addresses or names.

use actix_web::http::header::{self, HeaderName};

use crate::http::public_url::{self, PublicUrl};
use crate::secret_text::without_credentials;
use crate::server::listen_address::ListenAddress;

/// The sentence for a part of a list that is no network.
pub(super) fn no_network(flag: &str, part: &str) -> String {
    format!("{flag}: {:?} is neither an address nor a range such as 10.0.0.0/8", without_credentials(part))
}

/// Parses an address with its port, or a socket; `port` is that of the example.
pub(super) fn parse_address(flag: &str, text: &str, port: u16) -> Result<ListenAddress, String> {
    ListenAddress::parse(text).ok_or_else(|| {
        if text.starts_with("unix:@") {
            return format!(
                "{flag} {text:?} is an abstract socket, which has no permissions; write unix:PATH with the path of a file"
            );
        }
        let shown = without_credentials(text);
        format!("{flag} {shown:?} is not an address and a port; write for example 127.0.0.1:{port}, or unix:PATH for a socket")
    })
}

/// Parses an origin: scheme, host and optional port, without a path.
pub(super) fn parse_origin(flag: &str, text: &str) -> Result<String, String> {
    public_url::parse_origin(text.strip_suffix('/').unwrap_or(text)).ok_or_else(|| {
        format!(
            "{flag} {:?} is not an address without a path; write for example https://keys.example.com",
            without_credentials(text)
        )
    })
}

/// Parses the address that people type.
pub(super) fn parse_public_url(flag: &str, text: &str) -> Result<PublicUrl, String> {
    text.parse().map_err(|problem: String| format!("{flag} {problem}"))
}

/// Headers that mean something else. To read a key from one of them would break requests, or
/// let the application behind a proxy see another header than Keyfob has read.
const NO_KEY_HEADERS: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::USER_AGENT,
];

/// Parses the name of a header, without `_`: some applications take it for `-`, and nginx drops
/// such headers.
pub(super) fn parse_key_header(flag: &str, text: &str) -> Result<HeaderName, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let name = HeaderName::from_bytes(text.as_bytes()).ok();
    let name = name.filter(|name| is_plain && !NO_KEY_HEADERS.contains(name));
    name.ok_or_else(|| {
        format!(
            "{flag} {:?} is not the name of a header for keys; write for example X-Auth-Token",
            without_credentials(text)
        )
    })
}
