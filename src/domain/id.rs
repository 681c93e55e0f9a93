//! Ids: a prefix that says of what, and a UUID v7 (RFC 9562 §5.7) in the 26
//! lower-case digits of Crockford's base 32, so that they sort by age.

use uuid::Uuid;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

/// A new id's digits.
pub(crate) fn mint() -> String {
    encode(Uuid::now_v7().as_u128())
}

fn encode(value: u128) -> String {
    (0..LENGTH).rev().map(|place| char::from(DIGITS[(value >> (5 * place)) as usize & 31])).collect()
}

/// Whether these are the digits of an id: 26 of them, within 128 bits.
pub(crate) fn is_well_formed(digits: &str) -> bool {
    digits.len() == LENGTH
        && digits.starts_with(|first| ('0'..='7').contains(&first))
        && digits.bytes().all(|digit| DIGITS.contains(&digit))
}

/// An id type: `id! { /// What it names. ApiKeyId = "key_" }`.
macro_rules! id {
    ($(#[$meta:meta])* $name:ident = $prefix:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub struct $name(String);

        impl $name {
            /// A new one, unlike any other.
            #[must_use]
            pub fn mint() -> Self {
                Self(format!(concat!($prefix, "{}"), $crate::domain::id::mint()))
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
                match text.strip_prefix($prefix) {
                    Some(digits) if $crate::domain::id::is_well_formed(digits) => Ok(Self(text.to_owned())),
                    _ => Err(()),
                }
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
        assert_eq!(encode(0), "0".repeat(26));
        assert_eq!(encode(u128::MAX), format!("7{}", "z".repeat(25)));
        assert!(encode(31) < encode(32));
        assert!(is_well_formed(&mint()));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for wrong in ["", "0", &"8".repeat(26), &"u".repeat(26), &"A".repeat(26), &"0".repeat(27)] {
            assert!(!is_well_formed(wrong), "{wrong}");
        }
    }
}
