//! The string that opens doors: `sms_live_` + 32 random characters + 6 of
//! checksum, all letters and digits of ASCII, so that a double click selects it.
//!
//! The prefix and the shape are for ever: changing either would turn every key
//! in use into an unknown one.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::Result;
use crate::random;
use crate::store::Digest;
use crate::store::types::text_enum;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 32;
const CHECKSUM: usize = 6;
/// A prefix has 2 to 12 characters; with `_`, the mode and `_` that makes at most 18.
const LONGEST: usize = 12 + "_live_".len() + RANDOM + CHECKSUM;

text_enum! {
    /// Whether a key does the real thing.
    Mode {
        /// It does.
        Live = "live",
        /// It only rehearses.
        Test = "test",
    }
}

/// A whole key. It is shown once, when it is made, and never kept: the
/// database has its [`digest`](Self::digest).
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret {
    text: Zeroizing<String>,
    body: usize,
}

impl KeySecret {
    /// A new key with 190 random bits (32 characters out of 62).
    ///
    /// # Errors
    /// When the operating system has no random bytes to give.
    pub fn generate(prefix: &str, mode: Mode) -> Result<Self> {
        let mut text = Zeroizing::new(String::with_capacity(LONGEST));
        text.push_str(prefix);
        text.push('_');
        text.push_str(mode.as_str());
        text.push('_');
        let body = text.len();
        random::push_from(BASE62, RANDOM, &mut text)?;
        let sum = checksum(text.as_bytes());
        text.extend(sum.map(char::from));
        Ok(Self { text, body })
    }

    /// Reads a key that was presented. `None` when it has not the shape of one
    /// or its checksum is wrong: no look-up is needed to refuse that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let body = body_of(text)?;
        Some(Self { text: Zeroizing::new(text.to_owned()), body })
    }

    /// The digest of a key that was presented, without keeping a copy of it;
    /// `None` as with [`parse`](Self::parse).
    #[must_use]
    pub fn digest_of(text: &str) -> Option<Digest> {
        body_of(text).map(|_| Digest::of(text.as_bytes()))
    }

    /// The whole key. For the one answer that shows it, and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What the database keeps and looks up. A fast digest is enough, since
    /// 190 random bits can't be guessed (ASVS 6.5.2).
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    /// What can be shown for ever: prefix, mode and the [tail](Self::tail).
    #[must_use]
    pub fn mask(&self) -> String {
        format!("{}••••••{}", &self.text[..self.body], self.tail())
    }

    /// The last 4 characters.
    #[must_use]
    pub fn tail(&self) -> &str {
        &self.text[self.text.len() - 4..]
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(..)")
    }
}

