//! Why a request was refused, in the words of pages, and what to do about it.

use crate::dashboard::frame::layout::When;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{ApiKey, KeyStatus};
use crate::domain::refusal::{KeyRefusal, RefusalKind};
use crate::format::count;
use crate::gate::Code;
use crate::store::UtcTime;

/// Codes that a known key can be refused for.
pub(super) const CODES: [Code; 6] =
    [Code::Disabled, Code::Expired, Code::IpNotAllowed, Code::InsufficientScope, Code::ModeNotAllowed, Code::NotFound];

/// The code of this name, unless another version of Keyfob wrote one that this one lacks.
pub(super) fn code_of(name: &str) -> Option<Code> {
    CODES.into_iter().find(|code| code.name() == name)
}

/// A code in a list of them.
pub(super) const fn code_words(code: Code) -> &'static str {
    match code {
        Code::Disabled => "Switched off",
        Code::Expired => "Ended",
        Code::IpNotAllowed => "Address not allowed",
        Code::InsufficientScope => "Scope missing",
        Code::ModeNotAllowed => "Wrong mode",
        Code::NotFound => "Used for another service",
        Code::KeyMissing => "No key",
        Code::Valid => "Accepted",
    }
}

/// Why a key was refused.
pub(super) fn reason(refusal: &KeyRefusal, key: &ApiKey) -> String {
    match (code_of(&refusal.code), key.expires_at) {
        (Some(Code::Expired), Some(end)) if end <= refusal.last_at => format!("Ended on {}", When::from(end).text),
        (Some(Code::Expired), _) => "Old secret, or past its end".to_owned(),
        (Some(Code::ModeNotAllowed), _) => match key.mode {
            Mode::Test => "Test key where a live key is needed".to_owned(),
            Mode::Live => "Live key where a test key is needed".to_owned(),
        },
        (Some(code), _) => code_words(code).to_owned(),
        (None, _) => refusal.code.clone(),
    }
}

/// What to do about it, as the key is now.
pub(super) fn advice(refusal: &KeyRefusal, key: &ApiKey, service_name: &str, now: UtcTime) -> String {
    let advice = match code_of(&refusal.code) {
        Some(Code::Disabled) if key.status == KeyStatus::Enabled => "It is on by now.",
        Some(Code::Disabled) => "Switch the key on to accept it again.",
        Some(Code::Expired) if key.expires_at.is_some_and(|end| end <= now) => "Give the key a later end.",
        Some(Code::Expired) => "If the key was rotated, its user needs the new one.",
        Some(Code::IpNotAllowed) if refusal.address.is_empty() => "The request came without its client's address.",
        Some(Code::IpNotAllowed) => "Add the address to the key's list, if it is yours.",
        Some(Code::InsufficientScope) => "Give the key the scope that the service asks for.",
        Some(Code::ModeNotAllowed) => "Use a key of the other mode.",
        Some(Code::NotFound) if key.is_for_management() => "It manages keys through the API, and opens no service.",
        Some(Code::NotFound) => return format!("This key works for {service_name} only."),
        Some(Code::Valid | Code::KeyMissing) | None => "",
    };
    advice.to_owned()
}

/// Requests of which only the number is known.
pub(super) fn kind_words(kind: RefusalKind, requests: i64) -> String {
    let requests = count(requests, "request");
    match kind {
        RefusalKind::Malformed => {
            format!("{requests} with something that is no key. It is not kept: it may be a password.")
        }
        RefusalKind::Unlisted => format!("{requests} more than could be listed one by one."),
    }
}
