//! Phone numbers in international form (ITU-T E.164).

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;

use crate::error::{Error, Result};
use crate::store::types::text_column;

/// The fewest digits after the plus sign; E.164 sets no minimum.
const MIN_DIGITS: usize = 7;
/// The most digits after the plus sign (E.164 §6.2.1).
const MAX_DIGITS: usize = 15;

/// `+` and 7 to 15 digits, which begin with a country code. A number without a
/// country code is refused, not completed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Parses a number; spaces, hyphens and brackets are removed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `field`, which says what to change.
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
        Self::checked(text).map_err(|problem| Error::invalid(field, problem))
    }

    pub(super) fn checked(text: &str) -> Result<Self, String> {
        let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
        if number.is_empty() {
            return Err("A phone number is required, such as +420777123456.".to_owned());
        }
        let Some(digits) = number.strip_prefix('+') else {
            return Err("Begin the phone number with + and the country code, such as +420777123456.".to_owned());
        };
        if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err("A phone number has only digits after the +; spaces, hyphens and brackets may stand between \
                        them."
                .to_owned());
        }
        if digits.starts_with('0') {
            return Err("No country code begins with 0: write for example +420777123456.".to_owned());
        }
        match digits.len() {
            MIN_DIGITS..=MAX_DIGITS => Ok(Self(number)),
            count => {
                Err(format!("A phone number has {MIN_DIGITS} to {MAX_DIGITS} digits after the +; this has {count}."))
            }
        }
    }

    /// A number from the database; empty once the retention has removed it.
    fn from_column(text: &str) -> Option<Self> {
        if text.is_empty() { Some(Self(String::new())) } else { text.parse().ok() }
    }

    /// Whether the retention has removed the number.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.0.is_empty()
    }

    /// The plus sign and the digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits without the plus sign, as SMPP has them.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PhoneNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::checked(text)
    }
}

text_column!(PhoneNumber, PhoneNumber::from_column);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_put_between_the_digits_is_left_out() {
        for (typed, number) in [
            ("+420777123456", "+420777123456"),
            (" +1 (415) 555-2671 ", "+14155552671"),
            ("+1234567", "+1234567"),
            ("+123456789012345", "+123456789012345"),
        ] {
            assert_eq!(PhoneNumber::parse("to", typed).unwrap().as_str(), number);
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        for (typed, word) in [
            ("", "required"),
            (" - ", "required"),
            ("420777123456", "Begin"),
            ("00420777123456", "Begin"),
            ("777 123 456", "Begin"),
            ("+0420777123456", "begins with 0"),
            ("+420777123456x9", "only digits"),
            ("++420777123456", "only digits"),
            ("+420\n777123456", "only digits"),
            ("+420.777.123456", "only digits"),
            ("+٤٢٠٧٧٧١٢٣٤٥٦", "only digits"),
            ("+", "has 0"),
            ("+123456", "has 6"),
            ("+1234567890123456", "has 16"),
        ] {
            let problem = PhoneNumber::checked(typed).unwrap_err();
            assert!(problem.contains(word), "{typed:?}: {problem}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn a_number_that_is_taken_is_strict(text in prop_oneof![any::<String>(), "[+ ()0-9-]{0,24}"]) {
            if let Ok(number) = text.parse::<PhoneNumber>() {
                let digits = number.as_str().strip_prefix('+').unwrap();
                prop_assert!((7..=15).contains(&digits.len()) && !digits.starts_with('0'));
                prop_assert!(digits.bytes().all(|digit| digit.is_ascii_digit()));
                prop_assert_eq!(number.digits(), digits);
                prop_assert_eq!(number.as_str().parse(), Ok(number.clone()));
            }
        }
    }
}
