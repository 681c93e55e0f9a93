//! Twilio, as a URL names it:
//! `twilio://ACxxx:TOKEN@api.twilio.com?from=%2B15551234567`.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::answer::{AnswerRules, Fault, Finder};
use super::config::{HttpConfig, HttpLimits};
use super::receipt_rules::{FieldName, ReceiptRules};
use super::request::{BodyTemplate, RequestTemplate};
use super::template::Template;
use crate::domain::message::{MessageError, ReceiptState};
use crate::secret_text::SecretText;

/// The longest `ValidityPeriod` that Twilio takes.
const MAX_VALIDITY: Duration = Duration::from_secs(36_000);
const URL_SYNTAX: &str = "write twilio://ACCOUNT_SID:AUTH_TOKEN@api.twilio.com?from=%2B15551234567, or \
                          messaging_service=MG… in place of from";
const ESCAPING_HINT: &str = "in a value write + as %2B, @ as %40, : as %3A, / as %2F and % as %25";

/// What Twilio's codes mean: <https://www.twilio.com/docs/api/errors>. Those that are
/// missing are about the message.
const CODES: [(&str, Fault); 46] = {
    use MessageError::{InvalidMessage, InvalidRecipient, InvalidSender, InvalidValidity};
    const fn of(error: MessageError) -> Fault {
        Fault::Message(error)
    }
    [
        ("14107", Fault::Throttled),
        ("20005", Fault::Account),
        ("20404", Fault::Account),
        ("20429", Fault::Throttled),
        ("21211", of(InvalidRecipient)),
        ("21212", of(InvalidSender)),
        ("21214", of(InvalidRecipient)),
        ("21217", of(InvalidRecipient)),
        ("21219", of(InvalidRecipient)),
        ("21408", of(InvalidRecipient)),
        ("21601", of(InvalidSender)),
        ("21602", of(InvalidMessage)),
        ("21603", of(InvalidSender)),
        ("21604", of(InvalidRecipient)),
        ("21605", of(InvalidMessage)),
        ("21606", of(InvalidSender)),
        ("21607", of(InvalidSender)),
        ("21608", of(InvalidRecipient)),
        ("21609", Fault::Account),
        ("21610", of(InvalidRecipient)),
        ("21611", Fault::Throttled),
        ("21612", of(InvalidRecipient)),
        ("21614", of(InvalidRecipient)),
        ("21616", of(InvalidSender)),
        ("21617", of(InvalidMessage)),
        ("21618", of(InvalidMessage)),
        ("21619", of(InvalidMessage)),
        ("21624", of(InvalidValidity)),
        ("21635", of(InvalidRecipient)),
        ("21660", of(InvalidSender)),
        ("21661", of(InvalidSender)),
        ("21701", Fault::Account),
        ("21703", Fault::Account),
        ("21704", Fault::Account),
        ("21705", Fault::Account),
        ("21712", of(InvalidSender)),
        ("30001", Fault::Throttled),
        ("30002", Fault::Account),
        ("30005", of(InvalidRecipient)),
        ("30006", of(InvalidRecipient)),
        ("30007", of(InvalidMessage)),
        ("30022", Fault::Throttled),
        ("30032", of(InvalidSender)),
        ("30034", of(InvalidSender)),
        ("63038", Fault::Account),
        ("90007", of(InvalidValidity)),
    ]
};

/// `MessageStatus` of a receipt.
const STATES: [(&str, ReceiptState); 10] = [
    ("accepted", ReceiptState::Enroute),
    ("scheduled", ReceiptState::Enroute),
    ("queued", ReceiptState::Enroute),
    ("sending", ReceiptState::Enroute),
    ("sent", ReceiptState::Enroute),
    ("delivered", ReceiptState::Delivered),
    ("read", ReceiptState::Delivered),
    ("undelivered", ReceiptState::Undelivered),
    ("failed", ReceiptState::Undelivered),
    ("canceled", ReceiptState::Deleted),
];

struct TwilioUrl {
    endpoint: String,
    place: String,
    user: String,
    password: Zeroizing<String>,
    parameters: TwilioParameters,
}

#[derive(Default)]
struct TwilioParameters {
    from: String,
    messaging_service: String,
    account: String,
    limits: HttpLimits,
}

/// Reads the URL. No message repeats it, since it holds a password.
pub(super) fn parse(text: &str) -> Result<HttpConfig, String> {
    let TwilioUrl { endpoint, place, user, password, parameters } = text.parse()?;
    let TwilioParameters { from, messaging_service, limits, .. } = parameters;
    let placeholder = |text: &str| Template::parse(text, &mut |_| Err(String::new()));
    let mut fields = vec![
        ("To".to_owned(), placeholder("{{to}}")?),
        ("Body".to_owned(), placeholder("{{text}}")?),
        ("From".to_owned(), placeholder("{{from}}")?),
        ("StatusCallback".to_owned(), placeholder("{{receipt_url}}")?),
        ("ValidityPeriod".to_owned(), placeholder("{{validity_seconds}}")?),
    ];
    if !messaging_service.is_empty() {
        fields.push(("MessagingServiceSid".to_owned(), Template::literal(&messaging_service)));
    }
    // Twilio signs receipts with the account's token, which is unknown here if an API key is used.
    let signed_with = user.starts_with("AC").then(|| SecretText::from(password.as_str()));
    Ok(HttpConfig {
        title: "Twilio".to_owned(),
        place,
        request: RequestTemplate {
            method: "POST",
            url: Template::literal(&endpoint),
            query: Vec::new(),
            headers: Vec::new(),
            login: Some((Template::literal(&user), Template::literal(&password))),
            idempotency_header: None,
            body: BodyTemplate::Form(fields),
        },
        answers: AnswerRules {
            accepted: vec![200, 201, 202],
            id: Some(Finder::Pointer("/sid".to_owned())),
            code: vec![Finder::Pointer("/code".to_owned()), Finder::Pointer("/error_code".to_owned())],
            refused: CODES.map(|(code, fault)| (code.to_owned(), fault)).to_vec(),
        },
        receipts: Some(ReceiptRules {
            takes_get: false,
            list: None,
            id: Some(FieldName::parse("MessageSid")),
            status: FieldName::parse("MessageStatus"),
            states: STATES.map(|(word, state)| (word.to_owned(), state)).to_vec(),
            code: Some(FieldName::parse("ErrorCode")),
            answer: String::new(),
            signed_with,
        }),
        sender: from,
        limits,
        max_validity: MAX_VALIDITY,
        credentials: SecretText::from(format!("{user}:{}", *password).as_str()),
        receipt_secret: None,
    })
}

