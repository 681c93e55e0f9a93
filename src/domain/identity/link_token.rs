//! The token in a link: of an invitation, for a new password, or of a hand-over.

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use zeroize::Zeroizing;

use crate::error::Result;
use crate::random;
use crate::store::Digest;

const TOKEN_BYTES: usize = 32;

/// 256 random bits, in links as base64url. The database has only their digest.
pub struct LinkToken(Zeroizing<[u8; TOKEN_BYTES]>);

impl LinkToken {
    /// Generates a token.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn generate() -> Result<Self> {
        random::bytes().map(Self)
    }

    /// Reads the token of a link; `None` for a text that can't be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new).ok()?;
        <[u8; TOKEN_BYTES]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new).map(Self)
    }

    /// The text in the link.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*self.0))
    }

    /// The same token, for another step of the same request.
    #[must_use]
    pub fn again(&self) -> Self {
        Self(self.0.clone())
    }

    /// The bits, to derive other secrets from.
    pub(in crate::domain) fn bytes(&self) -> &[u8; TOKEN_BYTES] {
        &self.0
    }

    /// What its row is found by.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&*self.0)
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_debug_shows_nothing_of_it() {
        let token = LinkToken::generate().unwrap();
        let text = token.expose();

        assert_eq!(text.len(), 43);
        assert_eq!(LinkToken::parse(&text).unwrap().digest(), token.digest());
        assert_ne!(LinkToken::generate().unwrap().digest(), token.digest());
        assert_eq!(format!("{token:?}"), "LinkToken(..)");
        for wrong in ["", "x", &text[1..], &format!("{}A", *text), &format!("{}=", *text), &"!".repeat(43)] {
            assert!(LinkToken::parse(wrong).is_none(), "{wrong}");
        }
    }
}
