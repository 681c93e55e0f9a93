//! The secret in the address that a carrier sends receipts to. It is derived from the
//! carrier's credentials, so it is the same after a restart and on every instance, another
//! one for each carrier, and stored nowhere.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::domain::carrier::CarrierName;
use crate::hex;
use crate::secret_text::SecretText;

/// The digits of a derived secret.
const SECRET_DIGITS: usize = 40;

/// The secret of a carrier with these credentials.
pub(super) fn derive(name: &CarrierName, credentials: &SecretText) -> SecretText {
    let mac = Hmac::<Sha256>::new_from_slice(credentials.expose().as_bytes());
    let secret = mac.map(|mut mac| {
        mac.update(b"keyfob receipts of the carrier ");
        mac.update(name.as_str().as_bytes());
        Zeroizing::new(hex::encode(&mac.finalize().into_bytes()))
    });
    // An HMAC takes a key of any length.
    SecretText::from(secret.unwrap_or_default().get(..SECRET_DIGITS).unwrap_or_default())
}

/// Whether a secret that somebody sent is the right one. Takes as long for a wrong one.
pub(super) fn is_right(right: &SecretText, sent: &str) -> bool {
    let mac = |text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(right.expose().as_bytes()).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    };
    let (Some(of_right), Some(of_sent)) = (mac(right.expose()), mac(sent)) else { return false };
    !right.expose().is_empty() && of_sent.verify_slice(&of_right.finalize().into_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_same_again_and_another_one_for_another_carrier_or_password() {
        let (one, other): (CarrierName, CarrierName) = ("one".parse().unwrap(), "other".parse().unwrap());
        let secret = derive(&one, &"AC1:token".into());
        assert_eq!(secret, derive(&one, &"AC1:token".into()));
        assert_ne!(secret, derive(&other, &"AC1:token".into()));
        assert_ne!(secret, derive(&one, &"AC1:token2".into()));
        assert_eq!(secret.expose().len(), SECRET_DIGITS);
        assert!(is_right(&secret, secret.expose()));
        for wrong in ["", "0", &secret.expose()[1..], derive(&other, &"AC1:token".into()).expose()] {
            assert!(!is_right(&secret, wrong));
        }
        assert!(!is_right(&"".into(), ""));
    }
}
