//! Keys as they are, held until the end of a change of many of them.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use crate::domain::account::AccountId;
use crate::domain::api_key::{ApiKey, ApiKeyId};
use crate::error::Result;
use crate::store::schema::{api_keys, key_handovers, key_secrets};
use crate::store::{Conn, Digest, Tx, UtcTime};

/// A key, also one in the trash.
pub(super) struct LockedKey {
    pub(super) key: ApiKey,
    pub(super) deleted_at: Option<UtcTime>,
}

/// Those of the keys that an account has. Other changes of them wait.
pub(super) fn lock(tx: &mut Tx<'_>, account: &AccountId, ids: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, LockedKey>> {
    if let Conn::Postgres(conn) = tx.conn() {
        let texts: Vec<&str> = ids.iter().map(ApiKeyId::as_str).collect();
        // In one order, so that two changes of many keys never wait for each other.
        diesel::sql_query("SELECT id FROM api_keys WHERE id = ANY($1) ORDER BY id FOR UPDATE")
            .bind::<Array<Text>, _>(texts)
            .execute(conn)?;
    }
    let rows: Vec<(ApiKey, Option<UtcTime>)> = api_keys::table
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::id.eq_any(ids))
        .select((ApiKey::as_select(), api_keys::deleted_at))
        .load(tx.conn())?;
    Ok(rows.into_iter().map(|(key, deleted_at)| (key.id.clone(), LockedKey { key, deleted_at })).collect())
}

/// Invalidates the cached records of these keys on every instance.
pub(super) fn forget(tx: &mut Tx<'_>, ids: &[ApiKeyId]) -> Result<()> {
    let secrets = key_secrets::table.filter(key_secrets::api_key_id.eq_any(ids));
    let digests: Vec<Digest> = secrets.select(key_secrets::digest).load(tx.conn())?;
    digests.into_iter().for_each(|digest| tx.forget(digest));
    Ok(())
}

/// Ends the links of these keys that nobody opened.
pub(super) fn end_unopened_links(tx: &mut Tx<'_>, ids: &[ApiKeyId]) -> Result<()> {
    let links = key_handovers::table.filter(key_handovers::api_key_id.eq_any(ids));
    diesel::delete(links.filter(key_handovers::opened_at.is_null())).execute(tx.conn())?;
    Ok(())
}
