//! Reads a key from the headers of a request: `X-API-Key: KEY`, or
//! `Authorization: Bearer KEY` (RFC 6750 §2.1). A key in a URL is never read.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const BEARER: &[u8] = b"bearer";

/// The key that a request presents.
#[derive(Debug, PartialEq, Eq)]
pub enum PresentedKey<'a> {
    /// The value of the header, without the white space around it. It need not
    /// look like a key.
    One(&'a str),
    /// Neither header holds a key.
    Missing,
    /// The same header twice. Neither is read, since a proxy and the gate could
    /// choose different ones.
    Repeated,
}

impl<'a> PresentedKey<'a> {
    /// `X-API-Key` is read first, since applications behind a proxy use
    /// `Authorization` for themselves.
    #[must_use]
    pub fn of(headers: &'a HeaderMap) -> Self {
        match only(headers, &X_API_KEY, |value| Self::One(text(value))) {
            Self::Missing => only(headers, &AUTHORIZATION, bearer),
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
fn bearer(credentials: &[u8]) -> PresentedKey<'_> {
    let credentials = credentials.trim_ascii();
    let end = credentials.iter().position(u8::is_ascii_whitespace).unwrap_or(credentials.len());
    match credentials.split_at(end) {
        (scheme, key) if scheme.eq_ignore_ascii_case(BEARER) => PresentedKey::One(text(key)),
        _ => PresentedKey::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::PresentedKey::{Missing, One, Repeated};
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
        ] {
            assert_eq!(PresentedKey::of(&headers(&[line])), One("k"), "{line:?}");
        }
    }

    #[test]
    fn x_api_key_counts_before_authorization() {
        assert_eq!(PresentedKey::of(&headers(&[("authorization", "Bearer app"), ("x-api-key", "k")])), One("k"));
        assert_eq!(PresentedKey::of(&headers(&[("authorization", "Bearer app"), ("x-api-key", "")])), One(""));
    }

    #[test]
    fn the_same_header_twice_is_not_guessed_at() {
        assert_eq!(PresentedKey::of(&headers(&[("x-api-key", "a"), ("x-api-key", "b")])), Repeated);
        assert_eq!(
            PresentedKey::of(&headers(&[("authorization", "Bearer a"), ("authorization", "Bearer a")])),
            Repeated
        );
    }

    #[test]
    fn without_such_a_header_there_is_no_key() {
        assert_eq!(PresentedKey::of(&headers(&[])), Missing);
        assert_eq!(PresentedKey::of(&headers(&[("authorization", "Basic YTpi")])), Missing);
        assert_eq!(PresentedKey::of(&headers(&[("authorization", "Bearer")])), One(""));
    }
}
