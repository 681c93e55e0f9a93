//! The addresses that a key was refused from.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::record::{ALL_ADDRESSES, oldest_kept};
use crate::domain::api_key::ApiKeyId;
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// Requests with a key that were refused for one reason, from one address.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct RefusedAddress {
    /// From where; empty when not known.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub requests: i64,
    /// When the last one was refused.
    #[diesel(sql_type = BigInt)]
    pub last_at: UtcTime,
}

/// The addresses that a key was refused from with this code, the latest first, at most
/// `limit`. Only codes that are counted by address have any.
///
/// # Errors
/// When the database fails.
pub fn refused_addresses(
    conn: &mut Conn,
    key: &ApiKeyId,
    code: &str,
    now: UtcTime,
    limit: i64,
) -> Result<Vec<RefusedAddress>> {
    let [key_id, of_code, any, since, most] = match conn {
        Conn::Postgres(_) => ["$1", "$2", "$3", "$4", "$5"],
        Conn::Sqlite(_) => ["?1", "?2", "?3", "?4", "?5"],
    };
    // The sum of integers has a type of its own on PostgreSQL.
    let query = format!(
        "SELECT source, CAST(SUM(requests) AS BIGINT) AS requests, MAX(last_at) AS last_at FROM key_refusals \
         WHERE api_key_id = {key_id} AND code = {of_code} AND source <> {any} AND last_at >= {since} \
         GROUP BY source ORDER BY MAX(last_at) DESC, source LIMIT {most}"
    );
    let query = diesel::sql_query(query).bind::<Text, _>(key.as_str()).bind::<Text, _>(code);
    let query = query.bind::<Text, _>(ALL_ADDRESSES).bind::<BigInt, _>(oldest_kept(now)).bind::<BigInt, _>(limit);
    Ok(query.load(conn)?)
}
