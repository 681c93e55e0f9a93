//! Words that a program keeps with a key.

use std::collections::BTreeMap;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;

use super::secret_scan::refuse_secrets;
use crate::error::{Error, Result};
use crate::store::types::text_column;

const MAX_ENTRIES: usize = 50;
const MAX_NAME_CHARS: usize = 64;
/// As JSON.
const MAX_BYTES: usize = 4096;

/// Strings by name, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Metadata(String);

impl Default for Metadata {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

impl Metadata {
    /// Validates strings by name: at most 50, whose names have 1 to 64 characters, and 4 KiB
    /// of JSON in all, without a secret of a key.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `metadata`.
    pub fn parse(entries: &BTreeMap<String, String>) -> Result<Self> {
        let wrong = |message: String| Err(Error::invalid("metadata", message));
        if entries.len() > MAX_ENTRIES {
            return wrong(format!("{} entries; {MAX_ENTRIES} is the most.", entries.len()));
        }
        if entries.keys().any(|name| name.is_empty() || name.chars().count() > MAX_NAME_CHARS) {
            return wrong(format!("The names of entries have 1 to {MAX_NAME_CHARS} characters."));
        }
        if entries.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return wrong("The character U+0000 can't be stored. Remove it.".to_owned());
        }
        let json = serde_json::to_string(entries).map_err(Error::internal)?;
        if json.len() > MAX_BYTES {
            return wrong(format!("{} bytes as JSON; {MAX_BYTES} is the most.", json.len()));
        }
        entries.iter().flat_map(|(name, value)| [name, value]).try_for_each(|text| refuse_secrets("metadata", text))?;
        Ok(Self(json))
    }

    /// As stored: a JSON object.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> BTreeMap<String, String> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == "{}"
    }
}

text_column!(Metadata, |text: &str| Some(Metadata(text.to_owned())));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::secret::{KeySecret, Mode};

    fn problem(entries: &[(&str, &str)]) -> Option<String> {
        let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        match Metadata::parse(&entries) {
            Err(Error::Invalid(errors)) => errors.get("metadata").map(str::to_owned),
            _ => None,
        }
    }

    #[test]
    fn entries_are_few_and_short() {
        let names: Vec<String> = (0..51).map(|number| format!("n{number}")).collect();
        let many: Vec<_> = names.iter().map(|name| (&**name, "")).collect();
        let (longest, too_long) = ("n".repeat(64), "n".repeat(65));

        assert_eq!(problem(&[]), None);
        assert_eq!(problem(&many[..50]), None);
        assert_eq!(problem(&many).unwrap(), "51 entries; 50 is the most.");
        assert_eq!(problem(&[(&longest, "ž😀\"\\\n")]), None);
        assert!(problem(&[(&too_long, "")]).is_some() && problem(&[("", "")]).is_some());
        assert_eq!(problem(&[("n", &"x".repeat(4096 - r#"{"n":""}"#.len()))]), None);
        assert_eq!(problem(&[("n", &"x".repeat(4096))]).unwrap(), "4104 bytes as JSON; 4096 is the most.");
        assert!(problem(&[("n", "\0")]).is_some());
    }

    #[test]
    fn a_key_is_refused_wherever_it_stands() {
        let secret = KeySecret::generate("sms", Mode::Live).unwrap();
        assert!(problem(&[("note", &format!("the key is {}.", secret.expose()))]).is_some());
        assert!(problem(&[(&format!("k{}", secret.expose()), "")]).is_some());
        assert_eq!(problem(&[("note", "sms_live_…")]), None);
    }
}
