//! SHA-256 digests as other systems write them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::error::{Error, Result};
use crate::hex;
use crate::store::Digest;

const HEX_CHARS: usize = 64;
const BASE64_CHARS: usize = 43;

/// Reads the SHA-256 of a whole secret: 64 hexadecimal digits of either case, or 43 characters
/// of base64 with either alphabet, with or without its `=`.
///
/// # Errors
/// [`Error::Invalid`] for `sha256`.
pub fn parse(text: &str) -> Result<Digest> {
    let text = text.trim();
    let base64 = text.strip_suffix('=').unwrap_or(text);
    let bytes = match (text.len(), base64.len()) {
        (HEX_CHARS, _) => hex::decode::<32>(text).map(|bytes| *bytes),
        (_, BASE64_CHARS) => decode_base64(base64),
        _ => None,
    };
    match bytes.map(Digest::from_bytes).filter(|digest| *digest != Digest::ANY) {
        Some(digest) => Ok(digest),
        None => Err(wrong(text)),
    }
}

fn decode_base64(text: &str) -> Option<[u8; 32]> {
    let is_standard = text.contains(['+', '/']);
    let decoded = if is_standard { STANDARD_NO_PAD.decode(text) } else { URL_SAFE_NO_PAD.decode(text) };
    decoded.ok()?.try_into().ok()
}

/// Says nothing of the text: it may be a secret in the wrong place.
fn wrong(text: &str) -> Error {
    let form = "A SHA-256 has 64 hexadecimal digits, or 43 characters of base64url.";
    let is_password_hash = ["$2", "$argon2", "$scrypt", "$pbkdf2"].iter().any(|start| text.starts_with(start));
    let message = if is_password_hash {
        format!("{form} Keys that were hashed with bcrypt, argon2 or a salt can't be looked up: hand out new ones.")
    } else {
        format!("These are {} characters. {form}", text.chars().count())
    };
    Error::invalid("sha256", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `abc`, as FIPS 180-2 gives it.
    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn problem(text: &str) -> String {
        match parse(text) {
            Err(Error::Invalid(errors)) => errors.get("sha256").unwrap().to_owned(),
            other => panic!("{text} gave {other:?}"),
        }
    }

    #[test]
    fn a_digest_is_read_as_hexadecimal_digits_and_as_base64() {
        let upper = HEX.to_uppercase();
        for text in [
            HEX,
            &upper,
            "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",
            "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0=",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
            " ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0\n",
        ] {
            assert!(parse(text).unwrap() == Digest::of(b"abc"), "{text}");
        }
    }

    #[test]
    fn what_is_no_digest_is_refused_in_words_that_repeat_nothing_of_it() {
        assert!(problem(&HEX[1..]).starts_with("These are 63 characters."));
        assert!(problem(&format!("{HEX}0")).starts_with("These are 65 characters."));
        for wrong in ["", "sk-secret", &format!("g{}", &HEX[1..]), &"_".repeat(42), &"ž".repeat(43), &"!".repeat(43)] {
            assert!(problem(wrong).contains("64 hexadecimal digits") && !problem(wrong).contains("sk-"), "{wrong}");
        }
        assert!(problem("$2b$12$abcdefghijklmnopqrstuv").contains("bcrypt"));
        assert!(parse(&"f".repeat(64)).is_err(), "that stands for every key");
    }
}
