//! What carriers want written differently in a `submit_sm`.

use std::borrow::Cow;

use crate::domain::message::gsm7;
use crate::domain::message::sender::Sender;

/// How one carrier wants submits.
#[derive(Debug, Clone)]
pub(super) struct Dialect {
    /// The type of number of senders that are short codes (SMPP 3.4 §5.2.5).
    pub(super) short_code_ton: u8,
    /// The alphabet of data coding 0.
    pub(super) alphabet: Alphabet,
    /// Whether submits have a validity period.
    pub(super) has_validity: bool,
    /// The sender of messages that name none.
    pub(super) sender: Option<Sender>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { short_code_ton: 3, alphabet: Alphabet::Gsm, has_validity: true, sender: None }
    }
}

/// The alphabet of data coding 0, which SMPP leaves to the carrier (§5.2.19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// GSM 7-bit (3GPP TS 23.038 §6.2.1), one character in a byte.
    Gsm,
    /// ISO 8859-1.
    Latin1,
    /// ASCII.
    Ascii,
}

impl Alphabet {
    /// GSM 7-bit characters in this alphabet; `None` when it lacks one of them.
    pub(super) fn encode(self, gsm: &[u8]) -> Option<Cow<'_, [u8]>> {
        let last = match self {
            Self::Gsm => return Some(Cow::Borrowed(gsm)),
            Self::Latin1 => '\u{ff}',
            Self::Ascii => '\u{7f}',
        };
        let text = gsm7::decode(gsm)?;
        let fits = text.chars().all(|c| c <= last);
        fits.then(|| text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::sms_text::SmsText;

    #[test]
    fn a_text_is_written_in_the_alphabet_of_the_carrier_or_not_at_all() {
        let gsm = |text: &str| SmsText::parse("text", text).unwrap().segments().remove(0).payload;
        for (text, latin1, ascii) in [
            ("Hello {you} @_$", Some(&b"Hello {you} @_$"[..]), Some(&b"Hello {you} @_$"[..])),
            ("caf\u{e9} \u{e4}\u{f6}\u{fc}\u{df}", Some(b"caf\xe9 \xe4\xf6\xfc\xdf"), None),
            ("5 \u{20ac}", None, None),
            ("\u{394}", None, None),
        ] {
            let text = gsm(text);
            assert_eq!(Alphabet::Gsm.encode(&text).as_deref(), Some(&text[..]));
            assert_eq!(Alphabet::Latin1.encode(&text).as_deref(), latin1);
            assert_eq!(Alphabet::Ascii.encode(&text).as_deref(), ascii);
        }
    }
}
