//! When and how a key was last used.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::api_key::ApiKeyId;
use crate::error::Result;
use crate::store::schema::{api_key_usages, api_keys};
use crate::store::{Conn, UtcTime};

/// A key's uses so far, and the last of them.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_key_usages)]
pub struct ApiKeyUsage {
    /// Whose.
    pub api_key_id: ApiKeyId,
    /// How often it opened a door.
    pub uses: i64,
    /// When it did last.
    pub last_used_at: UtcTime,
    /// From where; empty when not known.
    pub address: String,
    /// With which program; empty when not known.
    pub user_agent: String,
}

/// Adds uses to those so far. Time only goes forward: what comes late from
/// another instance is counted, and leaves the last use as it is.
///
/// # Errors
/// When the database fails.
pub fn add(conn: &mut Conn, news: &ApiKeyUsage) -> Result<()> {
    let row = api_key_usages::table.find(&news.api_key_id);
    let counted = diesel::update(row).set(api_key_usages::uses.eq(api_key_usages::uses + news.uses)).execute(conn)?;
    if counted == 0 {
        return insert(conn, news);
    }
    diesel::update(row.filter(api_key_usages::last_used_at.lt(news.last_used_at)))
        .set((
            api_key_usages::last_used_at.eq(news.last_used_at),
            api_key_usages::address.eq(&news.address),
            api_key_usages::user_agent.eq(&news.user_agent),
        ))
        .execute(conn)?;
    Ok(())
}

/// The first use; of a key that was deleted meanwhile nothing is kept.
fn insert(conn: &mut Conn, news: &ApiKeyUsage) -> Result<()> {
    let exists: i64 = api_keys::table.find(&news.api_key_id).count().get_result(conn)?;
    if exists == 0 {
        return Ok(());
    }
    // In a savepoint: another instance may have been quicker.
    match conn.transaction(|conn| diesel::insert_into(api_key_usages::table).values(news).execute(conn)) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => add(conn, news),
        result => Ok(result.map(drop)?),
    }
}
