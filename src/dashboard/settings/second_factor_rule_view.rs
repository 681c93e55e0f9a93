//! The installation's rule about second factors, as its form shows it.

use crate::domain::identity::second_factor::SecondFactorRule;

/// `settings/_second_factor_rule.html`
pub(super) struct SecondFactorRuleView {
    pub(super) chosen: &'static str,
    pub(super) error: Option<String>,
}

impl SecondFactorRuleView {
    /// The form with a rule that is saved.
    pub(super) const fn of(rule: SecondFactorRule) -> Self {
        Self { chosen: rule.as_str(), error: None }
    }
}
