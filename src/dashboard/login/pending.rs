//! A login whose password was right and whose second factor is still to come. Nobody is
//! logged in by it: it is no operator's session.

use actix_session::Session;
use serde::{Deserialize, Serialize};

use crate::domain::identity::operator::OperatorId;
use crate::error::{Error, Result};
use crate::store::UtcTime;

/// The page that asks for the code.
pub(super) const SECOND_FACTOR_PATH: &str = "/login/second-factor";
const PENDING: &str = "pending_login";
/// The code has to follow within this time.
const PENDING_SECONDS: i64 = 10 * 60;

/// What the session keeps of the password's form.
#[derive(Serialize, Deserialize)]
pub(super) struct PendingLogin {
    /// Who has given the password, by id.
    pub(super) operator: String,
    /// When, in microseconds since 1970.
    pub(super) since: i64,
    /// Where to go afterwards.
    pub(super) next: String,
    /// The form that was being sent before the login.
    pub(super) draft: String,
}

impl PendingLogin {
    /// Keeps it in a session of a new id, in which nobody is logged in.
    pub(super) fn keep(&self, session: &Session) -> Result<()> {
        session.clear();
        session.renew();
        session.insert(PENDING, self).map_err(|error| Error::internal(anyhow::anyhow!(error)))
    }

    /// The one of this session, whose time may be over.
    pub(super) fn of(session: &Session) -> Option<Self> {
        session.get(PENDING).ok().flatten()
    }

    /// Takes it out of the session, once the login is complete.
    pub(super) fn forget(session: &Session) {
        if session.contains_key(PENDING) {
            session.remove(PENDING);
        }
    }

    pub(super) fn operator(&self) -> Option<OperatorId> {
        self.operator.parse().ok()
    }

    pub(super) const fn since(&self) -> UtcTime {
        UtcTime::from_micros(self.since)
    }

    pub(super) fn is_over(&self, now: UtcTime) -> bool {
        now >= self.since().plus_seconds(PENDING_SECONDS)
    }
}
