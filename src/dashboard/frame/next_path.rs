//! Where to go after logging in: a path of this site, never another site. Like all addresses
//! within, it is written without a base path.

use std::fmt;

use crate::http::base_path;

/// A path with its query, such as `/api-keys?service=sms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextPath(String);

impl NextPath {
    /// Reads a path; the API Keys page when it is none of this site's
    /// (ASVS 3.7.2): browsers read `//host` and `/\host` as another site.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut chars = text.chars();
        let is_path = chars.next() == Some('/')
            && !matches!(chars.next(), Some('/' | '\\'))
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if is_path && text.len() <= 2_000 { Self(text.to_owned()) } else { Self::default() }
    }

    /// The path out of a full URL, such as a `Referer`. Below a base path, other paths of the
    /// host are not of this site.
    #[must_use]
    pub fn from_url(url: &str) -> Self {
        let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        let path = path.and_then(|path| match base_path::current() {
            Some(base) => base.below(path),
            None => Some(path),
        });
        path.map_or_else(Self::default, Self::parse)
    }

    /// The same path without a parameter of its query.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let Some((path, query)) = self.0.split_once('?') else { return self.clone() };
        let is_other = |pair: &&str| pair.split('=').next() != Some(name);
        let kept: Vec<&str> = query.split('&').filter(is_other).collect();
        Self(if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) })
    }

    /// The same path with this value of a parameter, which needs no escaping.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let Self(path) = self.without(name);
        let separator = if path.contains('?') { '&' } else { '?' };
        Self(format!("{path}{separator}{name}={value}"))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The login page that leads here.
    #[must_use]
    pub fn login_url(&self) -> String {
        if *self == Self::default() { "/login".to_owned() } else { format!("/login?next={}", self.escaped()) }
    }

    /// The page that asks for the password again, and then leads here.
    #[must_use]
    pub fn confirmation_url(&self) -> String {
        format!("/login/confirmation?next={}", self.escaped())
    }

    fn escaped(&self) -> String {
        let mut next = String::new();
        for byte in self.0.bytes() {
            match byte {
                b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => next.push(char::from(byte)),
                _ => next.push_str(&format!("%{byte:02X}")),
            }
        }
        next
    }
}

impl Default for NextPath {
    fn default() -> Self {
        Self("/api-keys".to_owned())
    }
}

impl fmt::Display for NextPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_site_is_kept() {
        for path in ["/", "/settings", "/api-keys?service=sms&after=1.key_2"] {
            assert_eq!(NextPath::parse(path).as_str(), path);
        }
        assert_eq!(NextPath::from_url("http://127.0.0.1:8080/settings?x").as_str(), "/settings?x");
    }

    #[test]
    fn whatever_leads_off_the_site_leads_to_the_api_keys_page() {
        for evil in [
            "",
            "settings",
            "//evil.example",
            "/\\evil.example",
            "///evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "/a\\b",
            "\\\\evil.example",
        ] {
            assert_eq!(NextPath::parse(evil), NextPath::default(), "{evil:?}");
        }
        assert_eq!(NextPath::from_url("https://evil.example//evil.example"), NextPath::default());
    }

    #[test]
    fn a_parameter_is_put_in_the_place_of_the_one_before_and_taken_out_again() {
        let list = NextPath::parse("/api-keys?service=sms");
        let missed = list.with("missed", "a").with("missed", "b");
        assert_eq!(missed.as_str(), "/api-keys?service=sms&missed=b");
        assert_eq!(missed.without("missed"), list);
        assert_eq!(NextPath::default().with("missed", "a").without("missed"), NextPath::default());
    }

    #[test]
    fn the_login_url_carries_the_path() {
        assert_eq!(NextPath::parse("/a?b=c&d").login_url(), "/login?next=/a%3Fb%3Dc%26d");
        assert_eq!(NextPath::default().login_url(), "/login");
    }
}
