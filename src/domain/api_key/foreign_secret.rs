//! Secrets of other systems. Keyfob never generates one, and knows those that were imported by
//! their digests alone.

use std::ops::RangeInclusive;

use super::secret::KeySecret;
use crate::store::Digest;

/// How long a secret of another system may be, in characters.
pub const FOREIGN_CHARS: RangeInclusive<usize> = 8..=512;

/// Whether a text can be a secret of another system: 8 to 512 visible ASCII characters. A space
/// is none of them, since what stands before it in a header names a scheme.
#[must_use]
pub fn is_foreign_secret(text: &str) -> bool {
    FOREIGN_CHARS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The digest of a text that is a secret, whoever generated it; `None` for what is none.
#[must_use]
pub fn digest_of_any(text: &str) -> Option<Digest> {
    KeySecret::digest_of(text).or_else(|| is_foreign_secret(text).then(|| Digest::of(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::secret::Mode;

    #[test]
    fn a_secret_of_another_system_is_one_word_of_visible_ascii() {
        let longest = "x".repeat(512);
        for text in ["12345678", "sk-abc_DEF.1+/=", "a:b:c:d:", "~!@#$%^&*()\"'<>", &longest] {
            assert!(is_foreign_secret(text), "{text}");
        }
        let too_long = "x".repeat(513);
        for text in
            ["", "1234567", "Bearer 12345678", "12345678 ", "1234\t5678", "klíč-klíč", "1234567\u{7f}", &too_long]
        {
            assert!(!is_foreign_secret(text), "{text}");
        }
    }

    #[test]
    fn one_of_ours_has_one_digest_by_either_way() {
        let own = KeySecret::generate("sms", Mode::Live).unwrap();
        assert!(digest_of_any(own.expose()) == Some(own.digest()));
        assert!(digest_of_any("some other secret").is_none());
    }
}
