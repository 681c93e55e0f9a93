//! The secret of a callback, and the signature of its requests.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::twilio;
use super::url::CallbackUrl;
use crate::error::{Error, Result};
use crate::random;
use crate::store::types::text_column;

const PREFIX: &str = "whsec_";
/// The number of random bytes; Standard Webhooks asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// A secret that Keyfob shares with an application: `whsec_` and 256 random bits
/// in base 64. Stored in plain text, since requests are signed with it; shown once.
#[derive(Clone, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct CallbackSecret(Zeroizing<String>);

impl CallbackSecret {
    /// Generates a secret.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn generate() -> Result<Self> {
        let bytes = random::bytes::<SECRET_BYTES>()?;
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + SECRET_BYTES.div_ceil(3) * 4));
        text.push_str(PREFIX);
        BASE64_STANDARD.encode_string(*bytes, &mut text);
        Ok(Self(text))
    }

    /// The whole secret, for the one page that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The header `webhook-signature` of a request: `v1,` and the base 64 of an
    /// HMAC-SHA256 over its id, its time in seconds since 1970 and its body.
    ///
    /// # Errors
    /// When the stored secret is not valid base 64.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> Result<String> {
        let encoded = self.0.strip_prefix(PREFIX).unwrap_or_default();
        let key = BASE64_STANDARD.decode(encoded).map(Zeroizing::new).map_err(Error::internal)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(Error::internal)?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body.as_bytes());
        Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
    }

    /// The header `X-Twilio-Signature` of a request with a form. The key is the secret's
    /// text, which takes the place of Twilio's auth token.
    ///
    /// # Errors
    /// Never, since any text is a key.
    pub fn sign_as_twilio(&self, url: &CallbackUrl, body: &str) -> Result<String> {
        twilio::sign(self.0.as_bytes(), url.as_str(), body)
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for CallbackSecret {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if text.starts_with(PREFIX) { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(()) }
    }
}

text_column!(CallbackSecret);

impl fmt::Debug for CallbackSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_holds() {
        // <https://github.com/standard-webhooks/standard-webhooks>, in the libraries' tests.
        let secret: CallbackSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}").unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_has_256_bits_and_shows_itself_to_nobody() {
        let (one, other) = (CallbackSecret::generate().unwrap(), CallbackSecret::generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(BASE64_STANDARD.decode(&one.expose()[6..]).unwrap().len(), 32);
        assert_eq!(format!("{one:?}"), "CallbackSecret(..)");
    }
}
