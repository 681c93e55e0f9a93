//! The secrets of keys: `sms_live_`, 32 random characters and a checksum of 6, all
//! ASCII letters and digits, so that a double click selects the whole secret.
//!
//! The format never changes, since secrets in use would stop being well-formed.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::Result;
use crate::random;
use crate::store::Digest;
use crate::store::types::text_enum;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_CHARS: usize = 32;
const CHECKSUM_CHARS: usize = 6;
/// What follows the mode: the random part and the checksum.
pub(super) const SIGNED_CHARS: usize = RANDOM_CHARS + CHECKSUM_CHARS;
pub(super) const MAX_PREFIX_CHARS: usize = 12;
/// What masks show of a secret, and all that is kept of one that is not known.
pub const TAIL_CHARS: usize = 4;
const MAX_SECRET_CHARS: usize = MAX_PREFIX_CHARS + "_live_".len() + SIGNED_CHARS;

text_enum! {
    /// Whether what a key does has effects.
    Mode {
        /// Messages are sent, and cost credits.
        Live = "live",
        /// Messages are simulated.
        Test = "test",
    }
}

/// A whole secret. It is shown once, when it is created, and never stored: the
/// database has its [`digest`](Self::digest).
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret {
    text: Zeroizing<String>,
    body: usize,
}

impl KeySecret {
    /// Generates a secret with 190 random bits (32 characters out of 62).
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn generate(prefix: &str, mode: Mode) -> Result<Self> {
        let mut text = Zeroizing::new(String::with_capacity(MAX_SECRET_CHARS));
        text.push_str(prefix);
        text.push('_');
        text.push_str(mode.as_str());
        text.push('_');
        let body = text.len();
        random::push_from(BASE62, RANDOM_CHARS, &mut text)?;
        let sum = checksum(text.as_bytes());
        text.extend(sum.map(char::from));
        Ok(Self { text, body })
    }

    /// Parses a presented secret. `None` when it is malformed or its checksum is
    /// wrong, so that a typing error is refused without a query.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let body = body_of(text)?;
        Some(Self { text: Zeroizing::new(text.to_owned()), body })
    }

    /// The digest of a presented secret, without a copy of the secret; `None` as
    /// with [`parse`](Self::parse).
    #[must_use]
    pub fn digest_of(text: &str) -> Option<Digest> {
        body_of(text).map(|_| Digest::of(text.as_bytes()))
    }

    /// The last 4 characters of a presented secret; `None` as with [`parse`](Self::parse).
    #[must_use]
    pub fn tail_of(text: &str) -> Option<&str> {
        body_of(text).map(|_| &text[text.len() - TAIL_CHARS..])
    }

    /// The whole secret, for the one response that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The digest that the database stores. SHA-256 is enough, since 190 random
    /// bits can't be guessed (ASVS 6.5.2); a password hash would slow down every request.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    /// The masked form for the screen: prefix, mode and the [tail](Self::tail).
    #[must_use]
    pub fn mask(&self) -> String {
        format!("{}••••••{}", &self.text[..self.body], self.tail())
    }

    /// The last 4 characters.
    #[must_use]
    pub fn tail(&self) -> &str {
        &self.text[self.text.len() - TAIL_CHARS..]
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
    (2..=MAX_PREFIX_CHARS).contains(&prefix.len())
        && prefix.starts_with(|first: char| first.is_ascii_lowercase())
        && prefix.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// The start of the random part, if the secret is well-formed and its checksum is right.
fn body_of(text: &str) -> Option<usize> {
    if text.len() > MAX_SECRET_CHARS || !text.is_ascii() {
        return None;
    }
    let body = text.len().checked_sub(SIGNED_CHARS)?;
    let (head, rest) = text.split_at(body);
    let head = head.strip_suffix('_')?;
    let prefix =
        [Mode::Live, Mode::Test].iter().find_map(|mode| head.strip_suffix(mode.as_str())?.strip_suffix('_'))?;
    let (signed, sum) = text.split_at(text.len() - CHECKSUM_CHARS);
    let well_formed = is_prefix(prefix) && is_alphanumeric(rest) && checksum(signed.as_bytes()) == sum.as_bytes();
    well_formed.then_some(body)
}

/// Without an early exit, so that the loop is vectorized.
fn is_alphanumeric(text: &str) -> bool {
    text.bytes().fold(true, |all, c| all & c.is_ascii_alphanumeric())
}

/// CRC-32 (IEEE) as six base-62 digits. It detects typing errors and lets secret
/// scanners recognize keys; it is no protection against forged ones.
fn checksum(text: &[u8]) -> [u8; CHECKSUM_CHARS] {
    let mut rest = crc32fast::hash(text) as usize;
    let mut digits = [0; CHECKSUM_CHARS];
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
        let mut counts = [[0u32; 128]; RANDOM_CHARS];
        for _ in 0..KEYS {
            let key = KeySecret::generate("sms", Mode::Live).unwrap();
            assert!(KeySecret::parse(key.expose()).is_some());
            let body = &key.expose().as_bytes()[9..9 + RANDOM_CHARS];
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
