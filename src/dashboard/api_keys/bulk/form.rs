//! What is selected in the list, and what is to be done, as forms send it.

use actix_session::Session;
use actix_web::HttpResponse;

use crate::dashboard::api_keys::filter::KeyFilterQuery;
use crate::dashboard::api_keys::paths::PATH;
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::session;
use crate::dashboard::frame::toast::Toast;
use crate::domain::api_key::ApiKeyId;
use crate::domain::cursor::Cursor;
use crate::domain::key_action::{KeyActionKind, Selection};
use crate::error::{Error, Result};
use crate::store::UtcTime;

pub(super) const NOTHING_SELECTED: &str = "No key was selected, so nothing was done.";

/// What the buttons below the list ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Change(KeyActionKind),
    Export,
}

/// A form of the list or of the question.
#[derive(Debug, Clone)]
pub(super) struct BulkForm {
    pub(super) wish: Wish,
    pub(super) keys: Vec<ApiKeyId>,
    /// All keys that match the filter, rather than those that are ticked.
    pub(super) is_matching: bool,
    pub(super) filter: KeyFilterQuery,
    pub(super) reason: String,
    pub(super) ends_on: String,
    /// How many keys the question named.
    pub(super) count: usize,
    /// The newest of them.
    pub(super) newest: Option<(UtcTime, ApiKeyId)>,
}

impl BulkForm {
    /// # Errors
    /// [`Error::Malformed`] for what no form of ours sends.
    pub(super) fn parse(body: &[u8]) -> Result<Self> {
        let (mut wish, mut filter) = (None, String::new());
        let mut form = Self {
            wish: Wish::Export,
            keys: Vec::new(),
            is_matching: false,
            filter: KeyFilterQuery::default(),
            reason: String::new(),
            ends_on: String::new(),
            count: 0,
            newest: None,
        };
        for (name, value) in parse_form::<Vec<(String, String)>>(body)? {
            match &*name {
                "do" if value == "export" => wish = Some(Wish::Export),
                "do" => wish = value.parse().ok().map(Wish::Change),
                "key" => form.keys.extend(value.parse::<ApiKeyId>().ok()),
                "scope" => form.is_matching = value == "matching",
                "filter" => filter = value,
                "reason" => form.reason = value,
                "ends_on" => form.ends_on = value,
                "count" => form.count = value.parse().unwrap_or_default(),
                "newest" => form.newest = value.parse().ok().map(|Cursor(time, id): Cursor<ApiKeyId>| (time, id)),
                _ => {}
            }
        }
        form.wish = wish.ok_or_else(|| Error::Malformed("Say what to do with the keys.".to_owned()))?;
        form.filter = KeyFilterQuery::parse(filter.trim_start_matches('?'))?;
        if !form.filter.errors.is_empty() {
            return Err(Error::Invalid(form.filter.errors));
        }
        Ok(form)
    }

    /// Nothing selected is nothing, and never everything.
    pub(super) fn selection(&self) -> Option<Selection> {
        if self.is_matching {
            return Some(Selection::Matching(Box::new(self.filter.filter.clone()), self.newest.clone()));
        }
        Some(self.keys.clone()).filter(|keys| !keys.is_empty()).map(Selection::Keys)
    }

    /// The list that the selection was made in.
    pub(super) fn list_url(&self) -> String {
        format!("{PATH}{}", self.filter.query())
    }

    /// To that list, which says why nothing was done.
    pub(super) fn back_to_list(&self, session: &Session, why: &str) -> Result<HttpResponse> {
        session::leave_toast(session, &Toast::notice(why))?;
        Ok(see_other(&self.list_url()))
    }
}
