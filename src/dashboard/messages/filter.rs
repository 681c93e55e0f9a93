//! Which messages are wanted: read from the address, and drawn as a form.

use serde::Deserialize;

use super::paths::PATH;
use super::words::{cause_words, group_words, status_word};
use crate::dashboard::api_keys::first_request::SMS;
use crate::dashboard::frame::list_query::{Choice, Days, query_string, written};
use crate::domain::account::AccountId;
use crate::domain::api_key::{self, ApiKeyId, ApiKeyName};
use crate::domain::message::{
    MAX_SEARCH_CHARS, MessageError, MessageFilter, MessageId, MessageSearch, MessageStatus, StatusGroup,
};
use crate::error::{Error, FieldErrors, Result};
use crate::format::grouped;
use crate::store::Conn;

/// The filter lists this many keys; the pages of older ones link to their messages.
const MAX_KEY_CHOICES: usize = 200;
/// A choice shows this many characters of a key's name.
const MAX_NAME_CHARS: usize = 40;

/// The address, as it was written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct MessageFilterQuery {
    /// Part of a number, a text or a reference.
    q: String,
    status: String,
    error: String,
    api_key: String,
    /// The first day.
    from: String,
    /// The last day.
    to: String,
    /// How many minutes east of UTC these days are; set by a script.
    utc_offset: String,
    /// How far back the picture goes.
    period: String,
    /// A cursor: what is older than it.
    after: String,
    /// A cursor: what is newer than it.
    before: String,
}

/// The beginning of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PageStart {
    Newest,
    After(MessageId),
    Before(MessageId),
}

/// The address, understood.
pub(super) struct Wanted {
    pub(super) filter: MessageFilter,
    pub(super) start: PageStart,
    /// What is wrong with the days, which can be typed.
    pub(super) errors: FieldErrors,
    query: MessageFilterQuery,
}

impl Wanted {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a malformed parameter.
    pub(super) fn parse(query: &MessageFilterQuery) -> Result<Self> {
        let start = match (written(&query.after)?, written(&query.before)?) {
            (Some(after), _) => PageStart::After(after),
            (None, Some(before)) => PageStart::Before(before),
            (None, None) => PageStart::Newest,
        };
        let days = Days::parse(&query.from, &query.to, &query.utc_offset)?;
        // What is both a status and a group is the same messages.
        let status: Option<MessageStatus> = query.status.parse().ok();
        let filter = MessageFilter {
            mode: None,
            status,
            group: if status.is_none() { written(&query.status)? } else { None },
            error: written(&query.error)?,
            api_key: written(&query.api_key)?,
            search: MessageSearch::parse(&query.q),
            from: days.from,
            until: days.until,
            ..MessageFilter::default()
        };
        Ok(Self { filter, start, errors: days.errors, query: query.clone() })
    }

    /// How far back the picture of all messages goes.
    pub(super) fn period(&self) -> &str {
        &self.query.period
    }

    /// Whether anything is left out.
    pub(super) fn is_filtered(&self) -> bool {
        let MessageFilter { mode, status, group, error, api_key, search, from, until, .. } = &self.filter;
        let has_days = from.is_some() || until.is_some() || !self.errors.is_empty();
        let has_status = status.is_some() || group.is_some();
        mode.is_some() || has_status || error.is_some() || api_key.is_some() || search.is_some() || has_days
    }

    /// The list with the same choice, from `start` on.
    pub(super) fn url(&self, start: &PageStart) -> String {
        format!("{PATH}{}", self.suffix(self.filter.error, start))
    }

    /// What follows the `?` of an address, with the `?`; empty for all messages.
    pub(super) fn suffix(&self, error: Option<MessageError>, start: &PageStart) -> String {
        let query = &self.query;
        let has_days = !query.from.is_empty() || !query.to.is_empty();
        let (after, before) = match start {
            PageStart::Newest => ("", ""),
            PageStart::After(id) => (id.as_str(), ""),
            PageStart::Before(id) => ("", id.as_str()),
        };
        let parts = [
            ("q", query.q.trim()),
            ("status", &query.status),
            ("error", error.map_or("", MessageError::as_str)),
            ("api_key", &query.api_key),
            ("from", &query.from),
            ("to", &query.to),
            ("utc_offset", if has_days { &query.utc_offset } else { "" }),
            ("period", if self.is_filtered() || error.is_some() { "" } else { &query.period }),
            ("after", after),
            ("before", before),
        ];
        query_string(&parts)
    }
}

