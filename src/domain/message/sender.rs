//! The sender that a phone shows for a message.

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;

use super::phone_number::PhoneNumber;
use crate::domain::text;
use crate::error::{Error, Result};
use crate::store::types::text_column;

/// The most characters of a name (3GPP TS 23.040 §9.1.2.5: 11 septets).
const MAX_NAME_CHARS: usize = 11;
/// What a name may have besides letters and digits: signs that are the same in every alphabet
/// of carriers.
const SIGNS: [char; 6] = [' ', '&', '.', '-', '_', '+'];
/// The fewest digits of a short code.
const MIN_SHORT_CODE_DIGITS: usize = 3;
/// The most digits of a short code.
const MAX_SHORT_CODE_DIGITS: usize = 8;

/// A name, a phone number or a short code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Sender {
    text: String,
    kind: SenderKind,
}

/// The kind of a sender, from which its type of number and numbering plan follow
/// (SMPP 3.4 §5.2.5, §5.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SenderKind {
    /// A name: 1 to 11 ASCII letters, digits, spaces and `& . - _ +` with at least one letter.
    Alphanumeric,
    /// A phone number: `+` and 7 to 15 digits.
    International,
    /// 3 to 8 digits.
    ShortCode,
}

impl Sender {
    /// Parses a sender. The space around it and marks that nobody sees are removed, and every
    /// kind of space and hyphen is the one on the keyboard.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `field`, which says what to change.
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
        text.parse().map_err(|problem: String| Error::invalid(field, problem))
    }

    /// The name, the number with its plus sign, or the digits of the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> SenderKind {
        self.kind
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Sender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = &*text::plain(text);
        if text.is_empty() {
            return Err("A sender is required.".to_owned());
        }
        if text.starts_with('+') {
            let number = PhoneNumber::checked(text)?;
            return Ok(Self { text: number.as_str().to_owned(), kind: SenderKind::International });
        }
        let kind = if text.bytes().all(|c| c.is_ascii_digit()) { code(text)? } else { name(text)? };
        Ok(Self { text: text.to_owned(), kind })
    }
}

fn code(text: &str) -> Result<SenderKind, String> {
    match text.len() {
        MIN_SHORT_CODE_DIGITS..=MAX_SHORT_CODE_DIGITS => Ok(SenderKind::ShortCode),
        _ => Err(format!(
            "A sender of digits alone is a short code of {MIN_SHORT_CODE_DIGITS} to {MAX_SHORT_CODE_DIGITS}; begin a phone number with \
             + and the country code."
        )),
    }
}

fn name(text: &str) -> Result<SenderKind, String> {
    let fits = |c: &char| c.is_ascii_alphanumeric() || SIGNS.contains(c);
    if let Some(other) = text.chars().find(|c| !fits(c)) {
        return Err(format!(
            "The name of a sender has only the letters A to Z, digits, spaces and & . - _ +; {} can't be in it.",
            text::name_of(other)
        ));
    }
    if !text.bytes().any(|c| c.is_ascii_alphabetic()) {
        return Err("The name of a sender has at least one letter.".to_owned());
    }
    match text.len() {
        ..=MAX_NAME_CHARS => Ok(SenderKind::Alphanumeric),
        length => Err(format!("The name of a sender has at most {MAX_NAME_CHARS} characters; this has {length}.")),
    }
}

text_column!(Sender);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sender_is_a_name_a_number_or_a_short_code() {
        for (typed, text, kind) in [
            ("Dashboard", "Dashboard", SenderKind::Alphanumeric),
            (" My Shop 24 ", "My Shop 24", SenderKind::Alphanumeric),
            ("2b", "2b", SenderKind::Alphanumeric),
            ("A-Bank", "A-Bank", SenderKind::Alphanumeric),
            ("C&A", "C&A", SenderKind::Alphanumeric),
            ("Dr.Max", "Dr.Max", SenderKind::Alphanumeric),
            ("my_shop+", "my_shop+", SenderKind::Alphanumeric),
            ("\u{202a}My\u{a0}A\u{2011}Bank\u{200b}", "My A-Bank", SenderKind::Alphanumeric),
            ("\u{202a}+420\u{a0}777 123 456", "+420777123456", SenderKind::International),
            ("+420 777 123 456", "+420777123456", SenderKind::International),
            ("123", "123", SenderKind::ShortCode),
            ("12345678", "12345678", SenderKind::ShortCode),
        ] {
            let sender = Sender::parse("from", typed).unwrap();
            assert_eq!((sender.as_str(), sender.kind()), (text, kind));
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        for (typed, word) in [
            ("", "required"),
            ("Žluť", "only the letters"),
            ("Žluť", "“Ž” (U+017D) can't"),
            ("a/b", "“/” can't"),
            ("a\nb", "a line break can't"),
            ("&-.", "at least one letter"),
            ("Dashboards12", "this has 12"),
            ("1 2", "at least one letter"),
            ("12", "short code"),
            ("420777123456", "short code"),
            ("+12", "7 to 15"),
            ("+Shop", "only digits"),
        ] {
            let problem = typed.parse::<Sender>().unwrap_err();
            assert!(problem.contains(word), "{typed:?}: {problem}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn a_sender_that_is_taken_fits_an_smpp_address(text in prop_oneof![any::<String>(), "[+A-Za-z0-9 &._-]{0,14}"]) {
            if let Ok(sender) = text.parse::<Sender>() {
                prop_assert!(sender.as_str().is_ascii() && (1..=20).contains(&sender.as_str().len()));
                prop_assert_eq!(sender.as_str().parse(), Ok(sender.clone()));
            }
        }
    }
}
