//! What an answer of the carrier means for the message, and for the connection.

use std::time::Duration;

use regex_lite::Regex;
use serde_json::Value;

use super::client::HttpAnswer;
use crate::domain::message::{CarrierMessageId, CarrierRejection, MessageError};
use crate::sms::transport::interface::LinkProblem;

/// The most characters of the carrier's own code.
const MAX_CODE_CHARS: usize = 40;
/// The longest id that a carrier may give a message, in characters.
const MAX_ID_CHARS: usize = 200;

/// Where a value stands in a body.
#[derive(Debug, Clone)]
pub(super) enum Finder {
    /// A place in JSON (RFC 6901).
    Pointer(String),
    /// The first group of a regular expression, or what it matches.
    Pattern(Regex),
}

impl Finder {
    /// A JSON Pointer begins with a slash; everything else is a regular expression.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Ok(Self::Pointer(text.to_owned()));
        }
        let problem =
            |error| format!("{text:?} is neither a JSON Pointer such as /data/id nor a regular expression ({error})");
        Regex::new(text).map(Self::Pattern).map_err(problem)
    }

    pub(super) fn find(&self, body: &str) -> Option<String> {
        match self {
            Self::Pointer(pointer) => text_of(serde_json::from_str::<Value>(body).ok()?.pointer(pointer)?),
            Self::Pattern(pattern) => {
                let found = pattern.captures(body)?;
                Some(found.get(1).or_else(|| found.get(0))?.as_str().to_owned())
            }
        }
    }
}

/// The text of a JSON string or number; `None` for an empty one.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whose fault a code of the carrier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The message's.
    Message(MessageError),
    /// The account's: no message goes until somebody changes something there.
    Account,
    /// Too many at once.
    Throttled,
}

impl Fault {
    /// The words of a template.
    pub(super) const WORDS: [(&'static str, Self); 7] = [
        ("invalid_recipient", Self::Message(MessageError::InvalidRecipient)),
        ("invalid_sender", Self::Message(MessageError::InvalidSender)),
        ("invalid_message", Self::Message(MessageError::InvalidMessage)),
        ("invalid_validity", Self::Message(MessageError::InvalidValidity)),
        ("rejected", Self::Message(MessageError::Rejected)),
        ("account", Self::Account),
        ("throttled", Self::Throttled),
    ];
}

/// How the answers of a carrier are read.
#[derive(Debug, Clone)]
pub(super) struct AnswerRules {
    /// The statuses with which the carrier accepts a message.
    pub(super) accepted: Vec<u16>,
    /// Where the carrier's id of the message stands.
    pub(super) id: Option<Finder>,
    /// Where the carrier's code of an error may stand; the first one that is there counts.
    pub(super) code: Vec<Finder>,
    /// The meaning of codes; one that ends with `*` stands for all that begin so.
    pub(super) refused: Vec<(String, Fault)>,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Judgement {
    /// The id is empty if it can't be read.
    Accepted(CarrierMessageId),
    Rejected(CarrierRejection),
    Throttled {
        rejection: CarrierRejection,
        after: Option<Duration>,
    },
    /// Not the message's fault: it was not accepted, and an operator has to do something.
    Held(LinkProblem),
    /// The carrier may have accepted it.
    Unknown(LinkProblem),
}

impl AnswerRules {
    /// The meaning of an answer of `carrier`, as sentences name it.
    pub(super) fn judge(&self, carrier: &str, answer: &HttpAnswer) -> Judgement {
        let HttpAnswer { status, retry_after, is_html, body } = answer;
        let code = self.code.iter().find_map(|finder| finder.find(body)).map(|code| shortened(&code));
        let rejection =
            |error| CarrierRejection { error, carrier_code: Some(code.clone().unwrap_or_else(|| status.to_string())) };
        let problem =
            |what: &str, needs_operator| LinkProblem { sentence: format!("{carrier} {what}"), needs_operator };
        match code.as_deref().and_then(|code| self.fault(code)) {
            Some(Fault::Message(error)) if *status < 500 => return Judgement::Rejected(rejection(error)),
            Some(Fault::Throttled) => {
                return Judgement::Throttled { rejection: rejection(MessageError::Throttled), after: *retry_after };
            }
            Some(Fault::Account) => {
                let code = code.unwrap_or_default();
                return Judgement::Held(problem(&format!("refuses every message of this account (code {code})"), true));
            }
            _ => {}
        }
        match *status {
            429 => Judgement::Throttled { rejection: rejection(MessageError::Throttled), after: *retry_after },
            503 if retry_after.is_some() => {
                Judgement::Throttled { rejection: rejection(MessageError::QueueFull), after: *retry_after }
            }
            status if self.accepted.contains(&status) => match self.id.as_ref() {
                Some(_) if *is_html => {
                    let what = "answers with a web page, not with what its API answers: check the address";
                    Judgement::Unknown(problem(what, true))
                }
                id => Judgement::Accepted(CarrierMessageId::new(
                    id.and_then(|id| id.find(body)).filter(|id| is_id(id)).unwrap_or_default(),
                )),
            },
            401 | 403 => Judgement::Held(problem("refuses the password", true)),
            402 => Judgement::Held(problem("asks for a payment: check the balance there", true)),
            300..400 => {
                let what = format!("answers with a redirect (status {status}): check the address");
                Judgement::Held(problem(&what, true))
            }
            404 | 405 if code.is_none() && (*is_html || body.trim().is_empty()) => {
                let what = format!("has no such address (status {status}): check it");
                Judgement::Held(problem(&what, true))
            }
            408 | 500.. => Judgement::Unknown(problem(&format!("has an error of its own (status {status})"), false)),
            400..500 => Judgement::Rejected(rejection(MessageError::Rejected)),
            status => {
                let what = format!("answers with status {status}, which says neither yes nor no");
                Judgement::Unknown(problem(&what, true))
            }
        }
    }

    fn fault(&self, code: &str) -> Option<Fault> {
        best_match(&self.refused, code)
    }
}

/// The meaning of a word of the carrier, whatever its case: that of the word itself, or of
/// the longest beginning, written with `*` behind it.
pub(super) fn best_match<T: Copy>(meanings: &[(String, T)], word: &str) -> Option<T> {
    let word = word.trim().to_ascii_lowercase();
    let fits = |pattern: &str| match pattern.to_ascii_lowercase().strip_suffix('*') {
        Some(beginning) => word.starts_with(beginning),
        None => pattern.eq_ignore_ascii_case(&word),
    };
    let fitting = meanings.iter().filter(|(pattern, _)| fits(pattern));
    fitting.max_by_key(|(pattern, _)| (!pattern.ends_with('*'), pattern.len())).map(|(_, meaning)| *meaning)
}

/// A carrier's code, as it is kept.
pub(super) fn shortened(code: &str) -> String {
    code.trim().chars().filter(|char| !char.is_control()).take(MAX_CODE_CHARS).collect()
}

/// Whether a text can be the id of a message.
pub(super) fn is_id(text: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
