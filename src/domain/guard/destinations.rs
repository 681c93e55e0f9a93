//! Where messages may go, by the first digits of their numbers.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;

use crate::domain::message::phone_number::PhoneNumber;
use crate::error::{Error, Result};
use crate::store::types::{text_column, text_enum};

/// The most prefixes of a list.
const MAX_PREFIXES: usize = 250;
/// The most digits of a prefix, as of a number.
const MAX_PREFIX_DIGITS: usize = 15;

text_enum! {
    /// What a list of prefixes means.
    DestinationRule {
        /// Nothing: every number is allowed.
        Any = "any",
        /// Numbers that begin with one of them are refused.
        Except = "except",
        /// Only numbers that begin with one of them are allowed.
        Only = "only",
    }
}

/// Prefixes such as `+420`, sorted, with a space between two.
#[derive(Debug, Clone, PartialEq, Eq, Default, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Prefixes(String);

impl Prefixes {
    /// Satellite phones and the international premium rate: numbers that fraud is done with.
    #[must_use]
    pub fn premium() -> Self {
        Self("+881 +882 +883 +979".to_owned())
    }

    /// Validates a list with spaces, commas or line breaks between its prefixes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `prefixes`: what is no beginning of a number, and too many.
    pub fn parse(text: &str) -> Result<Self> {
        let parts = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|part| !part.is_empty());
        let mut prefixes: Vec<String> = parts.map(parse_one).collect::<Result<_>>()?;
        prefixes.sort_unstable();
        prefixes.dedup();
        if prefixes.len() > MAX_PREFIXES {
            let found = prefixes.len();
            return Err(invalid(format!("{found} prefixes; {MAX_PREFIXES} is the most. Shorter ones cover more.")));
        }
        Ok(Self(prefixes.join(" ")))
    }

    /// As stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The prefixes.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|prefix| !prefix.is_empty())
    }

    /// The prefix with which a number begins, if it is one of these.
    #[must_use]
    pub fn prefix_of(&self, number: &PhoneNumber) -> Option<&str> {
        self.iter().find(|prefix| number.as_str().starts_with(prefix))
    }
}

impl std::str::FromStr for Prefixes {
    type Err = std::convert::Infallible;

    fn from_str(stored: &str) -> Result<Self, Self::Err> {
        Ok(Self(stored.to_owned()))
    }
}

text_column!(Prefixes);

fn parse_one(typed: &str) -> Result<String> {
    let digits = typed.strip_prefix('+').unwrap_or(typed);
    let is_prefix = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0');
    match digits.len() {
        1..=MAX_PREFIX_DIGITS if is_prefix => Ok(format!("+{digits}")),
        _ => Err(invalid("Write prefixes as country codes, for example +420, with spaces between them.")),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid("prefixes", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_country_codes_or_longer() {
        for (typed, stored) in
            [("", ""), ("+420", "+420"), ("979, 881;+882\n881", "+881 +882 +979"), ("1 44", "+1 +44")]
        {
            assert_eq!(Prefixes::parse(typed).unwrap().as_str(), stored, "{typed}");
        }
        for wrong in ["Malta", "+", "0044", "+420x", "1234567890123456", "-1"] {
            assert!(Prefixes::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_number_has_a_prefix_that_it_begins_with() {
        let premium = Prefixes::premium();
        let prefix_of = |number: &str| premium.prefix_of(&PhoneNumber::parse("to", number).unwrap());
        assert_eq!(prefix_of("+88112345678"), Some("+881"));
        assert_eq!(prefix_of("+42088112345"), None);
        assert_eq!(prefix_of("+8801234567"), None);
    }
}
