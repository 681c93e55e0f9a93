//! Ids: a prefix that says of what, and a UUID v7 (RFC 9562 §5.7) in the 26
//! lower-case digits of Crockford's base 32, so that they sort by age.

use arrayvec::ArrayString;
use uuid::Uuid;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
pub(crate) const LENGTH: usize = 26;
/// The longest prefix and the digits. An id has no memory of its own, so that
/// whatever holds it is read at once.
pub(crate) const LONGEST: usize = 32;

/// The text of an id.
pub(crate) type Text = ArrayString<LONGEST>;

/// A new id.
pub(crate) fn mint(prefix: &str) -> Text {
    let digits = encode(Uuid::now_v7().as_u128());
    let mut text = Text::new();
    for char in prefix.chars().chain(digits.map(char::from)) {
        let _ = text.try_push(char); // there is room for all of them
    }
    text
}

fn encode(value: u128) -> [u8; LENGTH] {
    std::array::from_fn(|place| DIGITS[(value >> (5 * (LENGTH - 1 - place))) as usize & 31])
}

/// Reads an id.
pub(crate) fn parse(text: &str, prefix: &str) -> Option<Text> {
    text.strip_prefix(prefix).filter(|digits| is_well_formed(digits))?;
    Text::from(text).ok()
}

/// Whether these are the digits of an id: 26 of them, within 128 bits.
fn is_well_formed(digits: &str) -> bool {
    digits.len() == LENGTH
        && digits.starts_with(|first| ('0'..='7').contains(&first))
        && digits.bytes().all(|digit| DIGITS.contains(&digit))
}

/// An id type: `id! { /// What it names. ApiKeyId = "key_" }`.
macro_rules! id {
    ($(#[$meta:meta])* $name:ident = $prefix:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub struct $name($crate::domain::id::Text);

        const _: () = assert!($prefix.len() + $crate::domain::id::LENGTH <= $crate::domain::id::LONGEST);

        impl $name {
            /// A new one, unlike any other.
            #[must_use]
            pub fn mint() -> Self {
                Self($crate::domain::id::mint($prefix))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
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
    fn what_is_no_id_is_refused() {
        for wrong in ["", "0", &"8".repeat(26), &"u".repeat(26), &"A".repeat(26), &"0".repeat(27)] {
            assert!(!is_well_formed(wrong), "{wrong}");
        }
    }
}
