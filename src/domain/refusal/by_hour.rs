//! How often a key was refused in each hour.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::domain::api_key::ApiKeyId;
use crate::error::Result;
use crate::store::schema::key_refusals;
use crate::store::{Conn, UtcTime};

/// The hours from `from` up to `to` in which requests with the key were refused, oldest
/// first, and how many, whatever the reason.
///
/// # Errors
/// When the database fails.
pub fn refused_by_hour(conn: &mut Conn, key: &ApiKeyId, from: UtcTime, to: UtcTime) -> Result<Vec<(UtcTime, i64)>> {
    let rows = key_refusals::table
        .filter(key_refusals::api_key_id.eq(key))
        .filter(key_refusals::hour.between(from, to))
        .group_by(key_refusals::hour)
        .order(key_refusals::hour)
        // PostgreSQL's sum of integers is no integer.
        .select((key_refusals::hour, sql::<BigInt>("CAST(SUM(requests) AS BIGINT)")));
    Ok(rows.load(conn)?)
}
