//! The settings of an SMPP connection: one URL, validated at the start.

use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;
use zeroize::Zeroizing;

use super::receipt::ReceiptIds;
use super::tls::Tls;

const DEFAULT_PORT: u16 = 2775;
/// SMPP 3.4 §4.1.1, without the terminating NUL.
const MAX_SYSTEM_ID_BYTES: usize = 15;
/// SMPP 3.4 §4.1.1, without the terminating NUL.
const MAX_PASSWORD_BYTES: usize = 8;
/// SMPP 3.4 §4.1.1, without the terminating NUL.
const MAX_SYSTEM_TYPE_BYTES: usize = 12;

/// The expected syntax, for messages about a wrong URL.
const URL_SYNTAX: &str = "write smpp://USER:PASSWORD@HOST:PORT, or smpps:// for TLS";
const ESCAPING_HINT: &str = "in a password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25";

/// `smpp://USER:PASSWORD@HOST:PORT?…`, with these parameters:
///
/// | parameter        | meaning                                                        | default |
/// |------------------|----------------------------------------------------------------|---------|
/// | `window`         | the most submits without a response, 1 to 1000                  | 10      |
/// | `rate`           | the most submits per second, 1 to 100000                        | no limit |
/// | `timeout`        | seconds until a missing response counts as lost, 1 to 300       | 10      |
/// | `enquire`        | seconds between two `enquire_link` commands, 1 to 3600          | 30      |
/// | `system_type`    | as the carrier requires it, at most 12 characters               | empty   |
/// | `short_code_ton` | type of number of senders that are short codes, 0 to 6          | 3       |
/// | `receipt_ids`    | ids in receipts, if written differently: `hex` or `decimal`     | `as_is` |
/// | `ca`             | file of additional trusted certificates (PEM)                   | none    |
///
/// In the user and the password, characters such as `@` and `/` are percent-encoded
/// (`%40`, `%2F`).
#[derive(Clone)]
pub struct SmppConfig {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Option<Tls>,
    pub(super) system_id: String,
    pub(super) password: SmppPassword,
    pub(super) system_type: String,
    pub(super) window: usize,
    pub(super) rate: Option<NonZeroU32>,
    pub(super) timeout: Duration,
    pub(super) enquire: Duration,
    pub(super) short_code_ton: u8,
    pub(super) receipt_ids: ReceiptIds,
}

impl FromStr for SmppConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // More than one @ shows that a part of the password was taken for something
        // else, which a message might repeat.
        if text.matches('@').count() > 1 {
            return Err(format!("the SMPP URL has an @ too many; {ESCAPING_HINT}"));
        }
        // The parser's message does not repeat the text, which may hold a password.
        let url = Url::parse(text)
            .map_err(|error| format!("the SMPP URL can't be read ({error}); {ESCAPING_HINT}, or {URL_SYNTAX}"))?;
        let secure = match url.scheme() {
            "smpp" => false,
            "smpps" => true,
            _ => return Err(format!("the SMPP URL begins with neither smpp:// nor smpps://; {URL_SYNTAX}")),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| format!("the SMPP URL names no host; {URL_SYNTAX}"))?;
        if url.query().is_some_and(|query| query.contains('@')) {
            return Err(format!("the SMPP URL has an @ behind the host; {ESCAPING_HINT}"));
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(format!("the SMPP URL has something behind the host; {ESCAPING_HINT}, or {URL_SYNTAX}"));
        }
        let mut config = Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(DEFAULT_PORT),
            tls: None,
            system_id: ascii("user", MAX_SYSTEM_ID_BYTES, &decode(url.username())?)?,
            password: SmppPassword::new(&decode(url.password().unwrap_or_default())?)?,
            system_type: String::new(),
            window: 10,
            rate: None,
            timeout: Duration::from_secs(10),
            enquire: Duration::from_secs(30),
            short_code_ton: 3,
            receipt_ids: ReceiptIds::AsIs,
        };
        if config.system_id.is_empty() {
            return Err(format!("the SMPP URL names no user; {URL_SYNTAX}"));
        }
        let mut ca = None;
        for (name, value) in url.query_pairs() {
            if name == "ca" { ca = Some(value.into_owned()) } else { config.set(&name, &value)? }
        }
        config.tls = match (secure, ca) {
            (true, ca) => Some(Tls::new(&config.host, ca.as_deref().map(Path::new))?),
            (false, None) => None,
            (false, Some(_)) => return Err("the SMPP URL has ca but no TLS; write smpps://".to_owned()),
        };
        Ok(config)
    }
}

