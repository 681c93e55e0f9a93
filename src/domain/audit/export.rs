//! Audit events for programs and spreadsheets: one object or one line for each. The
//! export and the audit log share this form.

use serde::Serialize;
use serde_json::Value;

use super::{Action, TargetKind, event};
use crate::csv::{BYTE_ORDER_MARK, harmless, push_line};
use crate::domain::account::{self, AccountId};
use crate::error::Result;
use crate::store::types::text_enum;
use crate::store::{AuditRow, Tx};

text_enum! {
    /// The form of an export.
    AuditFormat {
        /// Comma-separated values.
        Csv = "csv",
        /// One JSON object a line.
        Jsonl = "jsonl",
    }
}

const COLUMNS: [&str; 16] = [
    "id",
    "at",
    "account_id",
    "actor_kind",
    "actor_id",
    "actor_name",
    "via",
    "action",
    "target_kind",
    "target_id",
    "target_name",
    "changes",
    "reason",
    "address",
    "user_agent",
    "request_id",
];

/// An event as JSON; the names are those of the columns of an export.
#[derive(Debug, Serialize)]
pub struct AuditObject<'a> {
    id: &'a str,
    at: String,
    account_id: Option<&'a str>,
    actor_kind: &'static str,
    actor_id: Option<&'a str>,
    actor_name: &'a str,
    via: &'static str,
    action: &'a str,
    target_kind: &'a str,
    target_id: &'a str,
    target_name: &'a str,
    changes: Value,
    reason: Option<&'a str>,
    address: Option<&'a str>,
    user_agent: Option<&'a str>,
    request_id: Option<&'a str>,
}

impl AuditFormat {
    /// What comes before the first event.
    #[must_use]
    pub fn header(self) -> String {
        let mut header = String::new();
        if self == Self::Csv {
            header.push_str(BYTE_ORDER_MARK);
            push_line(&mut header, COLUMNS);
        }
        header
    }

    /// Appends an event.
    pub fn push(self, text: &mut String, row: &AuditRow) {
        match self {
            Self::Csv => push_cells(text, row),
            Self::Jsonl => text.push_str(&json_line(row)),
        }
    }
}

impl<'a> From<&'a AuditRow> for AuditObject<'a> {
    fn from(row: &'a AuditRow) -> Self {
        Self {
            id: &row.id,
            at: row.at.rfc3339(),
            account_id: row.account_id.as_deref(),
            actor_kind: row.actor_kind.as_str(),
            actor_id: row.actor_id.as_deref(),
            actor_name: &row.actor_name,
            via: row.via.as_str(),
            action: &row.action,
            target_kind: &row.target_kind,
            target_id: &row.target_id,
            target_name: &row.target_name,
            changes: serde_json::from_str(&row.changes).unwrap_or_default(),
            reason: row.reason.as_deref(),
            address: row.address.as_deref(),
            user_agent: row.user_agent.as_deref(),
            request_id: row.request_id.as_deref(),
        }
    }
}

/// An event as a line of JSON, with its end of line.
#[must_use]
pub fn json_line(row: &AuditRow) -> String {
    let mut line = serde_json::to_string(&AuditObject::from(row)).unwrap_or_default();
    line.push('\n');
    line
}

fn push_cells(csv: &mut String, row: &AuditRow) {
    let text = |text: &Option<String>| harmless(text.as_deref().unwrap_or_default());
    let cells: [&str; COLUMNS.len()] = [
        &row.id,
        &row.at.rfc3339(),
        row.account_id.as_deref().unwrap_or_default(),
        row.actor_kind.as_str(),
        row.actor_id.as_deref().unwrap_or_default(),
        &harmless(&row.actor_name),
        row.via.as_str(),
        &row.action,
        &row.target_kind,
        &harmless(&row.target_id),
        &harmless(&row.target_name),
        &harmless(&row.changes),
        &text(&row.reason),
        &text(&row.address),
        &text(&row.user_agent),
        &text(&row.request_id),
    ];
    push_line(csv, cells);
}

/// Writes the audit event of an export. `filter` is what was exported, as the address of
/// the same list has it.
///
/// # Errors
/// When the database fails.
pub fn exported(tx: &mut Tx<'_>, account: &AccountId, format: AuditFormat, filter: &str) -> Result<()> {
    let name = account::name(tx, account)?;
    let event = event(Action::AuditExported, TargetKind::Account, account.as_str(), &name).of(account);
    tx.audit(event.field("format", "", format.as_str()).field("filter", "", filter).done())
}
