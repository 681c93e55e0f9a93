//! The installation's rule about who needs a second factor.

use super::record::is_on;
use crate::domain::account::membership::Role;
use crate::domain::audit;
use crate::domain::identity::operator::OperatorId;
use crate::domain::setting::{self, Setting};
use crate::error::{Error, Result};
use crate::store::types::text_enum;
use crate::store::{Conn, Tx};

text_enum! {
    /// Who needs a second factor.
    SecondFactorRule {
        /// It is everybody's own choice.
        Nobody = "nobody",
        /// Owners.
        Owners = "owners",
        /// Everybody who logs in.
        Everybody = "everybody",
    }
}

impl SecondFactorRule {
    /// Reads a rule as a form or a command has it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `second_factor_rule`.
    pub fn parse(typed: &str) -> Result<Self> {
        typed.trim().parse().map_err(|()| Error::invalid("second_factor_rule", "Choose nobody, owners or everybody."))
    }

    /// The rule as it is stored.
    ///
    /// # Errors
    /// When the database fails.
    pub fn read(conn: &mut Conn) -> Result<Self> {
        let stored = setting::get(conn, Setting::SecondFactorRule)?;
        Ok(stored.and_then(|text| text.parse().ok()).unwrap_or(Self::Nobody))
    }

    /// Saves the rule, which holds from the next request on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn save(self, tx: &mut Tx<'_>) -> Result<()> {
        let before = Self::read(tx)?;
        if before == self {
            return Ok(());
        }
        setting::set(tx, Setting::SecondFactorRule, self.as_str())?;
        let event = audit::settings_changed().field("second_factor_rule", before.as_str(), self.as_str());
        tx.audit(event.done())
    }

    /// Saves the rule on behalf of an operator. Whoever asks others for a second factor has
    /// one, and so has seen what it takes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `second_factor_rule` without one.
    pub fn save_as(self, tx: &mut Tx<'_>, operator: &OperatorId) -> Result<()> {
        if self != Self::Nobody && !is_on(tx, operator)? {
            let message = "Set up a second factor for yourself first. Then you can ask others for one.";
            return Err(Error::invalid("second_factor_rule", message));
        }
        self.save(tx)
    }

    const fn concerns(self, role: Role) -> bool {
        match self {
            Self::Nobody => false,
            Self::Owners => matches!(role, Role::Owner),
            Self::Everybody => true,
        }
    }
}

/// Whether an operator with this role needs a second factor and has none.
///
/// # Errors
/// When the database fails.
pub fn is_missing(conn: &mut Conn, operator: &OperatorId, role: Role) -> Result<bool> {
    Ok(SecondFactorRule::read(conn)?.concerns(role) && !is_on(conn, operator)?)
}
