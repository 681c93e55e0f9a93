//! Which refusals are wanted: read from the address, and drawn as a form.

use serde::Deserialize;

use super::paths::PATH;
use super::words::{CODES, code_of, code_words};
use crate::dashboard::frame::list_query::{Choice, query_string, written};
use crate::domain::refusal::{RefusalCursor, RefusalFilter};
use crate::error::{Error, Result};

/// What the address says to have all unknown keys listed.
const ALL: &str = "all";

/// The address, as it was written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RefusalQuery {
    key: String,
    code: String,
    /// A cursor: what is older than it.
    after: String,
    /// `all`: every unknown key, not only the latest ones.
    unknown: String,
}

/// The address, understood.
pub(super) struct WantedRefusals {
    pub(super) filter: RefusalFilter,
    pub(super) after: Option<RefusalCursor>,
    pub(super) all_unknown: bool,
}

impl WantedRefusals {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a malformed parameter.
    pub(super) fn parse(query: &RefusalQuery) -> Result<Self> {
        let code = match &*query.code {
            "" => None,
            code => Some(code_of(code).ok_or(Error::NotFound)?.name().to_owned()),
        };
        if !["", ALL].contains(&&*query.unknown) {
            return Err(Error::NotFound);
        }
        let filter = RefusalFilter { key: written(&query.key)?, code };
        Ok(Self { filter, after: written(&query.after)?, all_unknown: query.unknown == ALL })
    }

    pub(super) const fn is_filtered(&self) -> bool {
        self.filter.key.is_some() || self.filter.code.is_some()
    }

    /// The list with the same choice, from `after` on.
    pub(super) fn url(&self, after: Option<&RefusalCursor>) -> String {
        let (key, after) = (self.key(), after.map(ToString::to_string).unwrap_or_default());
        format!("{PATH}{}", query_string(&[("key", &key), ("code", self.code()), ("after", &after)]))
    }

    /// The list with the same reason, of all keys.
    pub(super) fn url_of_all_keys(&self) -> String {
        format!("{PATH}{}", query_string(&[("code", self.code())]))
    }

    /// The same page with every unknown key.
    pub(super) fn url_of_all_unknown() -> String {
        format!("{PATH}{}#unknown-keys", query_string(&[("unknown", ALL)]))
    }

    /// The id of the key that is chosen, or nothing.
    pub(super) fn key(&self) -> String {
        self.filter.key.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// The reasons to choose from.
    pub(super) fn codes(&self) -> Vec<Choice> {
        let choice = |code: crate::gate::Code| Choice {
            value: code.name().to_owned(),
            label: code_words(code).to_owned(),
            selected: code.name() == self.code(),
        };
        CODES.into_iter().map(choice).collect()
    }

    fn code(&self) -> &str {
        self.filter.code.as_deref().unwrap_or_default()
    }
}
