//! The form of sending limits, of an account or of a key.

use serde::Deserialize;

use crate::dashboard::frame::form::parse_form;
use crate::domain::guard::{DestinationRule, HolderUsage, Limits, TypedLimits};
use crate::error::FieldErrors;
use crate::format::grouped;

/// What is filled in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::dashboard) struct LimitsForm {
    pub(in crate::dashboard) recipient_10_minutes: String,
    pub(in crate::dashboard) recipient_day: String,
    pub(in crate::dashboard) messages_minute: String,
    pub(in crate::dashboard) credits_day: String,
    pub(in crate::dashboard) destinations: String,
    pub(in crate::dashboard) prefixes: String,
    pub(in crate::dashboard) senders: String,
}

/// The form as the limits are, or as it was filled in, with what is used of them.
pub(in crate::dashboard) struct LimitsView {
    pub(in crate::dashboard) form: LimitsForm,
    /// What is limited, in words.
    pub(in crate::dashboard) facts: Vec<(&'static str, String)>,
    /// What is used of it at the moment.
    pub(in crate::dashboard) used: Vec<(&'static str, String)>,
    pub(in crate::dashboard) errors: FieldErrors,
    pub(in crate::dashboard) alert: Option<String>,
    /// Whether it was filled in before a login.
    pub(in crate::dashboard) is_draft: bool,
}

impl LimitsForm {
    fn of(limits: &Limits) -> Self {
        let write = |limit: Option<i64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        Self {
            recipient_10_minutes: write(limits.recipient_10_minutes),
            recipient_day: write(limits.recipient_day),
            messages_minute: write(limits.messages_minute),
            credits_day: write(limits.credits_day),
            destinations: limits.destinations.as_str().to_owned(),
            prefixes: limits.prefixes.as_str().to_owned(),
            senders: limits.senders.as_str().to_owned(),
        }
    }

    pub(in crate::dashboard) fn typed(&self) -> TypedLimits<'_> {
        TypedLimits {
            recipient_10_minutes: &self.recipient_10_minutes,
            recipient_day: &self.recipient_day,
            messages_minute: &self.messages_minute,
            credits_day: &self.credits_day,
            destinations: &self.destinations,
            prefixes: &self.prefixes,
            senders: &self.senders,
        }
    }
}

impl LimitsView {
    pub(in crate::dashboard) fn new(limits: &Limits, usage: HolderUsage) -> Self {
        Self {
            form: LimitsForm::of(limits),
            facts: facts(limits),
            used: used(limits, usage),
            errors: FieldErrors::default(),
            alert: None,
            is_draft: false,
        }
    }

    /// The same as it was filled in before a login, if it was.
    pub(in crate::dashboard) fn fill_in_draft(&mut self, draft: Option<String>) {
        if let Some(form) = draft.and_then(|draft| parse_form(draft.as_bytes()).ok()) {
            (self.form, self.is_draft) = (form, true);
        }
    }

    /// Whether somebody is filling it in.
    pub(in crate::dashboard) fn is_wrong(&self) -> bool {
        !self.errors.is_empty() || self.alert.is_some()
    }

    /// Whether this field is the first one that is wrong.
    pub(in crate::dashboard) fn has_focus(&self, field: &str) -> bool {
        self.errors.iter().next().is_some_and(|(first, _)| first == field)
    }
}

fn facts(limits: &Limits) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    match (limits.recipient_10_minutes, limits.recipient_day) {
        (Some(short), Some(day)) => {
            facts.push(("Messages to one phone", format!("{} in 10 minutes, {} a day", grouped(short), grouped(day))));
        }
        (Some(short), None) => facts.push(("Messages to one phone", format!("{} in 10 minutes", grouped(short)))),
        (None, Some(day)) => facts.push(("Messages to one phone", format!("{} a day", grouped(day)))),
        (None, None) => {}
    }
    let prefixes = limits.prefixes.as_str();
    match limits.destinations {
        DestinationRule::Any => {}
        DestinationRule::Except => facts.push(("Sends to", format!("everywhere but {prefixes}"))),
        DestinationRule::Only => facts.push(("Sends to", format!("only {prefixes}"))),
    }
    if !limits.senders.allow_any() {
        facts.push(("Senders", limits.senders.iter().collect::<Vec<_>>().join(", ")));
    }
    facts
}

fn used(limits: &Limits, usage: HolderUsage) -> Vec<(&'static str, String)> {
    let words = |used, limit| format!("{} of {} used", grouped(used), grouped(limit));
    let messages = limits.messages_minute.map(|limit| ("Messages this minute", words(usage.messages_minute, limit)));
    let credits = limits.credits_day.map(|limit| ("Credits today (UTC)", words(usage.credits_day, limit)));
    messages.into_iter().chain(credits).collect()
}