impl FromStr for TwilioUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.matches('@').count() != 1 {
            return Err(format!(
                "the Twilio URL needs one @ between the token and the host; {ESCAPING_HINT}, or {URL_SYNTAX}"
            ));
        }
        let url = Url::parse(text).map_err(|error| format!("the Twilio URL can't be read ({error}); {URL_SYNTAX}"))?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| format!("the Twilio URL names no host; {URL_SYNTAX}"))?;
        let scheme = match url.scheme() {
            "twilio" => "https",
            "twilio+http" if is_loopback(host) => "http",
            "twilio+http" => {
                return Err("twilio+http:// sends passwords in the clear and is for an emulator on this machine; \
                            write twilio:// for Twilio"
                    .to_owned());
            }
            _ => return Err(format!("the Twilio URL does not begin with twilio://; {URL_SYNTAX}")),
        };
        let is_cut = url.query().is_some_and(|query| query.contains('@'));
        if is_cut || !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(format!("the Twilio URL has something behind the host; {ESCAPING_HINT}, or {URL_SYNTAX}"));
        }
        let (user, password) = (decode(url.username())?, decode(url.password().unwrap_or_default())?);
        let parameters = TwilioParameters::parse(&url)?;
        let account = match (&user[..user.len().min(2)], parameters.account.as_str()) {
            ("AC", "") => user.as_str(),
            ("AC", account) if account == user.as_str() => account,
            ("SK", account) if account.starts_with("AC") => account,
            ("SK", _) => {
                return Err(
                    "the Twilio URL names an API key (SK…), so it needs the account too: account=AC…".to_owned()
                );
            }
            _ => {
                return Err(format!(
                    "the user in the Twilio URL is neither an account (AC…) nor an API key (SK…); {URL_SYNTAX}"
                ));
            }
        };
        let is_plain = |sid: &str| sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_plain(&user) || !is_plain(account) {
            return Err(format!(
                "the user in the Twilio URL has other characters than letters and digits; {URL_SYNTAX}"
            ));
        }
        if password.is_empty() {
            return Err(format!("the Twilio URL has no token; {URL_SYNTAX}"));
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let endpoint = format!("{scheme}://{host}{port}/2010-04-01/Accounts/{account}/Messages.json");
        let place = format!("{}://{account}@{host}{port}", url.scheme());
        Ok(Self { endpoint, place, user: user.to_string(), password, parameters })
    }
}

impl TwilioParameters {
    fn parse(url: &Url) -> Result<Self, String> {
        let mut parameters = Self::default();
        for (name, value) in url.query_pairs() {
            match &*name {
                "from" => parameters.from = value.trim().to_owned(),
                "messaging_service" => parameters.messaging_service = value.into_owned(),
                "account" => parameters.account = value.into_owned(),
                name if HttpLimits::NAMES.contains(&name) => {
                    parameters.limits.set(name, &value).map_err(|problem| format!("in the Twilio URL, {problem}"))?;
                }
                name => {
                    return Err(format!(
                        "the Twilio URL has a parameter {name:?} that Keyfob does not know; there are from, \
                         messaging_service, account, window, rate and timeout"
                    ));
                }
            }
        }
        let Self { from, messaging_service, .. } = &parameters;
        if from.is_empty() && messaging_service.is_empty() {
            return Err(format!(
                "the Twilio URL names no sender: add from=%2B… or messaging_service=MG…; {URL_SYNTAX}"
            ));
        }
        // An unescaped + in a query is a space.
        let digits = from.trim_start_matches('+');
        if digits.len() > 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) && !from.starts_with('+') {
            return Err(format!("in the Twilio URL, from is a number without +: write from=%2B{digits}"));
        }
        if !messaging_service.is_empty() && !messaging_service.starts_with("MG") {
            return Err("in the Twilio URL, messaging_service is an id that begins with MG".to_owned());
        }
        Ok(parameters)
    }
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Ok(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        Err(_) => false,
    }
}

fn decode(text: &str) -> Result<Zeroizing<String>, String> {
    let text = percent_decode_str(text).decode_utf8();
    let problem = |_| "the user and the token in the Twilio URL have to be ASCII".to_owned();
    let text = text.map(|text| Zeroizing::new(text.into_owned())).map_err(problem)?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the user and the token in the Twilio URL have to be ASCII".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