impl SmppConfig {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "window" => self.window = number(name, value, 1, 1000)? as usize,
            "rate" => self.rate = NonZeroU32::new(number(name, value, 1, 100_000)?),
            "timeout" => self.timeout = Duration::from_secs(number(name, value, 1, 300)?.into()),
            "enquire" => self.enquire = Duration::from_secs(number(name, value, 1, 3600)?.into()),
            "system_type" => self.system_type = ascii(name, MAX_SYSTEM_TYPE_BYTES, value)?,
            "short_code_ton" => self.short_code_ton = u8::try_from(number(name, value, 0, 6)?).unwrap_or_default(),
            "receipt_ids" => {
                let problem = |()| "in the SMPP URL, receipt_ids is as_is, hex or decimal".to_owned();
                self.receipt_ids = value.parse().map_err(problem)?;
            }
            _ => {
                return Err(format!(
                    "the SMPP URL has a parameter {name:?} that Keyfob does not know; there are window, rate, timeout, \
                     enquire, system_type, short_code_ton, receipt_ids and ca"
                ));
            }
        }
        Ok(())
    }
}

/// The URL without its password and parameters.
impl fmt::Display for SmppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "smpps" } else { "smpp" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{scheme}://{}@{host}:{}", self.system_id, self.port)
    }
}

impl fmt::Debug for SmppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmppConfig({self})")
    }
}

/// The password. Its `Debug` is redacted.
#[derive(Clone)]
pub(super) struct SmppPassword(Zeroizing<String>);

impl SmppPassword {
    fn new(text: &str) -> Result<Self, String> {
        ascii("password", MAX_PASSWORD_BYTES, text).map(|text| Self(Zeroizing::new(text)))
    }

    /// The password, for the bind alone.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SmppPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmppPassword(..)")
    }
}

fn decode(text: &str) -> Result<Zeroizing<String>, String> {
    let begins_code = |rest: &str| rest.as_bytes().get(..2).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(begins_code) {
        return Err(format!("the SMPP URL has a % that begins no code; {ESCAPING_HINT}"));
    }
    let text = percent_decode_str(text).decode_utf8();
    let problem = |_| "the user and the password in the SMPP URL have to be ASCII".to_owned();
    text.map(|text| Zeroizing::new(text.into_owned())).map_err(problem)
}

fn ascii(name: &str, max_bytes: usize, text: &str) -> Result<String, String> {
    if !text.bytes().all(|c| (b' '..=b'~').contains(&c)) {
        return Err(format!("the {name} in the SMPP URL has to be ASCII"));
    }
    match text.len() {
        length if length > max_bytes => {
            Err(format!("the {name} in the SMPP URL has {length} characters; SMPP takes {max_bytes}"))
        }
        _ => Ok(text.to_owned()),
    }
}

