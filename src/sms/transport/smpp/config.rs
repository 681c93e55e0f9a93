//! The settings of an SMPP connection: one URL, validated at the start.

use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;
use zeroize::Zeroizing;

use super::dialect::{Alphabet, Dialect};
use super::receipt::{ReceiptDialect, ReceiptIds};
use super::tls::Tls;

const DEFAULT_PORT: u16 = 2775;
/// SMPP 3.4 §4.1.1, without the terminating NUL.
const MAX_SYSTEM_ID_BYTES: usize = 15;
/// SMPP 3.4 §4.1.1, without the terminating NUL.
const MAX_PASSWORD_BYTES: usize = 8;
/// The longest password that some carriers hand out, though SMPP has no room for it.
const MAX_LONG_PASSWORD_BYTES: usize = 64;
/// SMPP 3.4 §4.1.1, without the terminating NUL.
const MAX_SYSTEM_TYPE_BYTES: usize = 12;

/// The longest text of an optional parameter.
const MAX_TLV_BYTES: u16 = 1_024;

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
/// | `enquire`        | seconds between two `enquire_link` commands, 1 to 3600          | 20      |
/// | `bind`           | `transceiver`, or `separate`: a transmitter and a receiver      | `transceiver` |
/// | `system_type`    | as the carrier requires it, at most 12 characters               | empty   |
/// | `password_limit` | `off` lets the password have more than SMPP's 8 characters      | `on`    |
/// | `sender`         | the sender of messages that name none                           | none    |
/// | `short_code_ton` | type of number of senders that are short codes, 0 to 6          | 3       |
/// | `alphabet`       | the carrier's default alphabet: `gsm`, `latin1` or `ascii`      | `gsm`   |
/// | `validity`       | `none` leaves the validity period to the carrier                | `set`   |
/// | `tlv`            | `0x1400:TEXT` adds this optional parameter to each submit; may be repeated | none |
/// | `receipts`       | `text`: whatever reads like a receipt is one                    | `marked` |
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
    pub(super) has_separate_binds: bool,
    pub(super) dialect: Dialect,
    /// Optional parameters for every submit, encoded.
    pub(super) tlvs: Vec<u8>,
    pub(super) receipts: ReceiptDialect,
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
            password: SmppPassword::default(),
            system_type: String::new(),
            window: 10,
            rate: None,
            timeout: Duration::from_secs(10),
            enquire: Duration::from_secs(20),
            has_separate_binds: false,
            dialect: Dialect::default(),
            tlvs: Vec::new(),
            receipts: ReceiptDialect::default(),
        };
        if config.system_id.is_empty() {
            return Err(format!("the SMPP URL names no user; {URL_SYNTAX}"));
        }
        let (mut ca, mut max_password_bytes) = (None, MAX_PASSWORD_BYTES);
        for (name, value) in url.query_pairs() {
            match &*name {
                "ca" => ca = Some(value.into_owned()),
                "password_limit" => {
                    let is_on = one_of(&name, &value, &["on", "off"])? == 0;
                    max_password_bytes = if is_on { MAX_PASSWORD_BYTES } else { MAX_LONG_PASSWORD_BYTES };
                }
                _ => config.set(&name, &value)?,
            }
        }
        config.password = SmppPassword::new(&decode(url.password().unwrap_or_default())?, max_password_bytes)?;
        config.tls = match (secure, ca) {
            (true, ca) => Some(Tls::new(&config.host, ca.as_deref().map(Path::new))?),
            (false, None) => None,
            (false, Some(_)) => return Err("the SMPP URL has ca but no TLS; write smpps://".to_owned()),
        };
        Ok(config)
    }
}

impl SmppConfig {
    /// The carrier's host and port.
    pub(in crate::sms) fn address(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{host}:{}", self.port)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "window" => self.window = number(name, value, 1, 1000)? as usize,
            "rate" => self.rate = NonZeroU32::new(number(name, value, 1, 100_000)?),
            "timeout" => self.timeout = Duration::from_secs(number(name, value, 1, 300)?.into()),
            "enquire" => self.enquire = Duration::from_secs(number(name, value, 1, 3600)?.into()),
            "system_type" => self.system_type = ascii(name, MAX_SYSTEM_TYPE_BYTES, value)?,
            "bind" => self.has_separate_binds = one_of(name, value, &["transceiver", "separate"])? == 1,
            "sender" => {
                let problem = |_| format!("in the SMPP URL, sender {value:?} is no sender that phones show");
                self.dialect.sender = Some(value.parse().map_err(problem)?);
            }
            "short_code_ton" => {
                self.dialect.short_code_ton = u8::try_from(number(name, value, 0, 6)?).unwrap_or_default();
            }
            "alphabet" => {
                let all = [Alphabet::Gsm, Alphabet::Latin1, Alphabet::Ascii];
                self.dialect.alphabet = all[one_of(name, value, &["gsm", "latin1", "ascii"])?];
            }
            "validity" => self.dialect.has_validity = one_of(name, value, &["set", "none"])? == 0,
            "tlv" => self.tlvs.extend(tlv(value)?),
            "receipts" => self.receipts.by_text = one_of(name, value, &["marked", "text"])? == 1,
            "receipt_ids" => {
                let all = [ReceiptIds::AsIs, ReceiptIds::Hex, ReceiptIds::Decimal];
                self.receipts.ids = all[one_of(name, value, &["as_is", "hex", "decimal"])?];
            }
            _ => {
                return Err(format!(
                    "the SMPP URL has a parameter {name:?} that Keyfob does not know; there are window, rate, timeout, \
                     enquire, bind, system_type, password_limit, sender, short_code_ton, alphabet, validity, tlv, \
                     receipts, receipt_ids and ca"
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
        write!(f, "{scheme}://{}@{}", self.system_id, self.address())
    }
}

impl fmt::Debug for SmppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmppConfig({self})")
    }
}

/// The password. Its `Debug` is redacted.
#[derive(Clone, Default)]
pub(super) struct SmppPassword(Zeroizing<String>);

impl SmppPassword {
    fn new(text: &str, max_bytes: usize) -> Result<Self, String> {
        let password = ascii("password", max_bytes, text).map(|text| Self(Zeroizing::new(text)));
        let is_only_too_long = text.len() > max_bytes && max_bytes == MAX_PASSWORD_BYTES;
        password.map_err(|problem| match problem {
            problem if is_only_too_long => format!("{problem}, unless the URL has password_limit=off"),
            problem => problem,
        })
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

/// The place of `text` in `words`.
fn one_of(name: &str, text: &str, words: &[&str]) -> Result<usize, String> {
    let problem = || format!("in the SMPP URL, {name} is {}", words.join(" or "));
    words.iter().position(|word| *word == text).ok_or_else(problem)
}

/// An optional parameter (SMPP 3.4 §3.2.4.1), encoded: `0x1400:TEXT`.
fn tlv(text: &str) -> Result<Vec<u8>, String> {
    let parsed = text.split_once(':').and_then(|(tag, value)| {
        let tag = u16::from_str_radix(tag.strip_prefix("0x")?, 16).ok()?;
        let length = u16::try_from(value.len()).ok().filter(|length| *length <= MAX_TLV_BYTES)?;
        Some([&tag.to_be_bytes()[..], &length.to_be_bytes(), value.as_bytes()].concat())
    });
    parsed.ok_or_else(|| format!("in the SMPP URL, tlv is a tag and a text, such as tlv=0x1400:12345, not {text:?}"))
}

fn number(name: &str, text: &str, min: u32, max: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("in the SMPP URL, {name} is a number from {min} to {max}"))
}

#[cfg(test)]
mod tests;
