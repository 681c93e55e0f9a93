//! The rows of audit events: each is written once and never changed.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::actor::{ActorKind, Via};
use super::connection::Conn;
use super::many_rows::insert_rows;
use super::schema::audit_events;
use super::types::UtcTime;
use crate::error::Result;

/// A row of `audit_events`.
#[derive(Debug, Clone, Queryable, Selectable)]
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

/// The columns in the order in which [`AuditRow::insert`] binds them.
const COLUMNS: &str = "audit_events (id, account_id, at, actor_kind, actor_id, actor_name, via, action, target_kind, \
     target_id, target_name, changes, reason, address, user_agent, request_id)";

impl AuditRow {
    /// Inserts rows.
    pub(super) fn insert(conn: &mut Conn, rows: &[Self]) -> Result<()> {
        insert_rows(conn, COLUMNS, 16, rows, |query, row| {
            query
                .bind::<Text, _>(&*row.id)
                .bind::<Nullable<Text>, _>(row.account_id.as_deref())
                .bind::<BigInt, _>(row.at)
                .bind::<Text, _>(row.actor_kind)
                .bind::<Nullable<Text>, _>(row.actor_id.as_deref())
                .bind::<Text, _>(&*row.actor_name)
                .bind::<Text, _>(row.via)
                .bind::<Text, _>(&*row.action)
                .bind::<Text, _>(&*row.target_kind)
                .bind::<Text, _>(&*row.target_id)
                .bind::<Text, _>(&*row.target_name)
                .bind::<Text, _>(&*row.changes)
                .bind::<Nullable<Text>, _>(row.reason.as_deref())
                .bind::<Nullable<Text>, _>(row.address.as_deref())
                .bind::<Nullable<Text>, _>(row.user_agent.as_deref())
                .bind::<Nullable<Text>, _>(row.request_id.as_deref())
        })
    }
}
