//! The token in the link of a hand-over: the one secret that opens it.

use std::fmt;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit as _, Nonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::domain::api_key::ApiKeyId;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::identity::link_token::LinkToken;
use crate::error::{Error, Result};
use crate::store::Digest;

/// What the secrets that are derived from a token are for. They never change, since links
/// on their way would stop working.
const LOOK_UP: &[u8] = b"keyfob handover look-up";
const ENCRYPTION: &[u8] = b"keyfob handover encryption";

/// 256 random bits, in links as base64url. The database has a digest to find its row by.
pub struct HandoverToken(LinkToken);

impl HandoverToken {
    /// Generates a token.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn generate() -> Result<Self> {
        LinkToken::generate().map(Self)
    }

    /// Reads the token of a link; `None` for a text that can't be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        LinkToken::parse(text).map(Self)
    }

    /// The text in the link.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        self.0.expose()
    }

    /// What its row is found by. It says nothing about the encryption key.
    pub(super) fn digest(&self) -> Result<Digest> {
        Ok(Digest::of(&*expand(self.0.bytes(), LOOK_UP)?))
    }

    /// Encrypts a key's secret, bound to the key's id: in another key's row it can't be
    /// decrypted.
    pub(super) fn seal(&self, secret: &KeySecret, key: &ApiKeyId) -> Result<Vec<u8>> {
        let payload = Payload { msg: secret.expose().as_bytes(), aad: key.as_str().as_bytes() };
        self.cipher()?.encrypt(&nonce(), payload).map_err(|error| Error::internal(anyhow::anyhow!(error)))
    }

    /// Decrypts what [`seal`](Self::seal) has encrypted for this key.
    pub(super) fn unseal(&self, sealed: &[u8], key: &ApiKeyId) -> Result<KeySecret> {
        let payload = Payload { msg: sealed, aad: key.as_str().as_bytes() };
        let opened = self.cipher()?.decrypt(&nonce(), payload).map(Zeroizing::new);
        let opened = opened.map_err(|error| Error::internal(anyhow::anyhow!(error)))?;
        let text = std::str::from_utf8(&opened).map_err(Error::internal)?;
        KeySecret::parse(text).ok_or_else(|| Error::internal(anyhow::anyhow!("a hand-over holds no key")))
    }

    fn cipher(&self) -> Result<Aes256Gcm> {
        let key = expand(self.0.bytes(), ENCRYPTION)?;
        Ok(Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&*key)))
    }
}

/// All zeros: every token has an encryption key of its own, which encrypts once.
fn nonce() -> Nonce<aes_gcm::aead::consts::U12> {
    Nonce::default()
}

/// The first block of HKDF-Expand with SHA-256 (RFC 5869 §2.3). A token is uniformly random,
/// so that nothing has to be extracted from it first (§3.3).
fn expand(secret: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret).map_err(Error::internal)?;
    mac.update(info);
    mac.update(&[1]);
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}

impl fmt::Debug for HandoverToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandoverToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::secret::Mode;
    use crate::hex;

    #[test]
    fn secrets_are_derived_as_the_published_vector_says() {
        // RFC 5869, appendix A.1: PRK, info and the first block of OKM.
        let prk = hex::decode::<32>("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5").unwrap();
        let info = hex::decode::<10>("f0f1f2f3f4f5f6f7f8f9").unwrap();

        let block = expand(&*prk, &*info).unwrap();

        assert_eq!(hex::encode(&*block), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    }

    #[test]
    fn a_sealed_key_is_opened_by_its_own_token_for_its_own_key_only() {
        let (token, other) = (HandoverToken::generate().unwrap(), HandoverToken::generate().unwrap());
        let (key, another_key) = (ApiKeyId::mint(), ApiKeyId::mint());
        let secret = KeySecret::generate("sms", Mode::Live).unwrap();
        let sealed = token.seal(&secret, &key).unwrap();

        assert!(token.unseal(&sealed, &key).unwrap() == secret);
        assert!(token.unseal(&sealed, &another_key).is_err());
        assert!(other.unseal(&sealed, &key).is_err());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(token.unseal(&changed, &key).is_err(), "byte {place}");
        }
    }

    #[test]
    fn a_token_is_read_as_it_was_written_and_debug_shows_nothing_of_it() {
        let token = HandoverToken::generate().unwrap();
        let text = token.expose();

        let read = HandoverToken::parse(&text).unwrap();

        assert_eq!((text.len(), read.digest().unwrap()), (43, token.digest().unwrap()));
        assert_ne!(read.digest().unwrap(), Digest::of(token.0.bytes()));
        assert_eq!(format!("{token:?}"), "HandoverToken(..)");
        for wrong in ["", "x", &text[1..], &format!("{}A", *text), &format!("{}=", *text), &"!".repeat(43)] {
            assert!(HandoverToken::parse(wrong).is_none(), "{wrong}");
        }
    }
}
