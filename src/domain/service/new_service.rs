//! The form of a new service.

use crate::domain::api_key::secret;
use crate::domain::text;
use crate::error::{Error, FieldErrors, Result};

/// Words of Keyfob's own addresses and keys, which no service may have as its
/// slug or prefix: `/services/new` is the form, and keys that begin with
/// `keyfob_` are Keyfob's.
const RESERVED: [&str; 4] = ["keyfob", "new", "current", "lookup"];

/// A valid form for a new service.
#[derive(Debug)]
pub struct NewService {
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) key_prefix: String,
}

impl NewService {
    /// Validates a submitted form.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every invalid field.
    pub fn parse(name: &str, slug: &str, key_prefix: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let name = errors.collect(parse_name(name))?;
        let slug = errors.collect(parse_word("slug", "Slug", slug))?;
        let key_prefix = errors.collect(parse_word("key_prefix", "Key Prefix", key_prefix))?;
        match (name, slug, key_prefix) {
            (Some(name), Some(slug), Some(key_prefix)) => Ok(Self { name, slug, key_prefix }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// Validates a service's name: one line of 1 to 100 characters.
///
/// # Errors
/// [`Error::Invalid`] for `name`.
pub fn parse_name(typed: &str) -> Result<String> {
    text::line("name", "Name", 100, typed)
}

/// Validates a slug or a prefix, which have the same syntax.
fn parse_word(field: &'static str, what: &str, typed: &str) -> Result<String> {
    let typed = typed.trim();
    if RESERVED.contains(&typed) {
        return Err(Error::invalid(field, format!("“{typed}” is reserved. Choose another {}.", what.to_lowercase())));
    }
    if secret::is_prefix(typed) {
        return Ok(typed.to_owned());
    }
    let rule = "Use 2 to 12 lower-case letters or digits, starting with a letter.".to_owned();
    Err(Error::invalid(field, if typed.is_empty() { format!("{what} is required.") } else { rule }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(name: &str, slug: &str, key_prefix: &str) -> Vec<&'static str> {
        match NewService::parse(name, slug, key_prefix) {
            Ok(_) => Vec::new(),
            Err(Error::Invalid(errors)) => errors.iter().map(|(field, _)| field).collect(),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn every_field_that_is_wrong_is_told_at_once() {
        assert_eq!(wrong("Mail", "mail", "mail"), [""; 0]);
        assert_eq!(wrong(" ", "Mail", "1mail"), ["name", "slug", "key_prefix"]);
    }

    #[test]
    fn slugs_and_prefixes_are_short_plain_words() {
        for word in ["", "a", "Mail", "1mail", "ma_il", "ma-il", "mäil", "m il", "abcdefghijklm", "mail/.."] {
            assert_eq!(wrong("Mail", word, word), ["slug", "key_prefix"], "{word}");
        }
        for word in ["ab", "a1", "abcdefghijkl", " mail "] {
            assert_eq!(wrong("Mail", word, word), [""; 0], "{word}");
        }
    }

    #[test]
    fn keyfobs_own_words_are_no_slugs_and_no_prefixes() {
        for word in RESERVED {
            assert_eq!(wrong("Ours", word, word), ["slug", "key_prefix"], "{word}");
            assert_eq!(wrong("Theirs", &format!("{word}s"), &format!("{word}s")), [""; 0], "{word}");
        }
    }
}
