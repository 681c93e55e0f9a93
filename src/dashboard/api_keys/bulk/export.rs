//! The selected keys as a file for spreadsheets, without their secrets.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::csv::{BYTE_ORDER_MARK, harmless, push_line};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::api_key::{ApiKeyEntry, of_ids};
use crate::domain::key_action::{MAX_KEYS_OF_ACTION, Selection};
use crate::error::{Error, Result};
use crate::http::State;
use crate::store::UtcTime;

/// Keys that are read at a time.
const BATCH_KEYS: usize = 500;
const COLUMNS: [&str; 11] = [
    "id",
    "name",
    "description",
    "service",
    "mode",
    "status",
    "status_reason",
    "mask",
    "created_at",
    "last_used_at",
    "expires_at",
];

/// # Errors
/// [`Error::Malformed`] for more keys than an action may have.
pub(super) async fn export_keys(state: &State, who: &SignedIn, selection: Selection) -> Result<HttpResponse> {
    let (account, now) = (who.account.clone(), state.clock.now());
    let ids = state.store.read(move |conn| selection.ids(conn, &account, None, now)).await?;
    if ids.len() > MAX_KEYS_OF_ACTION {
        return Err(Error::Malformed("A file has at most 10,000 keys. Narrow the filter down.".to_owned()));
    }
    let mut csv = BYTE_ORDER_MARK.to_owned();
    push_line(&mut csv, COLUMNS);
    for batch in ids.chunks(BATCH_KEYS) {
        let batch = batch.to_vec();
        let entries = state.store.read(move |conn| of_ids(conn, &batch)).await?;
        entries.iter().for_each(|entry| push_key(&mut csv, entry));
    }
    let day = now.to_datetime().date();
    tracing::info!(operator = %who.operator.id, keys = ids.len(), "keys were exported");
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"api-keys-{day}.csv\"")))
        .body(csv))
}

fn push_key(csv: &mut String, entry: &ApiKeyEntry) {
    let ApiKeyEntry { key, secret, .. } = entry;
    let time = |time: Option<UtcTime>| time.map(UtcTime::rfc3339).unwrap_or_default();
    let cells: [&str; COLUMNS.len()] = [
        key.id.as_str(),
        &harmless(&key.name),
        &harmless(&key.description),
        &key.service,
        key.mode.as_str(),
        key.status.as_str(),
        key.status_reason.map_or("", |reason| reason.as_str()),
        &secret.mask,
        &key.created_at.rfc3339(),
        &time(entry.last_use().map(|usage| usage.last_used_at)),
        &time(key.expires_at),
    ];
    push_line(csv, cells);
}
