//! Keys for other programs, for spreadsheets, and for another installation: one object or one
//! line for each. Objects with digests are what an import reads.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::csv::{BYTE_ORDER_MARK, harmless, push_line};
use crate::domain::account::{self, AccountId};
use crate::domain::api_key::{ApiKeyEntry, ExternalId};
use crate::domain::audit::{Action, TargetKind, event};
use crate::domain::key_import::mask_parts;
use crate::error::Result;
use crate::store::types::text_enum;
use crate::store::{Tx, UtcTime};

text_enum! {
    /// The form of an export of keys.
    KeyExportFormat {
        /// One JSON object a line.
        Jsonl = "jsonl",
        /// Comma-separated values, for spreadsheets.
        Csv = "csv",
    }
}

const COLUMNS: [&str; 16] = [
    "id",
    "service",
    "name",
    "mode",
    "status",
    "start",
    "tail",
    "description",
    "external_id",
    "metadata",
    "scopes",
    "allowed_ips",
    "expires_at",
    "created_at",
    "last_used_at",
    "sha256",
];

/// How keys are exported.
#[derive(Debug, Clone, Copy)]
pub struct KeyExport {
    /// The form.
    pub format: KeyExportFormat,
    /// Whether the digests of secrets are in it. Nobody gets a secret out of one; who has them can
    /// make the same keys work elsewhere.
    pub with_digests: bool,
}

/// A key as JSON; the names are those that an import takes.
#[derive(Serialize)]
struct ExportedKey<'a> {
    id: &'a str,
    service: &'a str,
    name: &'a str,
    mode: &'static str,
    status: &'static str,
    start: Option<&'a str>,
    tail: Option<&'a str>,
    description: &'a str,
    external_id: Option<&'a str>,
    metadata: BTreeMap<String, String>,
    scopes: Vec<&'a str>,
    allowed_ips: Vec<&'a str>,
    expires_at: Option<String>,
    created_at: String,
    last_used_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl KeyExport {
    /// What comes before the first key.
    #[must_use]
    pub fn header(self) -> String {
        let mut header = String::new();
        if self.format == KeyExportFormat::Csv {
            header.push_str(BYTE_ORDER_MARK);
            push_line(&mut header, self.columns(COLUMNS));
        }
        header
    }

    /// Appends a key, with its current secret.
    pub fn push(self, text: &mut String, entry: &ApiKeyEntry) {
        let key = self.exported(entry);
        match self.format {
            KeyExportFormat::Jsonl => {
                text.push_str(&serde_json::to_string(&key).unwrap_or_default());
                text.push('\n');
            }
            KeyExportFormat::Csv => push_line(text, self.columns(cells(&key).each_ref().map(String::as_str))),
        }
    }

    /// The digest is the last column.
    fn columns(self, all: [&str; COLUMNS.len()]) -> impl Iterator<Item = &str> {
        all.into_iter().take(if self.with_digests { COLUMNS.len() } else { COLUMNS.len() - 1 })
    }

    fn exported(self, entry: &ApiKeyEntry) -> ExportedKey<'_> {
        let key = &entry.key;
        let (start, tail) = mask_parts(&entry.secret.mask);
        ExportedKey {
            id: key.id.as_str(),
            service: &key.service,
            name: &key.name,
            mode: key.mode.as_str(),
            status: key.status.as_str(),
            start,
            tail,
            description: &key.description,
            external_id: key.external_id.as_ref().map(ExternalId::as_str),
            metadata: key.metadata.entries(),
            scopes: key.scopes.names().collect(),
            allowed_ips: key.allowed_ips.entries().collect(),
            expires_at: key.expires_at.map(UtcTime::rfc3339),
            created_at: key.created_at.rfc3339(),
            last_used_at: entry.last_use().map(|usage| usage.last_used_at.rfc3339()),
            sha256: self.with_digests.then(|| entry.secret.digest.to_hex()),
        }
    }
}

/// The cells of a key, in which a spreadsheet finds no formula.
fn cells(key: &ExportedKey<'_>) -> [String; COLUMNS.len()] {
    let text = |text: Option<&str>| harmless(text.unwrap_or_default());
    let metadata = serde_json::to_string(&key.metadata).unwrap_or_default();
    [
        key.id.to_owned(),
        key.service.to_owned(),
        harmless(key.name),
        key.mode.to_owned(),
        key.status.to_owned(),
        text(key.start),
        text(key.tail),
        harmless(key.description),
        text(key.external_id),
        harmless(if key.metadata.is_empty() { "" } else { &metadata }),
        key.scopes.join(" "),
        key.allowed_ips.join(" "),
        key.expires_at.clone().unwrap_or_default(),
        key.created_at.clone(),
        key.last_used_at.clone().unwrap_or_default(),
        key.sha256.clone().unwrap_or_default(),
    ]
}

/// Writes the audit event of an export of keys, of one service or of all.
///
/// # Errors
/// When the database fails.
pub fn exported(tx: &mut Tx<'_>, account: &AccountId, export: KeyExport, service: Option<&str>) -> Result<()> {
    let name = account::name(tx, account)?;
    let event = event(Action::ApiKeysExported, TargetKind::Account, account.as_str(), &name).of(account);
    let event = event.field("format", "", export.format.as_str()).field("service", "", service.unwrap_or_default());
    tx.audit(event.field("digests", "", if export.with_digests { "included" } else { "" }).done())
}
