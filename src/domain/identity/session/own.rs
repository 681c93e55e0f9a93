//! An operator's own sessions: which there are, and ending them.

use diesel::prelude::*;

use super::Session;
use crate::domain::identity::operator::{self, Operator, OperatorId};
use crate::error::{Error, Result};
use crate::store::schema::sessions;
use crate::store::{Conn, Digest, Tx, UtcTime};

/// The sessions of an operator that have not ended, the last used first.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, operator: &OperatorId, now: UtcTime) -> Result<Vec<Session>> {
    let found = sessions::table.filter(sessions::operator_id.eq(operator));
    let mut found: Vec<Session> = found.order((sessions::seen_at.desc(), sessions::digest)).load(conn)?;
    found.retain(|session| session.is_live(now));
    Ok(found)
}

/// Ends one session of an operator; `address` is where it was begun.
///
/// # Errors
/// [`Error::NotFound`] when it has ended before, or is somebody else's.
pub fn end_one(tx: &mut Tx<'_>, operator: &Operator, digest: Digest, address: Option<String>) -> Result<()> {
    let row = sessions::table.find(digest).filter(sessions::operator_id.eq(&operator.id));
    if diesel::delete(row).execute(tx.conn())? == 0 {
        return Err(Error::NotFound);
    }
    operator::ended_session(tx, operator, address)
}

/// Ends every session of an operator except the one with this public id. Gives how many
/// there were.
///
/// # Errors
/// When the database fails.
pub fn end_others(tx: &mut Tx<'_>, operator: &Operator, own: &str) -> Result<usize> {
    let now = tx.now();
    let mut ended = 0;
    for session in list(tx, &operator.id, now)?.into_iter().filter(|session| session.public_id() != own) {
        ended += diesel::delete(sessions::table.find(session.digest)).execute(tx.conn())?;
    }
    if ended > 0 {
        operator::ended_other_sessions(tx, operator, ended)?;
    }
    Ok(ended)
}
