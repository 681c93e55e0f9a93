//! What a password may be.

use std::fmt;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

use crate::error::{Error, Result};

/// NIST SP 800-63B-4 §3.1.1.2, for a password that is the only factor.
const MIN_CHARS: usize = 15;
/// Bounds the work of hashing. Longer passwords are refused, never truncated.
const MAX_CHARS: usize = 1000;
/// A password of known words needs this many other characters.
const MIN_UNKNOWN_CHARS: usize = 5;
/// zxcvbn takes long for long texts, whose first part alone is strong enough or not.
const MAX_ESTIMATED_CHARS: usize = 64;

/// Words that an attacker would try on this product.
const PRODUCT_WORDS: [&str; 6] = ["keyfob", "api", "keys", "sms", "dashboard", "operator"];

/// A password as it was typed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Keeps every character as it was typed, spaces included. What looks equal counts
    /// as equal only when it is hashed.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Validates a new password: long enough, and not easy to guess; `about` are
    /// the name and address of its owner. There is no rule on which characters it
    /// has (NIST SP 800-63B-4 §3.1.1.2).
    ///
    /// Takes long for some texts: async code calls
    /// [`Passwords::check_new`](super::Passwords::check_new) instead.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `field` when it is too short, too long or too common.
    pub fn check(&self, field: &'static str, about: &[&str]) -> Result<()> {
        let text = self.normalized();
        match text.chars().count() {
            length if length < MIN_CHARS => Err(Error::invalid(
                field,
                format!("Use at least {MIN_CHARS} characters; this has {length}. A few words in a row are fine."),
            )),
            length if length > MAX_CHARS => Err(Error::invalid(field, format!("Use at most {MAX_CHARS} characters."))),
            _ if is_common(&text, about) => {
                Err(Error::invalid(field, "This password is too common. Use a few words that do not belong together."))
            }
            _ => Ok(()),
        }
    }

    /// The text that is hashed: keyboards and systems differ in how they write one and
    /// the same letter (NIST SP 800-63B-4 §3.1.1.2: NFKC).
    pub(super) fn normalized(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.nfkc().collect())
    }

    /// The texts that an existing hash may be of, each once. Before passwords were
    /// normalized, they were hashed as they were typed, composed or decomposed.
    pub(super) fn spellings(&self) -> Vec<Zeroizing<String>> {
        let mut spellings = vec![self.normalized(), self.0.clone(), Zeroizing::new(self.0.nfd().collect())];
        spellings.dedup();
        spellings
    }
}

/// Whether zxcvbn needs fewer than a million guesses, with lists of common
/// passwords, words, repeats, keyboard rows and what is known of its owner.
fn is_common(text: &str, about: &[&str]) -> bool {
    let start: String = text.chars().take(MAX_ESTIMATED_CHARS).collect();
    let start = Zeroizing::new(start);
    let words = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let known: Vec<&str> = about.iter().copied().chain(words).chain(PRODUCT_WORDS).collect();
    is_made_of(&start, &known) || zxcvbn(&start, &known).score() < Score::Two
}

/// Whether a text has known words and hardly anything else.
fn is_made_of(text: &str, known: &[&str]) -> bool {
    let text = Zeroizing::new(text.to_lowercase());
    let mut words: Vec<String> = known.iter().map(|word| word.to_lowercase()).filter(|word| word.len() > 2).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let rest = words.iter().fold(text.clone(), |rest, word| Zeroizing::new(rest.replace(word, "")));
    let own = rest.chars().filter(|c| !c.is_whitespace() && !c.is_ascii_punctuation()).count();
    rest.len() < text.len() && own < MIN_UNKNOWN_CHARS
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[test]
    fn length_is_the_only_rule_and_spaces_and_any_script_are_fine() {
        let long = "correct horse battery staple ".repeat(34);
        for fine in ["correct horse battery", "žluťoučký kůň pěl", "🦀 🐎 🔋 📎 🚲 🥕 🎈 🧭", "xq7tz9wkjvpm2rc", &long]
        {
            assert!(password(fine).check("password", &[]).is_ok(), "{fine}");
        }
        for wrong in ["", "fourteen chars", &"correct horse ".repeat(72)] {
            assert!(password(wrong).check("password", &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        let about = ["ada@example.com", "Ada Lovelace"];
        for common in [
            "passwordpassword",
            "123456789012345",
            "qwertyuiopasdfghjkl",
            "aaaaaaaaaaaaaaaa",
            "               ",
            "keyfobkeyfobkeyfob",
            "Keyfob API keys 2026",
            "dashboard-of-Lovelace",
            "ada@example.com",
            "adalovelaceadalovelace",
            "iloveyouiloveyou",
            "abcdefghijklmnop",
        ] {
            assert!(password(common).check("password", &about).is_err(), "{common}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_password() {
        assert_eq!(format!("{:?}", password("hunter2")), "Password(..)");
    }
}
