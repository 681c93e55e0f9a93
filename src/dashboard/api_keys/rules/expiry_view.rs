//! The form of a key's end, as the key's page shows it.

use serde::Deserialize;

use super::choices::ExpiryChoice;
use crate::dashboard::frame::form::parse_form;
use crate::domain::api_key::{ApiKey, Lifetimes};
use crate::error::{FieldErrors, Result};
use crate::store::{Conn, UtcTime};

/// What is filled in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ExpiryForm {
    /// An entry of the list.
    pub(in crate::dashboard::api_keys) ends: String,
    /// The day beside it.
    pub(in crate::dashboard::api_keys) ends_on: String,
}

/// The form, as the key is or as it was filled in.
pub(in crate::dashboard::api_keys) struct ExpiryView {
    end: Option<UtcTime>,
    rules: Lifetimes,
    now: UtcTime,
    pub(in crate::dashboard::api_keys) choice: ExpiryChoice,
    pub(in crate::dashboard::api_keys) errors: FieldErrors,
    pub(in crate::dashboard::api_keys) alert: Option<String>,
}

impl ExpiryView {
    /// The end of a key, and what the installation lets it become.
    pub(in crate::dashboard::api_keys) fn read(conn: &mut Conn, key: &ApiKey, now: UtcTime) -> Result<Self> {
        let (end, rules) = (key.expires_at, Lifetimes::read(conn)?);
        let choice = ExpiryChoice::for_key(end, rules, now, "", "");
        Ok(Self { end, rules, now, choice, errors: FieldErrors::default(), alert: None })
    }

    /// The same as it was filled in.
    pub(in crate::dashboard::api_keys) fn fill_in(&mut self, ExpiryForm { ends, ends_on }: &ExpiryForm) {
        self.choice = ExpiryChoice::for_key(self.end, self.rules, self.now, ends, ends_on);
    }

    /// The same as it was filled in before a login, if it was.
    pub(in crate::dashboard::api_keys) fn fill_in_draft(&mut self, draft: Option<String>) {
        if let Some(form) = draft.and_then(|draft| parse_form(draft.as_bytes()).ok()) {
            self.fill_in(&form);
        }
    }
}
