//! The address of an installation as people type it (`--public-url`).

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::base_path::BasePath;
use crate::secret_text::without_credentials;

/// An origin, and perhaps a path below it: `https://keys.example.com`,
/// `https://example.com/keyfob`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    url: String,
    origin: String,
    base_path: Option<BasePath>,
}

impl PublicUrl {
    /// The whole, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Scheme, host and perhaps a port, as browsers name them.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Where Keyfob lies below the host, if it has not all of it.
    #[must_use]
    pub const fn base_path(&self) -> Option<&BasePath> {
        self.base_path.as_ref()
    }

    /// Whether browsers reach it by https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown = without_credentials(text);
        if let Some(end) = text.find(['?', '#']) {
            return Err(format!(
                "{shown:?} is more than an address; leave out what begins with {:?}",
                &text[end..=end]
            ));
        }
        let host = text.find("://").map_or(0, |scheme| scheme + "://".len());
        let path = text[host..].find('/').map_or(text.len(), |path| host + path);
        let (origin, path) = text.split_at(path);
        let origin = parse_origin(origin).ok_or_else(|| match ascii_origin(origin) {
            Some(ascii) => format!("{shown:?} has letters outside ASCII; write {ascii}{path}"),
            None => format!(
                "{shown:?} is not the address of a site; write for example https://keys.example.com or \
                 https://example.com/keyfob"
            ),
        })?;
        let base_path = BasePath::parse(path).map_err(|problem| format!("{shown:?} {problem}"))?;
        let url = format!("{origin}{}", base_path.as_ref().map_or("", BasePath::as_str));
        Ok(Self { url, origin, base_path })
    }
}

/// An origin with the host's name in ASCII (`xn--…`), as browsers send it; `None` where that is
/// not all that is wrong with it.
fn ascii_origin(text: &str) -> Option<String> {
    let has_letters = !text.is_ascii() && text.chars().all(|c| c.is_alphanumeric() || ".:/-".contains(c));
    let url = Url::parse(text).ok().filter(|_| has_letters)?;
    parse_origin(&url.origin().ascii_serialization())
}

/// Reads an origin: scheme, host and optional port, without a path.
#[must_use]
pub fn parse_origin(text: &str) -> Option<String> {
    let origin = text.to_lowercase();
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:-[]".contains(c);
    if host.is_empty() || !host.chars().all(is_plain) || Url::parse(&origin).is_err() {
        return None;
    }
    // Browsers omit the scheme's default port in `Origin`, which is compared.
    let default_port = if origin.starts_with("https") { ":443" } else { ":80" };
    Some(origin.strip_suffix(default_port).unwrap_or(&origin).to_owned())
}
