//! Reads a key from the headers of a request: `X-API-Key: KEY`, the header of
//! `--key-header`, or `Authorization` with `Bearer KEY` (RFC 6750 §2.1), `ApiKey KEY`,
//! `Token KEY`, or `Basic` with the key as the password (RFC 7617). A key in a URL is
//! never read.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Schemes of `Authorization` whose credentials are the key itself.
const KEY_SCHEMES: [&[u8]; 3] = [b"bearer", b"apikey", b"token"];
const BASIC: &[u8] = b"basic";

/// The key that a request presents.
#[derive(Debug, PartialEq, Eq)]
pub enum PresentedKey<'a> {
    /// The value of the header, without the white space around it. It need not
    /// look like a key.
    One(&'a str),
    /// The same, out of base 64.
    Decoded(Zeroizing<String>),
    /// No header holds a key.
    Missing,
    /// The same header twice. Neither is read, since a proxy and the gate could
    /// choose different ones.
    Repeated,
}

impl<'a> PresentedKey<'a> {
    /// `X-API-Key` is read first, since applications behind a proxy use
    /// `Authorization` for themselves.
    #[must_use]
    pub fn of(headers: &'a HeaderMap, key_header: Option<&HeaderName>) -> Self {
        let whole = |value| Self::One(text(value));
        let mut presented = only(headers, &X_API_KEY, whole);
        if let (Self::Missing, Some(name)) = (&presented, key_header) {
            presented = only(headers, name, whole);
        }
        match presented {
            Self::Missing => only(headers, &AUTHORIZATION, credentials),
            other => other,
        }
    }
}

/// Reads the header of this name, which may be sent once.
fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    read: impl FnOnce(&'a [u8]) -> PresentedKey<'a>,
) -> PresentedKey<'a> {
    let mut values = headers.get_all(name).map(HeaderValue::as_bytes);
    match (values.next(), values.next()) {
        (None, _) => PresentedKey::Missing,
        (Some(value), None) => read(value),
        (Some(_), Some(_)) => PresentedKey::Repeated,
    }
}

/// Empty when the value is not UTF-8; the gate knows no such key.
fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value.trim_ascii()).unwrap_or_default()
}

/// Credentials of another scheme are for the application behind the proxy.
fn credentials(value: &[u8]) -> PresentedKey<'_> {
    let value = value.trim_ascii();
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    if KEY_SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        PresentedKey::One(text(rest))
    } else if scheme.eq_ignore_ascii_case(BASIC) {
        PresentedKey::Decoded(password(text(rest)))
    } else {
        PresentedKey::Missing
    }
}

/// The password of a user of any name, or the name where there is no password, as
/// `curl -u KEY:` sends it. Empty when it can't be read.
fn password(encoded: &str) -> Zeroizing<String> {
    let decoded = STANDARD.decode(encoded).map(Zeroizing::new).unwrap_or_default();
    let (user, password) = std::str::from_utf8(&decoded).ok().and_then(|text| text.split_once(':')).unwrap_or_default();
    let key = if password.is_empty() { user } else { password };
    Zeroizing::new(key.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::PresentedKey::{Decoded, Missing, One, Repeated};
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn either_header_presents_a_key_and_the_scheme_may_be_in_any_case() {
        for line in [
            ("x-api-key", "k"),
            ("x-api-key", "  k "),
            ("authorization", "Bearer k"),
            ("authorization", "bEARER   k"),
            ("authorization", "BEARER\tk"),
            ("authorization", "ApiKey k"),
            ("authorization", "token k"),
        ] {
            assert_eq!(PresentedKey::of(&headers(&[line]), None), One("k"), "{line:?}");
        }
    }

    #[test]
    fn basic_credentials_present_the_password_or_a_name_without_one() {
        for (encoded, key) in [
            ("YWRhOms=", "k"),       // ada:k
            ("Oms=", "k"),           // :k
            ("azo=", "k"),           // k:
            ("YWRhOmE6Yg==", "a:b"), // ada:a:b
            ("aw==", ""),            // k
            ("not base 64", ""),
            ("/w==", ""),
            ("", ""),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(AUTHORIZATION, format!("Basic {encoded}").parse().unwrap());
            assert_eq!(PresentedKey::of(&headers, None), Decoded(Zeroizing::new(key.to_owned())), "{encoded}");
        }
    }

    #[test]
    fn a_header_of_the_operators_choice_counts_after_x_api_key_and_before_authorization() {
        let name = HeaderName::from_static("x-token");
        let of = |lines: &[(&'static str, &'static str)]| match PresentedKey::of(&headers(lines), Some(&name)) {
            One(key) => key.to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(of(&[("x-token", "k"), ("authorization", "Bearer app")]), "k");
        assert_eq!(of(&[("x-token", "app"), ("x-api-key", "k")]), "k");
        assert_eq!(of(&[("x-token", "a"), ("x-token", "a")]), "Repeated");
        assert_eq!(of(&[("authorization", "Bearer k")]), "k");
        assert_eq!(PresentedKey::of(&headers(&[("x-token", "k")]), None), Missing);
    }

    #[test]
    fn x_api_key_counts_before_authorization() {
        assert_eq!(PresentedKey::of(&headers(&[("authorization", "Bearer app"), ("x-api-key", "k")]), None), One("k"));
        assert_eq!(PresentedKey::of(&headers(&[("authorization", "Bearer app"), ("x-api-key", "")]), None), One(""));
    }

    #[test]
    fn the_same_header_twice_is_not_guessed_at() {
        assert_eq!(PresentedKey::of(&headers(&[("x-api-key", "a"), ("x-api-key", "b")]), None), Repeated);
        assert_eq!(
            PresentedKey::of(&headers(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]), None),
            Repeated
        );
    }

    #[test]
    fn without_such_a_header_there_is_no_key() {
        assert_eq!(PresentedKey::of(&headers(&[]), None), Missing);
        assert_eq!(PresentedKey::of(&headers(&[("authorization", "Digest a=b")]), None), Missing);
        assert_eq!(PresentedKey::of(&headers(&[("authorization", "Bearer")]), None), One(""));
    }
}
