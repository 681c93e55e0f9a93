//! Basic credentials, of which the user name counts too.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The user name and the password of a request (RFC 7617).
pub(super) struct BasicCredentials(Zeroizing<String>);

impl BasicCredentials {
    /// `None` where there are none, or more than one pair.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION);
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (scheme, encoded) = value.to_str().ok()?.trim().split_once(' ')?;
        let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
        let text = Zeroizing::new(std::str::from_utf8(&decoded).ok()?.to_owned());
        (scheme.eq_ignore_ascii_case("basic") && text.contains(':')).then_some(Self(text))
    }

    /// The user name.
    pub(super) fn user(&self) -> &str {
        self.0.split_once(':').unwrap_or_default().0
    }

    /// The password.
    pub(super) fn password(&self) -> &str {
        self.0.split_once(':').unwrap_or_default().1
    }
}
