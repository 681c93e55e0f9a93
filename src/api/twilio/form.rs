//! Forms and queries of Twilio's clients: `name=value` pairs, percent-encoded.

use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use percent_encoding::percent_decode;

use crate::api::form_body::is_form;
use crate::error::{Error, Result};

/// The names of the fields that are read. All others are ignored, since programs send
/// many that mean something to Twilio alone.
pub(super) mod field {
    pub(in crate::api::twilio) const TO: &str = "To";
    pub(in crate::api::twilio) const FROM: &str = "From";
    pub(in crate::api::twilio) const MESSAGING_SERVICE_SID: &str = "MessagingServiceSid";
    pub(in crate::api::twilio) const BODY: &str = "Body";
    pub(in crate::api::twilio) const MEDIA_URL: &str = "MediaUrl";
    pub(in crate::api::twilio) const STATUS: &str = "Status";
    pub(in crate::api::twilio) const STATUS_CALLBACK: &str = "StatusCallback";
    pub(in crate::api::twilio) const VALIDITY_PERIOD: &str = "ValidityPeriod";
    /// Stands for a status that can't be set any more.
    pub(in crate::api::twilio) const CANCEL: &str = "Status=canceled";
    /// Stands for the whole of an update.
    pub(in crate::api::twilio) const UPDATE: &str = "Body or Status";
}

/// The pairs of a form or a query, in their order.
#[derive(Debug)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads a form.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::UnsupportedMediaType`], [`Error::Malformed`].
    pub(super) fn of_form(headers: &HeaderMap, body: Result<Bytes, actix_web::Error>) -> Result<Self> {
        let body = body.map_err(|_| Error::Malformed("The body did not arrive whole.".to_owned()))?;
        if !body.is_empty() && !is_form(headers) {
            return Err(Error::UnsupportedMediaType);
        }
        Self::parse(&body)
    }

    /// Reads a query or the body of a form. Text that is not UTF-8 is refused and not
    /// mended: a message would go out with other letters than were written.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
            let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = pair.get(end + 1..).unwrap_or_default();
            Some((decoded(pair.get(..end)?)?, decoded(value)?))
        });
        let not_utf8 = || Error::Malformed("Write names and values in UTF-8, percent-encoded.".to_owned());
        pairs.collect::<Option<_>>().map(Self).ok_or_else(not_utf8)
    }

    /// Whether there is a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The value of a field that may be given once.
    ///
    /// # Errors
    /// [`Error::Malformed`] where it is given twice: nobody guesses which one counts.
    pub(super) fn only(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Error::Malformed(format!("Give {name} once."))),
            (value, None) => Ok(value),
        }
    }

    /// The same, where an empty value is none.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(super) fn filled(&self, name: &str) -> Result<Option<&str>> {
        Ok(self.only(name)?.filter(|value| !value.is_empty()))
    }
}

fn decoded(text: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    Some(percent_decode(&spaced).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_as_they_were_written() {
        let pairs =
            Pairs::parse("To=%2B420777123456&Body=a+b%0A%F0%9F%91%8D%26&DateSent%3E=2026-03-01&&Empty".as_bytes());
        let pairs = pairs.unwrap();
        assert_eq!(pairs.only("To").unwrap(), Some("+420777123456"));
        assert_eq!(pairs.only("Body").unwrap(), Some("a b\n\u{1f44d}&"));
        assert_eq!(pairs.only("DateSent>").unwrap(), Some("2026-03-01"));
        assert_eq!((pairs.only("Empty").unwrap(), pairs.filled("Empty").unwrap()), (Some(""), None));
        assert_eq!((pairs.has("Empty"), pairs.has("From"), pairs.only("From").unwrap()), (true, false, None));
    }

    #[test]
    fn what_is_not_utf8_and_what_is_given_twice_is_refused() {
        for wrong in [&b"Body=%FF"[..], b"Body=\xff", b"%C3=1"] {
            assert!(matches!(Pairs::parse(wrong), Err(Error::Malformed(_))), "{wrong:?}");
        }
        assert!(Pairs::parse(b"To=1&To=1").unwrap().only("To").is_err());
    }
}
