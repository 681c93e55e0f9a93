//! When keys were used last, for lists that are sorted and filtered by it.

use diesel::prelude::*;

use super::record::ApiKey;
use crate::store::Conn;
use crate::store::schema::key_last_uses;

/// The value of a key that was never used.
const NEVER: i64 = 0;

/// The row of a new key.
///
/// # Errors
/// When the database fails.
pub(super) fn begin(conn: &mut Conn, key: &ApiKey) -> QueryResult<usize> {
    diesel::insert_into(key_last_uses::table)
        .values((
            key_last_uses::api_key_id.eq(&key.id),
            key_last_uses::account_id.eq(&key.account_id),
            key_last_uses::created_at.eq(key.created_at),
            key_last_uses::last_used_at.eq(NEVER),
        ))
        .execute(conn)
}