fn number(name: &str, text: &str, min: u32, max: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("in the SMPP URL, {name} is a number from {min} to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(url: &str) -> String {
        url.parse::<SmppConfig>().unwrap_err()
    }

    #[test]
    fn a_url_without_parameters_has_sensible_settings() {
        let config: SmppConfig = "smpp://keyfob:s3cret@smsc.example".parse().unwrap();
        assert_eq!((config.host.as_str(), config.port, config.window), ("smsc.example", 2775, 10));
        assert_eq!((config.rate, config.timeout.as_secs(), config.enquire.as_secs()), (None, 10, 30));
        assert_eq!((config.system_id.as_str(), config.password.expose()), ("keyfob", "s3cret"));
        assert!(config.tls.is_none());
    }

    #[test]
    fn every_parameter_is_taken() {
        let url = "smpp://u%40x:p%2F%23@[::1]:99?window=50&rate=100&timeout=5&enquire=60&system_type=VMA\
                   &short_code_ton=0&receipt_ids=hex";
        let config: SmppConfig = url.parse().unwrap();
        assert_eq!((config.host.as_str(), config.port), ("::1", 99));
        assert_eq!((config.system_id.as_str(), config.password.expose()), ("u@x", "p/#"));
        assert_eq!((config.window, config.rate.map(NonZeroU32::get)), (50, Some(100)));
        assert_eq!((config.timeout.as_secs(), config.enquire.as_secs()), (5, 60));
        assert_eq!((config.system_type.as_str(), config.short_code_ton), ("VMA", 0));
        assert_eq!(config.receipt_ids, ReceiptIds::Hex);
        assert_eq!(config.to_string(), "smpp://u@x@[::1]:99");
    }

    #[test]
    fn smpps_is_tls() {
        let config: SmppConfig = "smpps://u:p@smsc.example:3550".parse().unwrap();
        assert!(config.tls.is_some());
        assert_eq!(config.to_string(), "smpps://u@smsc.example:3550");
    }

    #[test]
    fn what_is_wrong_is_told_in_one_sentence_without_the_password() {
        for (url, words) in [
            ("", "can't be read"),
            ("smpp:sm0kesig", "no host"),
            ("http://u:sm0kesig@x", "neither smpp:// nor smpps://"),
            ("smpp://", "no host"),
            ("smpp://x:2775", "no user"),
            ("smpp://u:sm0kesig@x:99999", "can't be read"),
            ("smpp://u:sm0kesig/@x", "as %2F"),
            ("smpp://u:sm0@kesig@x", "an @ too many"),
            ("smpp://u:12?sm0kesig=1@x", "as %3F"),
            ("smpp://u:sm0%kesig@x", "a % that begins no code"),
            ("smpp://u:sm0kesig@x#y", "behind the host"),
            ("smpp://u:sm0kesig99@x", "the password in the SMPP URL has 10 characters; SMPP takes 8"),
            ("smpp://u:%C5%BE@x", "the password in the SMPP URL has to be ASCII"),
            ("smpp://u:%FF@x", "have to be ASCII"),
            ("smpp://abcdefghijklmnop:x@x", "the user in the SMPP URL has 16 characters; SMPP takes 15"),
            ("smpp://u:sm0kesig@x?window=0", "window is a number from 1 to 1000"),
            ("smpp://u:sm0kesig@x?rate=fast", "rate is a number from 1 to 100000"),
            ("smpp://u:sm0kesig@x?system_type=abcdefghijklm", "has 13 characters; SMPP takes 12"),
            ("smpp://u:sm0kesig@x?receipt_ids=octal", "as_is, hex or decimal"),
            ("smpp://u:sm0kesig@x?widnow=1", "does not know"),
            ("smpp://u:sm0kesig@x?ca=/x", "write smpps://"),
            ("smpps://u:sm0kesig@x?ca=/nowhere/ca.pem", "/nowhere/ca.pem"),
        ] {
            let problem = problem(url);
            assert!(problem.contains(words), "{url}: {problem}");
            assert!(!problem.contains("sm0kesig"), "{problem}");
        }
    }

    #[test]
    fn the_password_is_shown_nowhere() {
        let config: SmppConfig = "smpp://u:sm0kesig@x".parse().unwrap();
        let shown = format!("{config} {config:?} {:?}", config.password);
        assert!(!shown.contains("sm0kesig"), "{shown}");
    }
}
