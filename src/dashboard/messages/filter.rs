//! Which messages are wanted: read from the address, and drawn as a form.

use serde::Deserialize;

use super::paths::PATH;
use super::words::status_word;
use crate::dashboard::api_keys::first_request::SMS;
use crate::domain::account::AccountId;
use crate::domain::api_key::{self, ApiKeyId, ApiKeyName};
use crate::domain::message::phone_number::PhoneNumber;
use crate::domain::message::{MessageFilter, MessageId, MessageStatus};
use crate::error::{Error, FieldErrors, Result};
use crate::store::Conn;

/// The filter lists this many keys; the pages of older ones link to their messages.
const MAX_KEY_CHOICES: usize = 200;

/// The address, as it was written.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct MessageFilterQuery {
    status: String,
    api_key: String,
    recipient: String,
    /// A cursor.
    after: String,
}

/// The address, understood.
pub(super) struct Wanted {
    pub(super) filter: MessageFilter,
    pub(super) after: Option<MessageId>,
    /// What is wrong with the recipient: the one part that people type.
    pub(super) errors: FieldErrors,
    recipient: String,
}

impl Wanted {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Error::NotFound`] for what no link of ours leads to.
    pub(super) fn parse(query: &MessageFilterQuery) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let recipient = query.recipient.trim().to_owned();
        let number = (!recipient.is_empty()).then(|| PhoneNumber::parse("recipient", &recipient));
        let filter = MessageFilter {
            mode: None,
            status: written(&query.status)?,
            api_key: written(&query.api_key)?,
            recipient: number.and_then(|number| errors.collect(number).transpose()).transpose()?,
        };
        Ok(Self { filter, after: written(&query.after)?, errors, recipient })
    }

    /// Whether anything is left out.
    pub(super) fn is_filtered(&self) -> bool {
        self.filter.status.is_some() || self.filter.api_key.is_some() || !self.recipient.is_empty()
    }

    /// The same choice, from `after` on.
    pub(super) fn url(&self, after: Option<&MessageId>) -> String {
        let MessageFilter { status, api_key, recipient, .. } = &self.filter;
        let parts = [
            status.map(|status| format!("status={}", status.as_str())),
            api_key.as_ref().map(|key| format!("api_key={key}")),
            // Of a number's characters only the plus sign means something else in an address.
            recipient.as_ref().map(|number| format!("recipient=%2B{}", number.digits())),
            after.map(|after| format!("after={after}")),
        ];
        let query: Vec<String> = parts.into_iter().flatten().collect();
        if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", query.join("&")) }
    }
}

fn written<T: std::str::FromStr>(text: &str) -> Result<Option<T>> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Error::NotFound),
    }
}

/// One thing to choose.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) selected: bool,
}

/// The form.
pub(super) struct FilterView {
    pub(super) statuses: Vec<Choice>,
    pub(super) keys: Vec<Choice>,
    pub(super) recipient: String,
    pub(super) errors: FieldErrors,
    pub(super) is_filtered: bool,
}

impl FilterView {
    /// The form as the address has it, with these keys to choose from.
    pub(super) fn new(wanted: &Wanted, keys: Vec<ApiKeyName>) -> Self {
        let status = |status: MessageStatus| Choice {
            value: status.as_str().to_owned(),
            label: status_word(status).to_owned(),
            selected: wanted.filter.status == Some(status),
        };
        let key = |ApiKeyName { id, name }: ApiKeyName| Choice {
            selected: wanted.filter.api_key.as_ref() == Some(&id),
            value: id.to_string(),
            label: name,
        };
        Self {
            statuses: MessageStatus::ALL.map(status).into(),
            keys: keys.into_iter().map(key).collect(),
            recipient: wanted.recipient.clone(),
            errors: wanted.errors.clone(),
            is_filtered: wanted.is_filtered(),
        }
    }
}

/// The keys to choose from: the newest, and the one that is chosen.
///
/// # Errors
/// When the database fails.
pub(super) fn keys(conn: &mut Conn, account: &AccountId, chosen: Option<&ApiKeyId>) -> Result<Vec<ApiKeyName>> {
    let mut keys = api_key::names(conn, account, SMS, MAX_KEY_CHOICES)?;
    if let Some(id) = chosen.filter(|id| keys.iter().all(|key| key.id != **id)) {
        let name = match api_key::find(conn, account, id) {
            Ok(entry) => entry.key.name,
            Err(Error::NotFound) => "deleted key".to_owned(),
            Err(error) => return Err(error),
        };
        keys.push(ApiKeyName { id: id.clone(), name });
    }
    Ok(keys)
}
