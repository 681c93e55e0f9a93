//! The text of a message, and the segments that it is sent and charged in (3GPP
//! TS 23.038 for the alphabets, TS 23.040 §9.2.3.24.1 for concatenation).

use std::str::FromStr;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use unicode_normalization::UnicodeNormalization;

use super::gsm7;
use crate::domain::text;
use crate::error::{Error, Result};
use crate::store::types::{text_column, text_enum};

/// The most segments of one message.
pub const MAX_SEGMENTS: usize = 10;

text_enum! {
    /// The alphabet of a message; all its segments have the same.
    Encoding {
        /// GSM 7-bit default alphabet with its extension table.
        Gsm7 = "gsm7",
        /// UCS-2, for all other characters; sent as big-endian UTF-16.
        Ucs2 = "ucs2",
    }
}

impl Encoding {
    /// The cheapest alphabet that has every character of `text`.
    fn of(text: &str) -> Self {
        if text.chars().all(|c| gsm7::septets(c).is_some()) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// The most units (septets or UTF-16 code units) of a message that is a single
    /// segment: 140 bytes.
    #[must_use]
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// The most units of each segment of a concatenated message, whose header takes
    /// six bytes of the 140.
    #[must_use]
    pub const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    /// The units of one character, which are never split between segments.
    fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => gsm7::septets(c).unwrap_or(1),
            Self::Ucs2 => c.len_utf16(),
        }
    }

    fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Gsm7 => {
                let mut septets = Vec::with_capacity(self.single());
                text.chars().for_each(|c| gsm7::push(c, &mut septets));
                septets
            }
            Self::Ucs2 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

/// A text that can be sent: in NFC, not blank, without NUL, and of at most
/// [`MAX_SEGMENTS`] segments.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct SmsText {
    text: String,
    encoding: Encoding,
    segments: usize,
}

impl SmsText {
    /// Validates a text and brings it into NFC: a combining accent would force
    /// UCS-2 where the composed letter is in the GSM alphabet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `field`, which says what to change.
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
        // A text that shows nothing would be paid for all the same.
        if text::is_blank(text) {
            return Err(Error::invalid(field, "A text is required."));
        }
        Self::checked(text).map_err(|problem| Error::invalid(field, problem))
    }

    fn checked(text: &str) -> Result<Self, String> {
        let text: String = text.nfc().collect();
        if text.trim().is_empty() {
            return Err("A text is required.".to_owned());
        }
        if text.contains('\0') {
            return Err("A text can't have a NUL character.".to_owned());
        }
        let encoding = Encoding::of(&text);
        match pieces(encoding, &text).count() {
            segments @ ..=MAX_SEGMENTS => Ok(Self { text, encoding, segments }),
            segments => Err(format!(
                "This text takes {segments} segments and {MAX_SEGMENTS} is the most: {} characters of the GSM \
                 alphabet, or {} when it has any other.",
                MAX_SEGMENTS * Encoding::Gsm7.part(),
                MAX_SEGMENTS * Encoding::Ucs2.part(),
            )),
        }
    }

    /// A text from the database, which is not validated again: rules of later versions
    /// may be stricter. Empty once the retention has removed it.
    fn from_column(text: &str) -> Option<Self> {
        let encoding = Encoding::of(text);
        Some(Self { text: text.to_owned(), encoding, segments: pieces(encoding, text).count() })
    }

    /// The text, in NFC.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The alphabet of all its segments.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The number of segments, from 1 to [`MAX_SEGMENTS`]; each costs one credit.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments
    }

    /// Its segments, in order.
    #[must_use]
    pub fn segments(&self) -> Vec<Segment> {
        pieces(self.encoding, &self.text)
            .map(|text| Segment { text: text.to_owned(), payload: self.encoding.encode(text) })
            .collect()
    }
}

impl FromStr for SmsText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::checked(text)
    }
}

text_column!(SmsText, SmsText::from_column);

/// The content of one SMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its part of the text.
    pub text: String,
    /// The same, encoded in the message's alphabet and without a header: GSM 7-bit
    /// unpacked (one septet per byte, at most 160) or big-endian UTF-16 (at most
    /// 140 bytes).
    pub payload: Vec<u8>,
}

/// Splits `text` into segments, between characters only: an escape stays with
/// the septet after it, and a surrogate pair stays whole.
fn pieces(encoding: Encoding, text: &str) -> impl Iterator<Item = &str> {
    let all: usize = text.chars().map(|c| encoding.units(c)).sum();
    let room = if all <= encoding.single() { encoding.single() } else { encoding.part() };
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, next) = rest.split_at(full_at(encoding, rest, room));
        rest = next;
        Some(piece)
    })
}

/// The byte index at which `room` units are used up.
fn full_at(encoding: Encoding, text: &str, room: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += encoding.units(c);
        if used > room {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests;
