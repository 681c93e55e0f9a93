//! Browser sessions. The database stores a digest of the id in the cookie, so that a
//! leaked backup holds no usable session.

mod own;

use diesel::prelude::*;

use super::operator::OperatorId;
use crate::error::Result;
use crate::store::schema::{operators, sessions};
use crate::store::{Conn, Digest, UtcTime};

pub use own::{end_one, end_others, list};

/// Idle timeout (ASVS 7.3.1): 12 hours after the last use.
pub const IDLE_TIMEOUT_SECONDS: i64 = 12 * 60 * 60;
/// Absolute timeout (ASVS 7.3.2): 7 days after the login.
pub const ABSOLUTE_TIMEOUT_SECONDS: i64 = 7 * 24 * 60 * 60;
/// The length of [`Session::public_id`].
const PUBLIC_ID_CHARS: usize = 32;
/// The last use is stored at most this often, so that not every request writes.
const TOUCH_INTERVAL_SECONDS: i64 = 60;

/// A row of `sessions`.
#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = sessions)]
pub struct Session {
    /// SHA-256 of the id in the cookie.
    pub digest: Digest,
    /// The operator who is logged in, if any.
    pub operator_id: Option<OperatorId>,
    /// The session's other values, as JSON.
    pub state: String,
    /// When it began.
    pub created_at: UtcTime,
    /// When it was last used, accurate to a minute.
    pub seen_at: UtcTime,
}

impl Session {
    /// Whether [`touch`] is due.
    #[must_use]
    pub fn is_seen_stale(&self, now: UtcTime) -> bool {
        self.seen_at <= now.plus_seconds(-TOUCH_INTERVAL_SECONDS)
    }

    /// What names the session on pages: made of the digest that the database holds, and
    /// leads back neither to it nor to the id in the cookie.
    #[must_use]
    pub fn public_id(&self) -> String {
        public_id(self.digest)
    }

    const fn is_live(&self, now: UtcTime) -> bool {
        self.seen_at.micros() > now.plus_seconds(-IDLE_TIMEOUT_SECONDS).micros()
            && self.created_at.micros() > now.plus_seconds(-ABSOLUTE_TIMEOUT_SECONDS).micros()
    }
}

/// The public id of the session with this digest.
#[must_use]
pub fn public_id(digest: Digest) -> String {
    Digest::of(digest.to_hex().as_bytes()).to_hex().chars().take(PUBLIC_ID_CHARS).collect()
}

/// The session with this digest, unless it has ended.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Conn, digest: Digest, now: UtcTime) -> Result<Option<Session>> {
    let session: Option<Session> = sessions::table.find(digest).first(conn).optional()?;
    Ok(session.filter(|session| session.is_live(now)))
}

/// Creates a session, and deletes those that have timed out. Its operator is seen.
///
/// # Errors
/// When the database fails.
pub fn create(conn: &mut Conn, session: &Session) -> Result<()> {
    let idle = session.created_at.plus_seconds(-IDLE_TIMEOUT_SECONDS);
    diesel::delete(sessions::table.filter(sessions::seen_at.le(idle))).execute(conn)?;
    diesel::insert_into(sessions::table).values(session).execute(conn)?;
    see_operator(conn, session, session.created_at)
}

/// How many sessions of operators have not timed out.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, now: UtcTime) -> Result<i64> {
    let idle = now.plus_seconds(-IDLE_TIMEOUT_SECONDS);
    let seen = sessions::table.filter(sessions::seen_at.gt(idle)).filter(sessions::operator_id.is_not_null());
    let begun = sessions::created_at.gt(now.plus_seconds(-ABSOLUTE_TIMEOUT_SECONDS));
    Ok(seen.filter(begun).count().get_result(conn)?)
}

/// Stores a session's values; `false` when it has ended meanwhile.
///
/// # Errors
/// When the database fails.
pub fn update(conn: &mut Conn, digest: Digest, operator_id: Option<&OperatorId>, state: &str) -> Result<bool> {
    let changed = diesel::update(sessions::table.find(digest))
        .set((sessions::operator_id.eq(operator_id), sessions::state.eq(state)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Stores that a session and its operator are active.
///
/// # Errors
/// When the database fails.
pub fn touch(conn: &mut Conn, session: &Session, now: UtcTime) -> Result<()> {
    diesel::update(sessions::table.find(session.digest)).set(sessions::seen_at.eq(now)).execute(conn)?;
    see_operator(conn, session, now)
}

fn see_operator(conn: &mut Conn, session: &Session, now: UtcTime) -> Result<()> {
    if let Some(operator) = &session.operator_id {
        diesel::update(operators::table.find(operator)).set(operators::last_seen_at.eq(now)).execute(conn)?;
    }
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
