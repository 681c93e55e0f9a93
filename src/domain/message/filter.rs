//! Which of an account's messages are wanted.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};

use super::error::MessageError;
use super::record::MessageStatus;
use super::search::MessageSearch;
use super::status_group::StatusGroup;
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::api_key::secret::Mode;
use crate::store::schema::messages;
use crate::store::{MultiBackend, UtcTime};

type Condition<'a> = Box<dyn BoxableExpression<messages::table, MultiBackend, SqlType = Nullable<Bool>> + 'a>;

/// Conditions on messages; `None` is no condition.
#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    /// Live or test.
    pub mode: Option<Mode>,
    /// Their status.
    pub status: Option<MessageStatus>,
    /// The group of their status.
    pub group: Option<StatusGroup>,
    /// Why they failed, or wait.
    pub error: Option<MessageError>,
    /// The key that they were sent with.
    pub api_key: Option<ApiKeyId>,
    /// What was typed to find them.
    pub search: Option<MessageSearch>,
    /// Accepted at this time or later.
    pub from: Option<UtcTime>,
    /// Accepted before this time.
    pub until: Option<UtcTime>,
    /// The number that they went to.
    pub recipient: Option<String>,
    /// The sender that they were sent with.
    pub sender: Option<String>,
    /// Their reference.
    pub reference: Option<String>,
    /// Whether those that an application deleted are left out.
    pub is_for_api: bool,
}

impl MessageFilter {
    /// The messages of an account that fit.
    pub(super) fn of<'a>(&'a self, account: &'a AccountId) -> messages::BoxedQuery<'a, MultiBackend> {
        messages::table.filter(self.condition(account)).into_boxed()
    }

    pub(super) fn condition<'a>(&'a self, account: &'a AccountId) -> Condition<'a> {
        let mut all: Condition<'a> = Box::new(messages::account_id.eq(account).nullable());
        if let Some(mode) = self.mode {
            all = Box::new(all.and(messages::mode.eq(mode)));
        }
        if let Some(recipient) = &self.recipient {
            all = Box::new(all.and(messages::recipient.eq(recipient)));
        }
        if let Some(sender) = &self.sender {
            all = Box::new(all.and(messages::sender.eq(sender)));
        }
        if let Some(reference) = &self.reference {
            // Written out, since the index holds these rows only.
            all = Box::new(all.and(messages::reference.eq(reference)).and(sql::<Bool>("messages.reference <> ''")));
        }
        if self.is_for_api {
            all = Box::new(all.and(messages::deleted_at.is_null()));
        }
        if let Some(status) = self.status {
            all = Box::new(all.and(messages::status.eq(status)));
        }
        if let Some(group) = self.group {
            all = Box::new(all.and(messages::status.eq_any(group.statuses())));
        }
        if let Some(error) = self.error {
            all = Box::new(all.and(messages::error.eq(error)));
        }
        if let Some(key) = &self.api_key {
            all = Box::new(all.and(messages::api_key_id.eq(key)));
        }
        if let Some(from) = self.from {
            all = Box::new(all.and(messages::created_at.ge(from)));
        }
        if let Some(until) = self.until {
            all = Box::new(all.and(messages::created_at.lt(until)));
        }
        if let Some(search) = &self.search {
            all = Box::new(all.and(search.condition()));
        }
        all
    }

    /// The same in parts, for each mode and status that fits: the indexes that are ordered
    /// by id are so within a mode or a status only.
    pub(super) fn parts(&self) -> impl Iterator<Item = Self> + '_ {
        let modes = [Mode::Live, Mode::Test].into_iter().filter(|mode| self.mode.is_none_or(|wanted| wanted == *mode));
        modes.flat_map(move |mode| {
            let statuses: Vec<Option<MessageStatus>> = match self.group {
                Some(group) => {
                    group.statuses().filter(|one| self.status.is_none_or(|status| status == *one)).map(Some).collect()
                }
                None => vec![self.status],
            };
            statuses.into_iter().map(move |status| Self { mode: Some(mode), status, group: None, ..self.clone() })
        })
    }
}
