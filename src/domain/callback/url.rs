//! The URL of a callback. It must be public, or in a private network that the
//! settings allow: an operator who sets a URL must not reach internal services
//! through Keyfob (server-side request forgery, OWASP ASVS 5.0 §1.3.6).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::domain::text;
use crate::error::{Error, Result};
use crate::networks::Networks;
use crate::store::types::text_column;

/// The longest URL, in characters.
const MAX_URL_CHARS: usize = 2_000;
const EXAMPLE_HINT: &str = "Enter an address, for example https://example.com/sms-status.";

/// The URL of a callback. Its path and query may hold secrets, so logs show its
/// host alone.
#[derive(Clone, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct CallbackUrl(Url);

impl CallbackUrl {
    /// Parses a URL as browsers do, so that no spelling hides a private address, and
    /// refuses private addresses that are visible without a DNS look-up. A name is
    /// checked with [`is_allowed`] when it is resolved.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `field`, which says what to change.
    pub fn parse(field: &'static str, text: &str, allowed: &Networks) -> Result<Self> {
        let text = text::trim(text);
        if text.is_empty() {
            return Err(Error::invalid(field, EXAMPLE_HINT));
        }
        if text.chars().count() > MAX_URL_CHARS {
            return Err(Error::invalid(
                field,
                format!("The address is too long. Use at most {MAX_URL_CHARS} characters."),
            ));
        }
        let url = Url::parse(text).map_err(|_| Error::invalid(field, EXAMPLE_HINT)).map(Self)?;
        match url.problem(allowed) {
            Some(problem) => Err(Error::invalid(field, problem)),
            None => Ok(url),
        }
    }

    fn problem(&self, allowed: &Networks) -> Option<String> {
        let url = &self.0;
        if !matches!(url.scheme(), "http" | "https") {
            return Some("The address must start with https:// or http://.".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Some("Remove the user name and password from the address.".to_owned());
        }
        if url.fragment().is_some() {
            return Some("Remove the # and everything after it. It would not be sent.".to_owned());
        }
        let host = url.host()?;
        let is_private = match &host {
            Host::Ipv4(address) => !is_allowed((*address).into(), allowed),
            Host::Ipv6(address) => !is_allowed((*address).into(), allowed),
            // These names mean the loopback interface, whatever DNS says (RFC 6761 §6.3).
            Host::Domain(name) => is_localhost(name) && !allowed.contains(Ipv4Addr::LOCALHOST.into()),
        };
        is_private.then(|| {
            format!(
                "{host} is private, and callbacks go to public addresses only. \
                 Whoever runs Keyfob can allow it with --callback-allow."
            )
        })
    }

    /// The whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host and the port, such as `example.com:443`.
    #[must_use]
    pub fn host(&self) -> String {
        format!("{}:{}", self.0.host_str().unwrap_or_default(), self.0.port_or_known_default().unwrap_or_default())
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

impl std::str::FromStr for CallbackUrl {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Url::parse(text).map(Self).map_err(drop)
    }
}

text_column!(CallbackUrl);

impl fmt::Debug for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallbackUrl({})", self.host())
    }
}

/// Whether requests may go to an address: if it is public or in `allowed`.
#[must_use]
pub fn is_allowed(address: IpAddr, allowed: &Networks) -> bool {
    let is_public = match address.to_canonical() {
        IpAddr::V4(address) => is_public(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_public(inner),
            None => is_public_v6(address),
        },
    };
    is_public || allowed.contains(address)
}

/// The IPv4 address that an IPv6 address is translated to: 6to4 (RFC 3056) and
/// NAT64 (RFC 6052).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let at = |place: usize| {
        let bytes = address.octets();
        Ipv4Addr::new(bytes[place], bytes[place + 1], bytes[place + 2], bytes[place + 3])
    };
    match address.segments() {
        [0x2002, ..] => Some(at(2)),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(at(12)),
        _ => None,
    }
}

/// Whether an IPv4 address is in no special-purpose block
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>).
const fn is_public(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224.., ..]           // this network, private, loopback, multicast, reserved, broadcast
            | [100, 64..=127, ..]            // shared by carriers
            | [169, 254, ..]                 // link-local
            | [172, 16..=31, ..]             // private
            | [192, 0, 0 | 2, _]             // protocols, documentation
            | [192, 88, 99, _]               // 6to4 relays
            | [192, 168, ..]                 // private
            | [198, 18..=19, ..]             // benchmarks
            | [198, 51, 100, _]              // documentation
            | [203, 0, 113, _] // documentation
    )
}

