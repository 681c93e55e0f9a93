//! A browser's session, found by the digest of the id in its cookie.

use diesel::prelude::*;

use super::operator::OperatorId;
use crate::error::Result;
use crate::store::schema::sessions;
use crate::store::{Conn, Digest, UtcTime};

/// A session ends this long after it was last used (ASVS 7.3.1), in seconds: 12 hours.
pub const IDLE_SECONDS: i64 = 12 * 60 * 60;
/// A session ends this long after login, used or not (ASVS 7.3.2), in seconds: 7 days.
pub const ABSOLUTE_SECONDS: i64 = 7 * 24 * 60 * 60;
/// Its last use is written down at most this often, in seconds.
const SEEN_SECONDS: i64 = 60;

/// A session as it is kept.
#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = sessions)]
pub struct Session {
    /// SHA-256 of the id in the cookie.
    pub digest: Digest,
    /// Who is logged in.
    pub operator_id: Option<OperatorId>,
    /// The rest, as JSON.
    pub state: String,
    /// When it began.
    pub created_at: UtcTime,
    /// When it was last used, give or take a minute.
    pub seen_at: UtcTime,
}

impl Session {
    /// Whether it is time to write down that it is in use.
    #[must_use]
    pub fn is_seen_stale(&self, now: UtcTime) -> bool {
        self.seen_at <= now.plus_seconds(-SEEN_SECONDS)
    }

    const fn is_live(&self, now: UtcTime) -> bool {
        self.seen_at.micros() > now.plus_seconds(-IDLE_SECONDS).micros()
            && self.created_at.micros() > now.plus_seconds(-ABSOLUTE_SECONDS).micros()
    }
}

/// The session with this digest, unless it has ended.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Conn, digest: Digest, now: UtcTime) -> Result<Option<Session>> {
    let session: Option<Session> = sessions::table.find(digest).first(conn).optional()?;
    Ok(session.filter(|session| session.is_live(now)))
}

/// Begins a session, and clears away those that have ended.
///
/// # Errors
/// When the database fails.
pub fn create(conn: &mut Conn, session: &Session) -> Result<()> {
    let idle = session.created_at.plus_seconds(-IDLE_SECONDS);
    diesel::delete(sessions::table.filter(sessions::seen_at.le(idle))).execute(conn)?;
    diesel::insert_into(sessions::table).values(session).execute(conn)?;
    Ok(())
}

/// Keeps what a session holds now; `false` when it has ended meanwhile.
///
/// # Errors
/// When the database fails.
pub fn update(conn: &mut Conn, digest: Digest, operator_id: Option<&OperatorId>, state: &str) -> Result<bool> {
    let changed = diesel::update(sessions::table.find(digest))
        .set((sessions::operator_id.eq(operator_id), sessions::state.eq(state)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Writes down that a session is in use.
///
/// # Errors
/// When the database fails.
pub fn touch(conn: &mut Conn, digest: Digest, now: UtcTime) -> Result<()> {
    diesel::update(sessions::table.find(digest)).set(sessions::seen_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Ends one session.
///
/// # Errors
/// When the database fails.
pub fn end(conn: &mut Conn, digest: Digest) -> Result<()> {
    diesel::delete(sessions::table.find(digest)).execute(conn)?;
    Ok(())
}

/// Ends every session of an operator.
///
/// # Errors
/// When the database fails.
pub fn end_all(conn: &mut Conn, operator: &OperatorId) -> Result<()> {
    diesel::delete(sessions::table.filter(sessions::operator_id.eq(operator))).execute(conn)?;
    Ok(())
}