/// A cause of failure: a link that shows its messages only, or all again.
pub(super) struct Cause {
    pub(super) code: &'static str,
    pub(super) words: &'static str,
    pub(super) count: String,
    pub(super) href: String,
    pub(super) is_chosen: bool,
}

impl Cause {
    pub(super) fn new(wanted: &Wanted, error: MessageError, count: i64) -> Self {
        let is_chosen = wanted.filter.error == Some(error);
        let next = (!is_chosen).then_some(error);
        Self {
            code: error.as_str(),
            words: cause_words(error),
            count: grouped(count),
            href: format!("{PATH}{}", wanted.suffix(next, &PageStart::Newest)),
            is_chosen,
        }
    }
}

/// The form.
pub(super) struct FilterView {
    pub(super) statuses: Vec<Choice>,
    /// Several statuses together.
    pub(super) groups: Vec<Choice>,
    pub(super) keys: Vec<Choice>,
    pub(super) search: String,
    pub(super) max_search_chars: usize,
    /// The cause that is chosen, which has no field of its own.
    pub(super) error: Option<&'static str>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) utc_offset: String,
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
        let group = |group: StatusGroup| Choice {
            value: group.as_str().to_owned(),
            label: group_words(group).to_owned(),
            selected: wanted.filter.group == Some(group),
        };
        let key = |key: ApiKeyName| Choice {
            selected: wanted.filter.api_key.as_ref() == Some(&key.id),
            value: key.id.to_string(),
            label: key_label(&key),
        };
        let MessageFilterQuery { q, from, to, utc_offset, .. } = &wanted.query;
        Self {
            statuses: MessageStatus::ALL.map(status).into(),
            groups: [StatusGroup::Waiting, StatusGroup::NotDelivered].map(group).into(),
            keys: keys.into_iter().map(key).collect(),
            search: q.trim().to_owned(),
            max_search_chars: MAX_SEARCH_CHARS,
            error: wanted.filter.error.map(MessageError::as_str),
            from: from.trim().to_owned(),
            to: to.trim().to_owned(),
            utc_offset: utc_offset.clone(),
            errors: wanted.errors.clone(),
            is_filtered: wanted.is_filtered(),
        }
    }
}

/// A key's name with the end of its secret, since names need not differ.
fn key_label(ApiKeyName { name, tail, .. }: &ApiKeyName) -> String {
    let short = match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", name[..end].trim_end()),
        None => name.clone(),
    };
    if tail.is_empty() { short } else { format!("{short} …{tail}") }
}

/// The keys to choose from: the newest, and the one that is chosen.
///
/// # Errors
/// When the database fails.
pub(super) fn keys(conn: &mut Conn, account: &AccountId, chosen: Option<&ApiKeyId>) -> Result<Vec<ApiKeyName>> {
    let mut keys = api_key::names(conn, account, SMS, MAX_KEY_CHOICES)?;
    if let Some(id) = chosen.filter(|id| keys.iter().all(|key| key.id != **id)) {
        let (name, tail) = match api_key::find(conn, account, id) {
            Ok(entry) => (entry.key.name, entry.secret.tail),
            Err(Error::NotFound) => ("Deleted key".to_owned(), String::new()),
            Err(error) => return Err(error),
        };
        keys.push(ApiKeyName { id: id.clone(), name, tail });
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_chosen_by_its_name_cut_short_and_the_end_of_its_secret() {
        let label = |name: &str| {
            key_label(&ApiKeyName { id: ApiKeyId::mint(), name: name.to_owned(), tail: "R5jT".to_owned() })
        };
        assert_eq!(label("Shop"), "Shop …R5jT");
        assert_eq!(label(&"ž".repeat(40)), format!("{} …R5jT", "ž".repeat(40)));
        assert_eq!(label(&"ž".repeat(100)), format!("{}… …R5jT", "ž".repeat(40)));
    }
}
