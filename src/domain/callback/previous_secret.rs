//! Secrets of callbacks that were replaced. Requests are signed with them too for a
//! day, so that none is refused while an application changes to the new one.

use diesel::prelude::*;

use super::secret::CallbackSecret;
use crate::domain::api_key::ApiKeyId;
use crate::error::Result;
use crate::store::schema::previous_callback_secrets;
use crate::store::{Conn, Tx, UtcTime};

/// How long a replaced secret still signs, in seconds.
pub const PREVIOUS_SECRET_SECONDS: i64 = 24 * 3_600;
/// The most replaced secrets that still sign: each makes the header longer.
const MAX_PREVIOUS_SECRETS: i64 = 4;

/// A row of `previous_callback_secrets`.
#[derive(Debug, Insertable)]
#[diesel(table_name = previous_callback_secrets)]
struct PreviousSecret<'a> {
    secret: CallbackSecret,
    api_key_id: &'a ApiKeyId,
    ends_at: UtcTime,
}

/// Keeps a secret that was replaced just now, and removes those that no longer sign.
///
/// # Errors
/// When the database fails.
pub(super) fn keep(tx: &mut Tx<'_>, key: &ApiKeyId, secret: CallbackSecret) -> Result<()> {
    let now = tx.now();
    let row = PreviousSecret { secret, api_key_id: key, ends_at: now.plus_seconds(PREVIOUS_SECRET_SECONDS) };
    diesel::insert_into(previous_callback_secrets::table).values(&row).execute(tx.conn())?;
    let signing = list(tx, key, now)?;
    let ended = previous_callback_secrets::table
        .filter(previous_callback_secrets::api_key_id.eq(key))
        .filter(previous_callback_secrets::secret.ne_all(&signing));
    diesel::delete(ended).execute(tx.conn())?;
    Ok(())
}

/// The replaced secrets of a callback that still sign, newest first.
///
/// # Errors
/// When the database fails.
pub(super) fn list(conn: &mut Conn, key: &ApiKeyId, now: UtcTime) -> Result<Vec<CallbackSecret>> {
    Ok(previous_callback_secrets::table
        .filter(previous_callback_secrets::api_key_id.eq(key))
        .filter(previous_callback_secrets::ends_at.gt(now))
        .order((previous_callback_secrets::ends_at.desc(), previous_callback_secrets::secret))
        .limit(MAX_PREVIOUS_SECRETS)
        .select(previous_callback_secrets::secret)
        .load(conn)?)
}
