//! Phone numbers in international form (ITU-T E.164).

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;

use crate::domain::text;
use crate::error::{Error, Result};
use crate::store::types::text_column;

/// The fewest digits after the plus sign; E.164 sets no minimum.
const MIN_DIGITS: usize = 7;
/// The most digits after the plus sign (E.164 §6.2.1).
pub const MAX_DIGITS: usize = 15;

/// `+` and 7 to 15 digits, which begin with a country code. A number without a
/// country code is refused, not completed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Parses a number. Spaces, hyphens, dots, brackets and marks that nobody sees are
    /// left out, and so is a zero in brackets behind the country code.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `field`, which says what to change.
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
        Self::checked(text).map_err(|problem| Error::invalid(field, problem))
    }

    pub(super) fn checked(text: &str) -> Result<Self, String> {
        let text: String = text::trim(text).chars().filter(|c| !is_separator(*c)).collect();
        let number: String = without_trunk_prefix(&text)?.chars().filter(|c| !matches!(c, '(' | ')')).collect();
        if number.is_empty() {
            return Err("A phone number is required, such as +420777123456.".to_owned());
        }
        // A plus sign of another alphabet looks like the one that is asked for.
        if !number.starts_with(['+', FULLWIDTH_PLUS]) {
            return Err("Begin the phone number with + and the country code, such as +420777123456.".to_owned());
        }
        let digits = number.strip_prefix('+').unwrap_or(&number);
        if let Some(other) = digits.chars().find(|c| !c.is_ascii_digit()) {
            return Err(format!(
                "A phone number has only digits after the +, with spaces, hyphens, dots and brackets between them: \
                 {} can't be there.",
                text::name_of(other)
            ));
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

const FULLWIDTH_PLUS: char = '\u{ff0b}';

/// What people put between digits, in any script's form of it.
fn is_separator(c: char) -> bool {
    text::is_space(c) || text::is_hyphen(c) || text::is_mark(c) || matches!(c, '.' | '\u{b7}' | '\u{2024}' | '\u{ff0e}')
}

/// Countries whose numbers keep their zero behind the country code: Italy, San Marino, the
/// Vatican, Ivory Coast, Gabon and the Congo.
const WITH_LEADING_ZERO: [&str; 6] = ["+39", "+378", "+379", "+225", "+241", "+242"];

/// Leaves out the zero of `+44 (0)20…` and `+44 (020)…`: it is dialled within the country only,
/// and with it the message would go to another number, or to none.
fn without_trunk_prefix(number: &str) -> Result<String, String> {
    let Some((code, rest)) = number.split_once("(0") else { return Ok(number.to_owned()) };
    let digits = code.strip_prefix('+').unwrap_or_default();
    let is_code = (1..=3).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_code || rest.contains("(0") {
        return Err("Leave out the zero in brackets: write the number as it is dialled from abroad.".to_owned());
    }
    let zero = if WITH_LEADING_ZERO.contains(&code) { "0" } else { "" };
    Ok(format!("{code}{zero}{rest}"))
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
            ("+420.777.123.456", "+420777123456"),
            ("\u{202a}+420\u{a0}777\u{2011}123\u{202f}456\u{202c}", "+420777123456"),
            ("\u{feff}+420\u{200b}777\u{ad}123\u{2013}456\r\n", "+420777123456"),
            ("+81\u{3000}90\u{ff0d}1234\u{2212}5678", "+819012345678"),
            ("(+420) 777 123 456", "+420777123456"),
            ("+1234567", "+1234567"),
            ("+123456789012345", "+123456789012345"),
        ] {
            assert_eq!(PhoneNumber::parse("to", typed).unwrap().as_str(), number);
        }
    }

    #[test]
    fn a_zero_that_is_dialled_within_the_country_only_is_left_out() {
        for (typed, number) in [
            ("+44 (0)20 7946 0018", "+442079460018"),
            ("+44 (020) 7946 0018", "+442079460018"),
            ("+44(0)7700 900123", "+447700900123"),
            ("+49 ( 0 ) 30 123456", "+4930123456"),
            ("+353-(0)1-234 5678", "+35312345678"),
            ("+39 06 698 1234", "+39066981234"),
            ("+39 (0)6 698 1234", "+39066981234"),
            ("+39 (06) 698 1234", "+39066981234"),
            ("+225 (0)7 12 34 56 78", "+2250712345678"),
            ("+1 (415) 555-0100", "+14155550100"),
        ] {
            assert_eq!(PhoneNumber::parse("to", typed).unwrap().as_str(), number, "{typed}");
        }
        for typed in ["+4420 (0)7946 0018", "+44 (0)20 (0)7946", "(0)20 7946 0018", "020 (0)7946"] {
            assert!(PhoneNumber::checked(typed).unwrap_err().contains("zero in brackets"), "{typed}");
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
            ("+420777123456x9", "“x” can't be there"),
            ("++420777123456", "“+” can't be there"),
            ("+420\n777123456", "a line break can't"),
            ("+420777123456\u{2028}+420777123457", "a line break can't"),
            ("\u{ff0b}420777123456", "“＋” (U+FF0B) can't"),
            ("+420/777", "“/” can't be there"),
            ("+٤٢٠٧٧٧١٢٣٤٥٦", "“٤” (U+0664) can't"),
            ("+420777123456\0", "U+0000 can't"),
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
        fn a_number_that_is_taken_is_strict(text in prop_oneof![any::<String>(), "[+ ()0-9.-]{0,24}"]) {
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
