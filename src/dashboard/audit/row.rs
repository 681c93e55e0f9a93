//! An event's row in the table.

use std::collections::HashSet;

use super::changes::{ChangedField, changed_fields};
use super::filter::{WantedEvents, history_url};
use super::words::{action_words, via_words};
use crate::dashboard::frame::ago::Age;
use crate::dashboard::frame::layout::When;
use crate::dashboard::{api_keys, people, services};
use crate::domain::audit::{Action, TargetKind};
use crate::store::{AuditRow, UtcTime};

/// What a row shows.
pub(super) struct AuditRowView {
    pub(super) id: String,
    pub(super) when: When,
    pub(super) age: Age,
    pub(super) actor: String,
    /// All events of the same actor.
    pub(super) actor_href: String,
    pub(super) via: &'static str,
    /// What was done, as it follows the actor's name.
    pub(super) action: String,
    /// The name of the target; empty where the action says it all.
    pub(super) target: String,
    /// The target's page, if it still exists, or else its history.
    pub(super) target_href: String,
    pub(super) changes: Vec<ChangedField>,
    pub(super) reason: Option<String>,
    pub(super) address: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) request_id: Option<String>,
}

impl AuditRowView {
    /// The row of an event on the page `wanted`; `existing` are the ids of the targets that
    /// still have a page.
    pub(super) fn new(row: AuditRow, wanted: &WantedEvents, existing: &HashSet<String>, now: UtcTime) -> Self {
        let (action, kind) = (row.action.parse::<Action>().ok(), row.target_kind.parse::<TargetKind>().ok());
        let is_self = row.actor_id.as_ref() == Some(&row.target_id);
        let is_named = !is_self && !matches!(kind, Some(TargetKind::Account | TargetKind::Installation));
        let actor = row.actor_id.as_deref().unwrap_or_else(|| row.actor_kind.as_str());
        Self {
            actor_href: wanted.url_of_actor(actor),
            when: row.at.into(),
            age: Age::of(row.at, now),
            via: via_words(row.via),
            // Another version of Keyfob may have written what this one has no words for.
            action: action.map_or_else(|| row.action.clone(), |action| action_words(action, is_self).to_owned()),
            target_href: kind
                .filter(|_| existing.contains(&row.target_id))
                .and_then(|kind| href(kind, &row.target_id))
                .unwrap_or_else(|| history_url(&row.target_id)),
            target: if is_named { row.target_name } else { String::new() },
            changes: changed_fields(action, &row.changes),
            id: row.id,
            actor: row.actor_name,
            reason: row.reason,
            address: row.address,
            user_agent: row.user_agent,
            request_id: row.request_id,
        }
    }
}

fn href(kind: TargetKind, id: &str) -> Option<String> {
    match kind {
        TargetKind::ApiKey => id.parse().ok().map(|id| api_keys::paths::path(&id)),
        TargetKind::Service => Some(services::paths::path(id)),
        TargetKind::Operator => id.parse().ok().map(|id| people::paths::path(&id)),
        TargetKind::Account | TargetKind::Invitation | TargetKind::Installation => None,
    }
}
