//! The text of a message, and the segments that it travels and is charged in
//! (3GPP TS 23.038 for the alphabets, TS 23.040 §9.2.3.24.1 for the parts).

use std::str::FromStr;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use unicode_normalization::UnicodeNormalization;

use super::gsm7;
use crate::error::{Error, Result};
use crate::store::types::{text_column, text_enum};

/// A longer text is refused.
pub const MOST_SEGMENTS: usize = 10;

text_enum! {
    /// The alphabet of a whole message.
    Encoding {
        /// GSM 7-bit default alphabet with its extension table.
        Gsm7 = "gsm7",
        /// Everything else: big-endian UTF-16.
        Ucs2 = "ucs2",
    }
}

impl Encoding {
    /// The cheapest alphabet that has every character of `text`.
    fn of(text: &str) -> Self {
        if text.chars().all(|c| gsm7::septets(c).is_some()) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// Units (septets or UTF-16 code units) that a message has room for when it
    /// is the only one: 140 bytes.
    #[must_use]
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units that each of several parts has room for, beside the six bytes that
    /// tell its place.
    #[must_use]
    pub const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    /// Units of one character, which are never cut apart.
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

/// A text that can be sent: composed (NFC), not blank, without NUL, and of at
/// most [`MOST_SEGMENTS`].
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct SmsText {
    text: String,
    encoding: Encoding,
    segments: usize,
}

impl SmsText {
    /// Takes a text as it is, but for its composition: a letter and an accent
    /// that are typed apart become one, or they would make it UCS-2.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `field`, in words that say what to change.
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
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
            segments @ ..=MOST_SEGMENTS => Ok(Self { text, encoding, segments }),
            segments => Err(format!(
                "This text takes {segments} segments and {MOST_SEGMENTS} is the most: {} characters of the GSM \
                 alphabet, or {} when it has any other.",
                MOST_SEGMENTS * Encoding::Gsm7.part(),
                MOST_SEGMENTS * Encoding::Ucs2.part(),
            )),
        }
    }

    /// The text, composed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The alphabet that all its segments are in.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How many segments it takes, from 1 to [`MOST_SEGMENTS`]; a credit each.
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

text_column!(SmsText);

/// What one SMS carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its piece of the text.
    pub text: String,
    /// The same in the message's alphabet, without a header: GSM-7 unpacked
    /// (one septet a byte, at most 160) or big-endian UTF-16 (at most 140 bytes).
    pub payload: Vec<u8>,
}

/// Cuts `text` where the parts are full, between characters only: neither an
/// escape and what it announces nor a surrogate pair is parted.
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

/// The byte at which `room` units are used up.
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
