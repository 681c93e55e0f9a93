//! Many new keys at once.

use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use super::external_id::ExternalId;
use super::record::ApiKey;
use super::stored_secret::StoredSecret;
use crate::error::Result;
use crate::folded_text::search_columns;
use crate::store::Conn;
use crate::store::many_rows::insert_rows;

const KEY_COLUMNS: &str = "api_keys (id, account_id, service, mode, name, description, status, created_by, created_at, \
                           expires_at, version, status_reason, scopes, allowed_ips, external_id, metadata, sort_name, \
                           search)";
const SECRET_COLUMNS: &str = "key_secrets (id, api_key_id, digest, mask, tail, created_at, ends_at, origin)";
const LAST_USE_COLUMNS: &str = "key_last_uses (api_key_id, account_id, created_at, last_used_at)";

/// A key that is to be stored, with what it is sorted and searched by.
struct InsertedKey<'a> {
    key: &'a ApiKey,
    sort_name: String,
    search: String,
}

/// Stores new keys with their secrets, many in one statement.
///
/// # Errors
/// When the database fails.
pub(in crate::domain) fn insert_many(conn: &mut Conn, keys: &[(ApiKey, StoredSecret)]) -> Result<()> {
    let rows: Vec<InsertedKey<'_>> = keys
        .iter()
        .map(|(key, _)| {
            let external_id = key.external_id.as_ref().map(ExternalId::as_str);
            let (sort_name, search) = search_columns(&key.name, &key.description, external_id);
            InsertedKey { key, sort_name, search }
        })
        .collect();
    insert_rows(conn, KEY_COLUMNS, 18, &rows, |row, InsertedKey { key, sort_name, search }| {
        row.bind::<Text, _>(&key.id)
            .bind::<Text, _>(&key.account_id)
            .bind::<Text, _>(&key.service)
            .bind::<Text, _>(key.mode)
            .bind::<Text, _>(&key.name)
            .bind::<Text, _>(&key.description)
            .bind::<Text, _>(key.status)
            .bind::<Nullable<Text>, _>(&key.created_by)
            .bind::<BigInt, _>(key.created_at)
            .bind::<Nullable<BigInt>, _>(key.expires_at)
            .bind::<BigInt, _>(key.version)
            .bind::<Nullable<Text>, _>(key.status_reason)
            .bind::<Text, _>(&key.scopes)
            .bind::<Text, _>(&key.allowed_ips)
            .bind::<Nullable<Text>, _>(&key.external_id)
            .bind::<Text, _>(&key.metadata)
            .bind::<Text, _>(sort_name)
            .bind::<Text, _>(search)
    })?;
    insert_rows(conn, SECRET_COLUMNS, 8, keys, |row, (_, secret)| {
        row.bind::<Text, _>(&secret.id)
            .bind::<Text, _>(&secret.api_key_id)
            .bind::<Binary, _>(secret.digest)
            .bind::<Text, _>(&secret.mask)
            .bind::<Text, _>(&secret.tail)
            .bind::<BigInt, _>(secret.created_at)
            .bind::<Nullable<BigInt>, _>(secret.ends_at)
            .bind::<Text, _>(secret.origin)
    })?;
    insert_rows(conn, LAST_USE_COLUMNS, 4, keys, |row, (key, _)| {
        let row = row.bind::<Text, _>(&key.id).bind::<Text, _>(&key.account_id);
        row.bind::<BigInt, _>(key.created_at).bind::<BigInt, _>(0)
    })
}
