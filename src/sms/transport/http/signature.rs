//! Twilio's signature of a receipt: an HMAC-SHA1 of the address that it was sent to and
//! of the sorted fields, in base 64, in the header `X-Twilio-Signature`.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// Whether `signature` was made with `token`.
pub(super) fn is_genuine(token: &str, signature: &str, url: &str, fields: &[(String, String)]) -> bool {
    let Ok(signature) = BASE64_STANDARD.decode(signature) else { return false };
    // Some senders leave the port out of the address that they sign.
    [Some(url.to_owned()), without_port(url)].into_iter().flatten().any(|url| {
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else { return false };
        mac.update(url.as_bytes());
        let mut sorted: Vec<_> = fields.iter().collect();
        sorted.sort();
        sorted.iter().for_each(|(name, value)| {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        });
        // Compares in constant time.
        mac.verify_slice(&signature).is_ok()
    })
}

fn without_port(url: &str) -> Option<String> {
    let mut url = url::Url::parse(url).ok().filter(|url| url.port().is_some())?;
    url.set_port(None).ok()?;
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Twilio's documentation.
    const TOKEN: &str = "12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    fn fields(caller: &str) -> Vec<(String, String)> {
        [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", caller),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[test]
    fn a_signature_holds_for_this_address_and_these_fields_alone() {
        let genuine = fields("+14158675309");
        assert!(is_genuine(TOKEN, SIGNATURE, URL, &genuine));
        assert!(is_genuine(TOKEN, SIGNATURE, "https://mycompany.com:8443/myapp.php?foo=1&bar=2", &genuine));
        assert!(!is_genuine("12346", SIGNATURE, URL, &genuine));
        assert!(!is_genuine(TOKEN, SIGNATURE, URL, &fields("+14158675310")));
        assert!(!is_genuine(TOKEN, SIGNATURE, "https://mycompany.com/myapp.php?foo=1&bar=3", &genuine));
        for wrong in ["", "?", "AAAA"] {
            assert!(!is_genuine(TOKEN, wrong, URL, &genuine), "{wrong}");
        }
    }
}
