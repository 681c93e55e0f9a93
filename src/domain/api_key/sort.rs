//! The orders in which keys are listed, and places in them.

use std::cmp::Reverse;

use super::record::ApiKeyId;
use crate::store::UtcTime;
use crate::store::types::text_enum;

text_enum! {
    /// By what keys are sorted. Keys of one value are by age, the newest first.
    KeySort {
        /// The newest first.
        Newest = "newest",
        /// The oldest first.
        Oldest = "oldest",
        /// By name.
        Name = "name",
        /// The last used one first, those never used last.
        LastUsed = "last_used",
        /// The one that ends soonest first, those that never end last.
        Expires = "expires",
    }
}

/// A place in a sorted list: right after or before the key of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlace {
    /// A time to sort by; 0 where it is sorted by something else.
    pub(super) number: i64,
    /// A name to sort by; empty where it is sorted by something else.
    pub(super) text: String,
    pub(super) made_at: UtcTime,
    pub(super) id: ApiKeyId,
}

impl KeyPlace {
    /// Compares like the list: places that come first are smaller.
    pub(super) fn order(&self, sort: KeySort) -> impl Ord + '_ {
        let by_age = (self.made_at, &self.id);
        let (oldest, newest) = match sort {
            KeySort::Oldest => (Some(by_age), None),
            _ => (None, Some(Reverse(by_age))),
        };
        // Of a place in an address, it may be the least number there is.
        let number = if sort == KeySort::LastUsed { self.number.saturating_neg() } else { self.number };
        (number, &self.text, oldest, newest)
    }

    /// Its text in an address: `MICROS.ID`, with the value to sort by behind it.
    #[must_use]
    pub fn to_text(&self, sort: KeySort) -> String {
        let by_age = format!("{}.{}", self.made_at.micros(), self.id);
        match sort {
            KeySort::Newest | KeySort::Oldest => by_age,
            KeySort::Name => format!("{by_age}.{}", self.text),
            KeySort::LastUsed | KeySort::Expires => format!("{by_age}.{}", self.number),
        }
    }

    /// Reads such a text, which is not trusted; `None` for another one.
    #[must_use]
    pub fn parse(text: &str, sort: KeySort) -> Option<Self> {
        let (made_at, rest) = text.split_once('.')?;
        let (id, value) = rest.split_once('.').map_or((rest, None), |(id, value)| (id, Some(value)));
        let (number, text) = match (sort, value) {
            (KeySort::Newest | KeySort::Oldest, None) => (0, String::new()),
            // PostgreSQL has no NUL in texts.
            (KeySort::Name, Some(name)) if !name.contains('\0') => (0, name.to_owned()),
            (KeySort::LastUsed | KeySort::Expires, Some(number)) => (number.parse().ok()?, String::new()),
            _ => return None,
        };
        Some(Self { number, text, made_at: UtcTime::from_micros(made_at.parse().ok()?), id: id.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: i64, text: &str, made_at: i64) -> KeyPlace {
        KeyPlace { number, text: text.to_owned(), made_at: UtcTime::from_micros(made_at), id: ApiKeyId::mint() }
    }

    #[test]
    fn a_place_survives_the_way_through_a_link() {
        for (sort, place) in [
            (KeySort::Newest, place(0, "", 7)),
            (KeySort::Oldest, place(0, "", 7)),
            (KeySort::Name, place(0, "a. b.😀", 7)),
            (KeySort::LastUsed, place(0, "", 7)),
            (KeySort::Expires, place(i64::MAX, "", 7)),
        ] {
            assert_eq!(KeyPlace::parse(&place.to_text(sort), sort), Some(place), "{sort:?}");
        }
    }

    #[test]
    fn what_is_no_place_in_this_order_is_refused() {
        let by_age = place(0, "", 7).to_text(KeySort::Newest);
        for (wrong, sort) in [
            ("", KeySort::Newest),
            ("1", KeySort::Newest),
            ("1.key_0", KeySort::Newest),
            ("1;DROP TABLE api_keys", KeySort::Newest),
            (&*format!("{by_age}.5"), KeySort::Newest),
            (&*by_age, KeySort::Name),
            (&*format!("{by_age}.x"), KeySort::Expires),
        ] {
            assert_eq!(KeyPlace::parse(wrong, sort), None, "{wrong}");
        }
    }

    #[test]
    fn never_used_and_never_ending_keys_come_last() {
        let (used, never_used) = (place(5, "", 1), place(0, "", 9));
        let (ends, never_ends) = (place(5, "", 1), place(i64::MAX, "", 9));

        assert!(used.order(KeySort::LastUsed) < never_used.order(KeySort::LastUsed));
        assert!(ends.order(KeySort::Expires) < never_ends.order(KeySort::Expires));
    }
}
