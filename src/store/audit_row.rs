//! The rows of audit events: each is written once and never changed.

use diesel::prelude::*;

use super::actor::{ActorKind, Via};
use super::schema::audit_events;
use super::types::UtcTime;

/// A row of `audit_events`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events)]
pub struct AuditRow {
    /// Its id.
    pub id: String,
    /// The account that it concerns; `None` for the installation as a whole.
    pub account_id: Option<String>,
    /// When it happened.
    pub at: UtcTime,
    /// What kind of actor made the change.
    pub actor_kind: ActorKind,
    /// The id of the operator or key; `None` for the other kinds.
    pub actor_id: Option<String>,
    /// The actor's name at the moment of the change.
    pub actor_name: String,
    /// The interface that the actor used.
    pub via: Via,
    /// `noun.past`, such as `api_key.created`.
    pub action: String,
    /// The noun of the target, such as `api_key`.
    pub target_kind: String,
    /// The target's id.
    pub target_id: String,
    /// The target's name at the moment of the change.
    pub target_name: String,
    /// JSON object: `{"field": [before, after]}`.
    pub changes: String,
    /// The reason, if the actor gave one.
    pub reason: Option<String>,
    /// The client's IP address.
    pub address: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
}