/// Whether an IPv6 address is global unicast (`2000::/3`) and in no special-purpose
/// block
/// (<https://www.iana.org/assignments/iana-ipv6-special-registry>).
const fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0..=0x1ff, ..] => false, // protocols, Teredo, benchmarks
        [0x2001, 0xdb8, ..] => false,     // documentation
        [0x3fff, 0..=0xfff, ..] => false, // documentation
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str, allowed: &str) -> Option<String> {
        match CallbackUrl::parse("url", text, &Networks::parse(allowed).unwrap()) {
            Err(Error::Invalid(errors)) => errors.get("url").map(str::to_owned),
            Err(error) => panic!("{error}"),
            Ok(_) => None,
        }
    }

    #[test]
    fn every_kind_of_private_address_is_refused() {
        let none = Networks::default();
        for address in "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.0.1 \
             169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 \
             198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 \
             255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 \
             64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 \
             2001:2::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 2002:c0a8:101::1 3fff::1 3fff:fff::1 \
             fc00::1 fd12::1 fe80::1 fec0::1 ff02::1 5f00::1"
            .split(' ')
        {
            assert!(!is_allowed(address.parse().unwrap(), &none), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_not() {
        for address in "1.1.1.1 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 \
             192.0.1.1 192.167.1.1 198.17.0.1 198.20.0.1 223.255.255.255 2606:4700::1111 2001:200::1 \
             2001:4860:4860::8888 ::ffff:1.1.1.1 64:ff9b::101:101 2002:101:101::1"
            .split(' ')
        {
            assert!(is_allowed(address.parse().unwrap(), &Networks::default()), "{address}");
        }
    }

    #[test]
    fn no_spelling_hides_a_private_address() {
        for url in "http://127.0.0.1/ http://127.1/ http://2130706433/ http://0x7f000001/ http://0177.0.0.1/ \
             http://127.0.0.1.:80/ http://[::1]/ http://[::ffff:7f00:1]/ \
             http://[::ffff:169.254.169.254]/ http://localhost:8080/ http://LOCALHOST./ \
             http://a.localhost/ http:\\\\127.0.0.1\\x http://１２７.0.0.1/ http:127.0.0.1 \
             \thttps://10.0.0.1/hook\t http://0/ http://0x0a.1"
            .split(' ')
        {
            let message = message(url, "").unwrap_or_else(|| panic!("{url} was taken"));
            assert!(message.contains("is private") && message.contains("--callback-allow"), "{url}: {message}");
        }
    }

    #[test]
    fn what_the_settings_allow_is_allowed_and_nothing_else() {
        assert_eq!(message("http://127.0.0.1:8080/x", "127.0.0.0/8"), None);
        assert_eq!(message("http://localhost:8080/x", "127.0.0.0/8"), None);
        assert_eq!(message("http://[::ffff:10.1.2.3]/x", "10.0.0.0/8"), None);
        assert_eq!(message("http://[fd00::1]/x", "fd00::/8"), None);
        assert!(message("http://127.0.0.1:8080/x", "10.0.0.0/8").is_some());
        assert!(message("http://169.254.169.254/latest", "10.0.0.0/8,127.0.0.0/8").is_some());
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_to_change() {
        for (url, part) in [
            ("", "for example https://"),
            ("example.com/hook", "for example https://"),
            ("https://", "for example https://"),
            ("https://exa mple.com", "for example https://"),
            ("ftp://example.com/", "start with https://"),
            ("file:///etc/passwd", "start with https://"),
            ("javascript:alert(1)", "start with https://"),
            ("https://me:secret@example.com/", "user name"),
            ("https://me@example.com/", "user name"),
            ("https://example.com/#x", "the #"),
            (&format!("https://example.com/{}", "x".repeat(2_000)), "too long"),
        ] {
            let message = message(url, "").unwrap_or_else(|| panic!("{url} was taken"));
            assert!(message.contains(part), "{url}: {message}");
        }
        assert_eq!(message("https://example.com/hook?token=1", ""), None);
        assert_eq!(message("https://例え.jp:8443/hook", ""), None);
    }

    #[test]
    fn only_the_host_is_shown_in_logs() {
        let url = CallbackUrl::parse("url", "https://Example.com/secret?token=1", &Networks::default()).unwrap();
        assert_eq!(format!("{url:?}"), "CallbackUrl(example.com:443)");
    }
}
