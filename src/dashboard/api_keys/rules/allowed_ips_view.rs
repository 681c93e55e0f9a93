//! From where a key may be used, as the key's page shows it and lets it be changed,
//! with the addresses that it was refused from.

use std::net::IpAddr;

use serde::Deserialize;

use super::choices::AllowedIpsChoice;
use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::layout::When;
use crate::domain::api_key::{AllowedIps, ApiKeyEntry};
use crate::domain::refusal::RefusedAddress;
use crate::error::FieldErrors;
use crate::format;
use crate::store::UtcTime;

/// Addresses that the page shows; a key that is tried from more has another problem.
const MAX_REFUSALS_SHOWN: usize = 5;

/// What is filled in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct AllowedIpsForm {
    /// The whole list, where nothing else is said.
    pub(in crate::dashboard::api_keys) allowed_ips: String,
    /// The list that the form was drawn with.
    pub(in crate::dashboard::api_keys) was: Option<String>,
    /// One address more for a list that there is.
    pub(in crate::dashboard::api_keys) add: Option<String>,
    /// The one address that a key is limited to which may be used from anywhere.
    pub(in crate::dashboard::api_keys) only: Option<String>,
}

/// The section, as the key is or as it was filled in.
pub(in crate::dashboard::api_keys) struct AllowedIpsView {
    /// From where the key may be used now, in words.
    pub(in crate::dashboard::api_keys) fact: String,
    /// The list as stored.
    pub(in crate::dashboard::api_keys) was: String,
    pub(in crate::dashboard::api_keys) is_anywhere: bool,
    pub(in crate::dashboard::api_keys) choice: AllowedIpsChoice,
    pub(in crate::dashboard::api_keys) is_open: bool,
    /// From addresses that are not in the list, the latest first.
    pub(in crate::dashboard::api_keys) refused: Vec<RefusedFrom>,
    /// Without an address.
    pub(in crate::dashboard::api_keys) refused_unknown: Option<RefusedFrom>,
    /// The address of the key's last use, where the list does not have it.
    pub(in crate::dashboard::api_keys) last_used: Option<String>,
    pub(in crate::dashboard::api_keys) errors: FieldErrors,
    pub(in crate::dashboard::api_keys) alert: Option<String>,
}

/// Requests with the key that were refused for their address.
pub(in crate::dashboard::api_keys) struct RefusedFrom {
    pub(in crate::dashboard::api_keys) address: String,
    /// `once`, or `12 times`.
    pub(in crate::dashboard::api_keys) times: String,
    pub(in crate::dashboard::api_keys) last: When,
    pub(in crate::dashboard::api_keys) ago: String,
}

impl RefusedFrom {
    fn new(refused: &RefusedAddress, now: UtcTime) -> Self {
        let times = match refused.requests {
            1 => "once".to_owned(),
            count => format!("{} times", format::grouped(count)),
        };
        Self { address: refused.source.clone(), times, last: refused.last_at.into(), ago: ago(refused.last_at, now) }
    }
}

impl AllowedIpsView {
    /// The addresses of a key, and those that it was refused from.
    pub(in crate::dashboard::api_keys) fn of(
        entry: &ApiKeyEntry,
        mut refused: Vec<RefusedAddress>,
        now: UtcTime,
    ) -> Self {
        let allowed = &entry.key.allowed_ips;
        let (is_anywhere, networks) = (allowed.is_anywhere(), allowed.networks());
        let is_listed = |address: &IpAddr| networks.iter().any(|net| net.contains(address));
        // What would be let in by now is of no interest any more.
        let address_of = |refused: &RefusedAddress| refused.source.parse().ok();
        refused.retain(|refused| !is_anywhere && !address_of(refused).as_ref().is_some_and(is_listed));
        let (known, unknown): (Vec<_>, Vec<_>) = refused.iter().partition(|refused| address_of(refused).is_some());
        let last_used =
            entry.usage.as_ref().and_then(|usage| usage.address.parse().ok()).filter(|used| !is_listed(used));
        Self {
            fact: in_words(allowed),
            was: allowed.as_str().to_owned(),
            is_anywhere,
            choice: AllowedIpsChoice::of(allowed),
            is_open: !is_anywhere,
            refused: known.into_iter().take(MAX_REFUSALS_SHOWN).map(|refused| RefusedFrom::new(refused, now)).collect(),
            refused_unknown: unknown.first().map(|refused| RefusedFrom::new(refused, now)),
            last_used: last_used.map(|used| used.to_string()),
            errors: FieldErrors::default(),
            alert: None,
        }
    }

    /// The same as it was filled in; a button fills in nothing.
    pub(in crate::dashboard::api_keys) fn fill_in(&mut self, form: AllowedIpsForm) {
        if form.add.is_none() && form.only.is_none() {
            self.choice = AllowedIpsChoice { text: form.allowed_ips };
        }
        self.is_open = true;
    }

    /// The same as it was filled in before a login, if it was.
    pub(in crate::dashboard::api_keys) fn fill_in_draft(&mut self, draft: Option<String>) {
        if let Some(form) = draft.and_then(|draft| parse_form(draft.as_bytes()).ok()) {
            self.fill_in(form);
        }
    }
}

/// Addresses in a sentence.
pub(in crate::dashboard::api_keys) fn in_words(allowed: &AllowedIps) -> String {
    let entries: Vec<&str> = allowed.entries().collect();
    match &*entries {
        [] => "anywhere".to_owned(),
        [one] => (*one).to_owned(),
        several if several.iter().any(|entry| entry.contains('/')) => format!("{} addresses and ranges", several.len()),
        several => format!("{} addresses", several.len()),
    }
}