/// Whether keys may begin with `prefix`: `[a-z][a-z0-9]{1,11}`.
#[must_use]
pub fn is_prefix(prefix: &str) -> bool {
    (2..=12).contains(&prefix.len())
        && prefix.starts_with(|first: char| first.is_ascii_lowercase())
        && prefix.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Where the random part of a well-formed key with a right checksum begins.
fn body_of(text: &str) -> Option<usize> {
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let body = text.len().checked_sub(RANDOM + CHECKSUM)?;
    let (head, rest) = text.split_at(body);
    let head = head.strip_suffix('_')?;
    let prefix =
        [Mode::Live, Mode::Test].iter().find_map(|mode| head.strip_suffix(mode.as_str())?.strip_suffix('_'))?;
    let (signed, sum) = text.split_at(text.len() - CHECKSUM);
    let well_formed = is_prefix(prefix) && is_alphanumeric(rest) && checksum(signed.as_bytes()) == sum.as_bytes();
    well_formed.then_some(body)
}

/// Looks at every character, which is quicker than to look for a wrong one.
fn is_alphanumeric(text: &str) -> bool {
    text.bytes().fold(true, |all, c| all & c.is_ascii_alphanumeric())
}

/// CRC-32 (IEEE) in six base-62 digits. Finds typing errors and helps secret
/// scanners; it secures nothing.
fn checksum(text: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32fast::hash(text) as usize;
    let mut digits = [0; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % 62];
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: [(&str, &str, &str); 4] = [
        ("sms_live_", "0123456789ABCDEFGHIJKLMNOPQRSTUV", "3Un6aF"),
        ("sms_test_", "00000000000000000000000000000000", "4RHsTx"),
        ("sms_live_", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "0N9uO6"),
        ("sms_live_", "wE99xLgtgtlYvhIdbwSRhJNlKGETPzlL", "00R5jT"),
    ];

    #[test]
    fn the_published_vectors_hold() {
        for (head, body, sum) in VECTORS {
            assert_eq!(checksum(format!("{head}{body}").as_bytes()), sum.as_bytes());
            assert!(KeySecret::parse(&format!("{head}{body}{sum}")).is_some());
        }
    }

    #[test]
    fn a_key_is_masked_to_its_prefix_mode_and_last_four_characters() {
        let key = KeySecret::parse("sms_live_wE99xLgtgtlYvhIdbwSRhJNlKGETPzlL00R5jT").unwrap();
        assert_eq!(key.mask(), "sms_live_••••••R5jT");
    }

    #[test]
    fn debug_shows_nothing_of_a_key() {
        let key = KeySecret::generate("sms", Mode::Live).unwrap();
        assert_eq!(format!("{key:?} {:?}", key.digest()), "KeySecret(..) Digest(..)");
    }

    #[test]
    fn the_prefix_and_the_length_of_sms_keys_stay_as_they_are() {
        for (mode, start) in [(Mode::Live, "sms_live_"), (Mode::Test, "sms_test_")] {
            let key = KeySecret::generate("sms", mode).unwrap();
            assert!(key.expose().starts_with(start));
            assert_eq!(key.expose().len(), 47);
        }
    }

    #[test]
    fn a_key_with_any_one_character_changed_is_refused() {
        let key = KeySecret::generate("sms", Mode::Live).unwrap();
        for at in 0..key.expose().len() {
            for other in BASE62.iter().chain(b"_- ") {
                let mut bytes = key.expose().as_bytes().to_vec();
                if bytes[at] != *other {
                    bytes[at] = *other;
                    let changed = String::from_utf8(bytes).unwrap();
                    assert!(KeySecret::parse(&changed).is_none(), "{changed}");
                }
            }
        }
    }

    #[test]
    fn what_has_not_the_shape_of_a_key_is_refused() {
        let long = "a".repeat(100_000);
        for text in ["", "_", "sms_live_", "sms_prod_0000", "ključ", &"é".repeat(24), &long, " sms_live_"] {
            assert!(KeySecret::parse(text).is_none(), "{text}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None,
            ..proptest::prelude::ProptestConfig::with_cases(256)
        })]

        #[test]
        fn a_key_that_is_taken_is_given_back_as_it_is(
            text in proptest::prop_oneof![".*", "[a-z]{0,13}_(live|test|prod)_[0-9A-Za-z]{36,40}", "[ -~é]{30,60}"]
        ) {
            assert_eq!(KeySecret::digest_of(&text), KeySecret::parse(&text).map(|key| key.digest()));
            if let Some(key) = KeySecret::parse(&text) {
                assert_eq!(key.expose(), text);
                assert!(key.mask().ends_with(&text[text.len() - 4..]));
            }
        }
    }

    #[test]
    fn a_million_keys_are_all_different_and_every_place_is_evenly_random() {
        const KEYS: usize = 1_000_000;
        let mut seen = std::collections::HashSet::with_capacity(KEYS);
        let mut counts = [[0u32; 128]; RANDOM];
        for _ in 0..KEYS {
            let key = KeySecret::generate("sms", Mode::Live).unwrap();
            assert!(KeySecret::parse(key.expose()).is_some());
            let body = &key.expose().as_bytes()[9..9 + RANDOM];
            body.iter().zip(&mut counts).for_each(|(c, count)| count[usize::from(*c)] += 1);
            assert!(seen.insert(key.digest()));
        }
        for count in counts {
            let expected = KEYS as f64 / 62.0;
            let chi2: f64 =
                BASE62.iter().map(|c| (f64::from(count[usize::from(*c)]) - expected).powi(2) / expected).sum();
            // 61 degrees of freedom: p > 1e-6 ends at 127.
            assert!(chi2 < 127.0, "chi-square {chi2}");
        }
    }
}
