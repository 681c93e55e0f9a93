//! Ids: a prefix for the type, and a UUID v7 (RFC 9562 §5.7) as 26 lower-case digits
//! of Crockford's base 32. Ids of one type sort by age.

use arrayvec::ArrayString;
use uuid::Uuid;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The digits after the prefix: 128 bits, five bits per digit.
pub(crate) const DIGIT_COUNT: usize = 26;
/// The prefix and the digits. Ids are stored inline, without an allocation, so that
/// the key cache reads a record from one place in memory.
pub(crate) const MAX_ID_CHARS: usize = 32;

/// The text of an id, inline.
pub(crate) type IdText = ArrayString<MAX_ID_CHARS>;

/// Generates an id.
pub(crate) fn mint(prefix: &str) -> IdText {
    let digits = encode(Uuid::now_v7().as_u128());
    let mut text = IdText::new();
    for char in prefix.chars().chain(digits.map(char::from)) {
        let _ = text.try_push(char); // `id!` checks that the prefix fits
    }
    text
}

fn encode(value: u128) -> [u8; DIGIT_COUNT] {
    std::array::from_fn(|place| DIGITS[(value >> (5 * (DIGIT_COUNT - 1 - place))) as usize & 31])
}

/// Parses an id with this prefix.
pub(crate) fn parse(text: &str, prefix: &str) -> Option<IdText> {
    text.strip_prefix(prefix).filter(|digits| is_well_formed(digits))?;
    IdText::from(text).ok()
}

/// The 128 bits of an id as 32 hexadecimal digits, as Twilio's programs write ids.
pub(crate) fn to_hex(text: &str) -> String {
    let digits = text.bytes().skip(text.len().saturating_sub(DIGIT_COUNT));
    let value = digits.fold(0_u128, |value, digit| {
        let place = DIGITS.iter().position(|known| *known == digit).unwrap_or_default();
        (value << 5) | u128::try_from(place).unwrap_or_default()
    });
    format!("{value:032x}")
}

/// The id of these 32 hexadecimal digits, of either case.
pub(crate) fn from_hex(hex: &str, prefix: &str) -> Option<IdText> {
    let bytes = crate::hex::decode::<16>(hex)?;
    let digits = encode(u128::from_be_bytes(*bytes)).map(char::from);
    let text: String = prefix.chars().chain(digits).collect();
    IdText::from(&text).ok()
}

/// Whether these are 26 digits of at most 128 bits.
fn is_well_formed(digits: &str) -> bool {
    digits.len() == DIGIT_COUNT
        && digits.starts_with(|first| ('0'..='7').contains(&first))
        && digits.bytes().all(|digit| DIGITS.contains(&digit))
}

/// Defines an id type: `id! { /// The id of a key. ApiKeyId = "key_" }`.
macro_rules! id {
    ($(#[$meta:meta])* $name:ident = $prefix:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub struct $name($crate::domain::id::IdText);

        const _: () = assert!($prefix.len() + $crate::domain::id::DIGIT_COUNT <= $crate::domain::id::MAX_ID_CHARS);

        impl $name {
            /// Generates a unique id.
            #[must_use]
            pub fn mint() -> Self {
                Self($crate::domain::id::mint($prefix))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Its 128 bits as 32 hexadecimal digits.
            #[must_use]
            pub fn as_hex(&self) -> String {
                $crate::domain::id::to_hex(&self.0)
            }

            /// The id of 32 hexadecimal digits.
            #[must_use]
            pub fn from_hex(hex: &str) -> Option<Self> {
                $crate::domain::id::from_hex(hex, $prefix).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                $crate::domain::id::parse(text, $prefix).map(Self).ok_or(())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::store::types::text_column!($name);
    };
}

pub(crate) use id;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_26_digits_that_keep_the_order_of_the_uuid() {
        assert_eq!(encode(0), [b'0'; 26]);
        assert_eq!(encode(u128::MAX), *b"7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert!(encode(31) < encode(32));
        let id = mint("key_");
        assert!(id.strip_prefix("key_").is_some_and(is_well_formed), "{id}");
        assert_eq!(parse(&id, "key_"), Some(id));
        assert_eq!(parse(&id, "acc_"), None);
    }

    #[test]
    fn an_id_is_the_same_in_hexadecimal_digits() {
        let id = mint("key_");
        let hex = to_hex(&id);
        assert_eq!(
            (hex.len(), from_hex(&hex, "key_"), from_hex(&hex.to_uppercase(), "key_")),
            (32, Some(id), Some(id))
        );
        assert_eq!(to_hex("key_0000000000000000000000001z"), format!("{:032x}", 63));
        assert_eq!(to_hex("key_7zzzzzzzzzzzzzzzzzzzzzzzzz"), "f".repeat(32));
        for wrong in ["", "0", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32)] {
            assert_eq!(from_hex(wrong, "key_"), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for wrong in ["", "0", &"8".repeat(26), &"u".repeat(26), &"A".repeat(26), &"0".repeat(27)] {
            assert!(!is_well_formed(wrong), "{wrong}");
        }
    }
}
