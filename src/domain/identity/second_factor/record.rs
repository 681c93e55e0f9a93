//! The rows of second factors.

use std::collections::HashSet;

use diesel::prelude::*;

use super::recovery_code;
use super::secret::TotpSecret;
use crate::domain::identity::operator::OperatorId;
use crate::error::Result;
use crate::store::schema::second_factors;
use crate::store::{Conn, UtcTime};

/// How long a set-up that was begun may take. A secret that somebody else had shown before
/// does not become a factor later.
const SETUP_SECONDS: i64 = 30 * 60;

/// What an operator has.
#[derive(Debug)]
pub enum SecondFactor {
    /// Nothing.
    Off,
    /// A secret whose first code is still to be typed.
    Pending(TotpSecret),
    /// An authenticator app.
    On {
        /// Since when a login asks for it.
        since: UtcTime,
        /// How many recovery codes are left.
        recovery_codes: i64,
    },
}

/// A row of `second_factors`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = second_factors)]
pub(super) struct StoredFactor {
    pub(super) secret: Vec<u8>,
    pub(super) created_at: UtcTime,
    pub(super) confirmed_at: Option<UtcTime>,
}

impl StoredFactor {
    pub(super) fn is_pending(&self, now: UtcTime) -> bool {
        self.confirmed_at.is_none() && now < self.created_at.plus_seconds(SETUP_SECONDS)
    }
}

pub(super) fn stored(conn: &mut Conn, operator: &OperatorId) -> Result<Option<StoredFactor>> {
    let row = second_factors::table.find(operator).select(StoredFactor::as_select());
    Ok(row.first(conn).optional()?)
}

/// The second factor of an operator.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut Conn, operator: &OperatorId, now: UtcTime) -> Result<SecondFactor> {
    let Some(stored) = stored(conn, operator)? else { return Ok(SecondFactor::Off) };
    match stored.confirmed_at {
        Some(since) => Ok(SecondFactor::On { since, recovery_codes: recovery_code::count(conn, operator)? }),
        None if stored.is_pending(now) => Ok(SecondFactor::Pending(TotpSecret::from_stored(stored.secret)?)),
        None => Ok(SecondFactor::Off),
    }
}

/// Those of these operators whose logins ask for a second factor.
///
/// # Errors
/// When the database fails.
pub fn those_with_one(conn: &mut Conn, operators: &[&OperatorId]) -> Result<HashSet<OperatorId>> {
    let confirmed = second_factors::table.filter(second_factors::confirmed_at.is_not_null());
    let of_operators = confirmed.filter(second_factors::operator_id.eq_any(operators));
    Ok(of_operators.select(second_factors::operator_id).load(conn)?.into_iter().collect())
}

/// Whether a login of the operator asks for a second factor.
///
/// # Errors
/// When the database fails.
pub fn is_on(conn: &mut Conn, operator: &OperatorId) -> Result<bool> {
    let confirmed = second_factors::table.find(operator).filter(second_factors::confirmed_at.is_not_null());
    Ok(confirmed.count().get_result::<i64>(conn)? > 0)
}
