//! Why a key is switched off, and the form for it, as the key's page shows them.

use serde::Deserialize;

use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::layout::When;
use crate::domain::api_key::{self, ApiKey, Disabling, StatusReason};
use crate::error::{FieldErrors, Result};
use crate::store::Conn;

/// What people choose from: the value, and its words.
const CHOICES: [(&str, &str); 5] = [
    ("", "No reason"),
    ("compromised", "Compromised: somebody else may know it"),
    ("superseded", "Superseded: another key replaces it"),
    ("unused", "Unused"),
    ("policy", "Policy"),
];

/// What is filled in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReasonForm {
    pub(super) reason: String,
    pub(super) note: String,
}

/// A key that is switched off, in words.
pub(super) struct OffView {
    pub(super) since: Option<When>,
    pub(super) by: Option<String>,
    pub(super) reason: Option<&'static str>,
    pub(super) note: Option<String>,
}

/// The form, as the key is or as it was filled in.
#[derive(Default)]
pub(super) struct ReasonView {
    pub(super) off: Option<OffView>,
    pub(super) filled: ReasonForm,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
    pub(super) is_open: bool,
}

impl ReasonView {
    pub(super) fn read(conn: &mut Conn, key: &ApiKey) -> Result<Self> {
        let Some(disabling) = api_key::disabling(conn, key)? else { return Ok(Self::default()) };
        let Disabling { since, by, reason, note } = disabling;
        let filled = ReasonForm {
            reason: reason.map_or("", StatusReason::as_str).to_owned(),
            note: note.clone().unwrap_or_default(),
        };
        let off = OffView { since: since.map(When::from), by, reason: reason.map(words), note };
        Ok(Self { off: Some(off), filled, ..Self::default() })
    }

    /// The same as it was filled in.
    pub(super) fn fill_in(&mut self, filled: ReasonForm) {
        (self.filled, self.is_open) = (filled, true);
    }

    /// The same as it was filled in before a login, if it was.
    pub(super) fn fill_in_draft(&mut self, draft: Option<String>) {
        if let Some(form) = draft.and_then(|draft| parse_form(draft.as_bytes()).ok()) {
            self.fill_in(form);
        }
    }

    /// Once there is a reason, another one can be chosen, but not none; one that people do
    /// not give can be kept.
    pub(super) fn choices(&self) -> Vec<(&'static str, &'static str)> {
        let reason = self.off.as_ref().and_then(|off| off.reason);
        let is_chosen = CHOICES.iter().skip(1).any(|(value, _)| Some(*value) == reason);
        match (reason, is_chosen) {
            (None, _) => CHOICES.to_vec(),
            (Some(_), true) => CHOICES[1..].to_vec(),
            (Some(_), false) => [("", "As it is")].iter().chain(&CHOICES[1..]).copied().collect(),
        }
    }
}

const fn words(reason: StatusReason) -> &'static str {
    match reason {
        StatusReason::Compromised => "compromised",
        StatusReason::Superseded => "superseded",
        StatusReason::Unused => "unused",
        StatusReason::Policy => "policy",
        StatusReason::Holder => "its holder switched it off",
        StatusReason::LeakReport => "it was reported as leaked",
    }
}
