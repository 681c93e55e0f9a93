//! Since when a key is disabled, by whom and why: its audit events know.

use diesel::prelude::*;

use super::record::{ApiKey, KeyStatus, StatusReason};
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::schema::audit_events;
use crate::store::{ActorKind, AuditRow, Conn, UtcTime};

/// So many events are looked at: a disabled key gets one more whenever its reason changes.
const MAX_EVENTS: i64 = 50;

/// How a key was disabled.
#[derive(Debug, Clone)]
pub struct Disabling {
    /// When; `None` for a key whose events do not reach back that far.
    pub since: Option<UtcTime>,
    /// The name of who did it, where it was a person.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<StatusReason>,
    /// More about it, in the words of who did it.
    pub note: Option<String>,
}

/// How a key was disabled; `None` for one that is enabled.
///
/// # Errors
/// When the database fails.
pub fn disabling(conn: &mut Conn, key: &ApiKey) -> Result<Option<Disabling>> {
    if key.status == KeyStatus::Enabled {
        return Ok(None);
    }
    let switches = [Action::ApiKeyDisabled, Action::ApiKeyEnabled].map(Action::as_str);
    let mut events: Vec<AuditRow> = audit_events::table
        .filter(audit_events::account_id.eq(key.account_id.as_str()))
        .filter(audit_events::target_id.eq(key.id.as_str()))
        .filter(audit_events::action.eq_any(switches))
        .order((audit_events::at.desc(), audit_events::id.desc()))
        .limit(MAX_EVENTS)
        .select(AuditRow::as_select())
        .load(conn)?;
    let is_off = |event: &AuditRow| event.action == Action::ApiKeyDisabled.as_str();
    events.truncate(events.iter().take_while(|event| is_off(event)).count());
    let first = events.last();
    let is_person = |event: &&AuditRow| matches!(event.actor_kind, ActorKind::Operator | ActorKind::CommandLine);
    Ok(Some(Disabling {
        since: first.map(|event| event.at),
        by: first.filter(is_person).map(|event| event.actor_name.clone()).filter(|name| !name.is_empty()),
        reason: key.status_reason,
        note: events.iter().find_map(|event| event.reason.clone()),
    }))
}
