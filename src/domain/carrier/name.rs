//! The name of a carrier.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;

use crate::store::types::text_column;

/// The most characters of a name.
const MAX_NAME_CHARS: usize = 32;
const DEFAULT: &str = "default";
const SANDBOX: &str = "sandbox";

/// The name by which the settings, the database and the pages know a carrier: 1 to 32
/// lower-case letters, digits, `-` and `_`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct CarrierName(Arc<str>);

impl CarrierName {
    /// The carrier of `--sms-transport`.
    #[must_use]
    pub fn default_carrier() -> Self {
        Self(DEFAULT.into())
    }

    /// The sandbox, which rehearses messages. No carrier may have its name.
    #[must_use]
    pub fn sandbox() -> Self {
        Self(SANDBOX.into())
    }

    /// Whether it is the sandbox.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        &*self.0 == SANDBOX
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CarrierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CarrierName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if !(1..=MAX_NAME_CHARS).contains(&text.len()) || !text.bytes().all(fits) {
            return Err(format!(
                "{text:?} is not the name of a carrier: use 1 to {MAX_NAME_CHARS} lower-case letters, digits, - and _"
            ));
        }
        if text == SANDBOX {
            return Err("sandbox is the name of the sandbox: give the carrier another one".to_owned());
        }
        Ok(Self(text.into()))
    }
}

text_column!(CarrierName, |text: &str| Some(CarrierName(text.into())));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_addresses_and_labels() {
        for name in ["a", "twilio", "o2-cz_2", "default"] {
            assert_eq!(name.parse::<CarrierName>().unwrap().as_str(), name);
        }
        for name in ["", "Twilio", "a b", "a/b", "žluť", "sandbox", &"a".repeat(33)] {
            assert!(name.parse::<CarrierName>().is_err(), "{name}");
        }
    }
}
