//! How the installation's rules about the ends of keys are changed.

use super::expiry::Lifetimes;
use crate::domain::audit;
use crate::domain::setting::{self, Setting};
use crate::error::{Error, FieldErrors, Result};
use crate::store::Tx;

/// The longest lifetime that can be set, in days.
const MAX_LIFETIME_DAYS: i64 = 36_500;

impl Lifetimes {
    /// Validates two numbers of days; `0` or nothing is no rule.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `default_lifetime_days` and `max_lifetime_days`: what is no
    /// whole number of days up to 36,500, and a default that is longer than the maximum.
    pub fn parse(default: &str, max: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let default_days = errors.collect(days("default_lifetime_days", default))?;
        let max_days = errors.collect(days("max_lifetime_days", max))?;
        match (default_days, max_days) {
            (Some(default_days), Some(max_days)) if max_days > 0 && default_days > max_days => Err(Error::invalid(
                "default_lifetime_days",
                format!("No key may last longer than {max_days} days. Use at most that."),
            )),
            (Some(default_days), Some(max_days)) => Ok(Self { default_days, max_days }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

fn days(field: &'static str, text: &str) -> Result<i64> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(0);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(days) if is_number && days <= MAX_LIFETIME_DAYS => Ok(days),
        _ => Err(Error::invalid(field, "Use a whole number of days, at most 36500; 0 is no rule.")),
    }
}

/// Saves the rules. They hold for what is chosen from now on; keys keep the ends that they have.
///
/// # Errors
/// When the database fails.
pub fn save_lifetimes(tx: &mut Tx<'_>, rules: Lifetimes) -> Result<()> {
    let before = Lifetimes::read(tx)?;
    if before == rules {
        return Ok(());
    }
    setting::set(tx, Setting::DefaultLifetimeDays, &rules.default_days.to_string())?;
    setting::set(tx, Setting::MaxLifetimeDays, &rules.max_days.to_string())?;
    let event = audit::settings_changed()
        .field("default_lifetime_days", before.default_days, rules.default_days)
        .field("max_lifetime_days", before.max_days, rules.max_days);
    tx.audit(event.done())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong_field(default: &str, max: &str) -> &'static str {
        match Lifetimes::parse(default, max) {
            Err(Error::Invalid(errors)) => errors.iter().next().unwrap().0,
            other => panic!("{default:?} and {max:?} gave {other:?}"),
        }
    }

    #[test]
    fn days_are_whole_and_nothing_or_zero_is_no_rule() {
        for (default, max, expected) in
            [("", "", (0, 0)), ("0", " 0 ", (0, 0)), ("90", "", (90, 0)), ("", "1", (0, 1)), ("365", "365", (365, 365))]
        {
            let Lifetimes { default_days, max_days } = Lifetimes::parse(default, max).unwrap();
            assert_eq!((default_days, max_days), expected, "{default:?} and {max:?}");
        }
        assert_eq!(Lifetimes::parse("36500", "36500").unwrap().max_days, 36_500);
        for wrong in ["-1", "+1", "1.5", "36501", "99999999999999999999", "a year", "9 0"] {
            assert_eq!(wrong_field(wrong, ""), "default_lifetime_days", "{wrong}");
            assert_eq!(wrong_field("", wrong), "max_lifetime_days", "{wrong}");
        }
    }

    #[test]
    fn a_default_is_no_longer_than_the_maximum() {
        assert_eq!(wrong_field("91", "90"), "default_lifetime_days");
        assert!(Lifetimes::parse("90", "90").is_ok());
    }
}
